"""No wait of ours is without an end, and every process is started by the one function that thinks of signals."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.sources import modules, nodes

WAITS = {"wait", "join", "communicate", "acquire", "recv", "accept"}
"""Methods that wait for another process or thread; without an argument, for ever. (`str.join` has always one.)

A future's `result` is none: it ends with its work, and whatever that waits for has an end.
"""
LIMITED = {"urlopen": "timeout", "run": "timeout", "create_connection": "timeout", "get": "timeout"}


def endless(code: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """Calls that may wait for ever."""
    for call in code:
        if not isinstance(call, ast.Call):
            continue
        match call.func:
            case ast.Attribute(attr=name) if name in WAITS and not call.args and not call.keywords:
                yield call
            case ast.Attribute(value=ast.Name(id="subprocess" | "httpx" | "urllib" | "socket"), attr=name) if (
                name in LIMITED and LIMITED[name] not in {keyword.arg for keyword in call.keywords}
            ):
                yield call
            case ast.Name(id="flock") if "LOCK_NB" not in ast.dump(call):
                yield call


def starts(code: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """Calls that start a process by themselves."""
    for call in code:
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="subprocess"), attr="Popen" | "run" | "check_output")):
                yield call
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr=name)) if name.startswith(("fork", "spawn")):
                yield call


def test_every_wait_has_an_end() -> None:
    found = [f"{module}:{call.lineno}" for module in modules() for call in endless(nodes(module))]
    assert found == []


def test_every_process_is_started_by_kit_child() -> None:
    found = [module for module in modules() for _ in starts(nodes(module))]
    assert found == [Path("kit/child.py")]


@pytest.mark.parametrize(
    "line",
    ["process.wait()", "thread.join()", "process.communicate()", "flock(file, LOCK_EX)", "subprocess.run(words)"],
)
def test_an_endless_wait_would_be_found(line: str) -> None:
    assert list(endless(ast.walk(ast.parse(line))))
