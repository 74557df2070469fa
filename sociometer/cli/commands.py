"""How functions become commands: shared options are one parameter each, and help texts flow with the terminal."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import typer


def add(app: typer.Typer, command: Callable[..., None], panel: str) -> None:
    """Register a command; a parameter that is a dataclass stands for its fields, each an option."""
    app.command(rich_help_panel=panel, help=_help_text(command))(spread(command))


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer reads it: with the fields of its option groups as parameters of its own."""
    parameters = _parameters(command)
    groups = {
        each.name: each.annotation
        for each in parameters
        if isinstance(each.annotation, type) and is_dataclass(each.annotation)
    }

    @functools.wraps(command)
    def with_groups(**options: Any) -> None:
        for name, group in groups.items():
            options[name] = group(**{each.name: options.pop(each.name) for each in _parameters(group)})
        command(**options)

    flat = [part for each in parameters for part in (_parameters(groups[each.name]) if each.name in groups else [each])]
    keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in flat]
    with_groups.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    with_groups.__annotations__ = {each.name: each.annotation for each in keywords}
    return with_groups


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function, eval_str=True).parameters.values())


def _help_text(command: Callable[..., None]) -> str:
    """The docstring with each paragraph on one line, so that the terminal alone breaks lines."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.splitlines()) for paragraph in paragraphs)
