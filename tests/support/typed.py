"""What a text tells people or a machine to type, and whether the command takes it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import typer
from typer.core import TyperGroup

from sociometer.cli.main import app

_ENDS = {"|", "||", "&&", ";", ">", ">>", "<", "&", ")"}


def commands(shell: str) -> Iterator[list[str]]:
    """The words after `sociometer` of every command in a script; variables and expressions stand for themselves."""
    for line in re.sub(r"\\\n\s*", " ", shell).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        words = list(lexer)
        while "sociometer" in words:
            words = words[words.index("sociometer") + 1 :]
            end = next((place for place, word in enumerate(words) if word in _ENDS), len(words))
            yield words[:end]


def check(words: list[str]) -> None:
    """Raises typer's error for an unknown command or option, or a missing argument; runs nothing."""
    command, context = typer.main.get_command(app), None
    while isinstance(command, TyperGroup):
        context = typer.Context(command, parent=context)
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]!r}"
        command, words = found, words[1:]
    command.make_context(command.name, list(words), parent=context)
