"""Claims about `benchmarks/mutants.py`: it makes the faults that it says, and tells those that no test notices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutants import read
from benchmarks.mutants_made import mutants
from kit.paths import asset

MODULE = '''
"""A module."""
LIMIT = 3
_SEED = 4


def capped(value: int, least: int = 0) -> int:
    """Cap it."""
    if value > LIMIT:
        raise ValueError(f"{value + 1} is above {LIMIT + 1}")
    return max(value, least)


def twice(value: float) -> float:
    return value * 2
'''
TESTS = """
import pytest
from small import LIMIT, capped, twice


def test_the_cap() -> None:
    assert capped(LIMIT) == 3
    assert capped(-1) == 0
    with pytest.raises(ValueError):
        capped(5)


def test_twice() -> None:
    assert twice(0.0) == 0
"""
SETTINGS = """
[[groups]]
name = "small"
modules = ["small.py"]
tests = ["test_small.py"]

[[explained]]
why = "Only to see that this is said to be needless, and that one which does not exist is."
mutants = ["small.py capped: value > LIMIT -> value <= LIMIT", "small.py capped: value > 9 -> value < 9"]
"""


def made(text: str) -> set[str]:
    return {each.fault for each in mutants("small.py", text)}


def test_each_kind_of_fault_is_made_and_texts_seeds_and_messages_are_left_alone() -> None:
    assert made(MODULE) == {
        "3 -> 4",
        "0 -> 1",
        "value > LIMIT -> value >= LIMIT",
        "value > LIMIT -> value <= LIMIT",
        "raise ValueError(f'{value + 1} is above {LIMIT + 1}') -> nothing",
        "max(value, least) -> min(value, least)",
        "value * 2 -> value / 2",
        "2 -> 3",
    }
    assert made("def f(x, y):\n    return g(x, key=y) if not x else [z for z in y if z]\n") == {
        "g(...) -> without key=",
        "not x -> x",
        "g(x, key=y) if not x else [z for z in y if z] -> g(x, key=y)",
        "g(x, key=y) if not x else [z for z in y if z] -> [z for z in y if z]",
        "for z in y if z -> for z in y",
    }


def test_a_mutant_is_the_whole_module_with_one_fault() -> None:
    (mutant,) = (each for each in mutants("small.py", MODULE) if each.fault == "value * 2 -> value / 2")
    names: dict[str, object] = {}
    exec(compile(mutant.source, "small.py", "exec"), names)  # noqa: S102
    assert names["twice"](3.0) == 1.5  # type: ignore[operator]
    assert names["capped"](2) == 2  # type: ignore[operator]
    assert mutant.name == "small.py twice: value * 2 -> value / 2"


def test_what_no_test_notices_and_explanations_without_need_are_told(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(MODULE)
    (tmp_path / "test_small.py").write_text(TESTS)
    (tmp_path / "mutants.toml").write_text(SETTINGS)
    program = [sys.executable, str(asset("benchmarks") / "mutants.py"), "--configuration", "mutants.toml"]
    environment = {"PYTHONPATH": f"{asset('benchmarks').parent}:{tmp_path}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert [line.split() for line in done.stdout.splitlines() if line.startswith("small.py")] == [
        ["small.py", "8", "6", "2", "0"]
    ]
    assert [line for line in done.stdout.splitlines() if ": small.py" in line] == [
        "explained, but killed: small.py capped: value > LIMIT -> value <= LIMIT",
        "survived: small.py twice: value * 2 -> value / 2 (line 15)",
        "survived: small.py twice: 2 -> 3 (line 15)",
        "explained, but there is none: small.py capped: value > 9 -> value < 9",
    ]


def test_every_explanation_has_a_mutant_and_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(asset("benchmarks").parent)
    configuration = read(asset("benchmarks") / "mutants.toml")
    paths = {path for group in configuration.groups for path in group.modules}
    names = {each.name for path in paths for each in mutants(path, Path(path).read_text())}
    assert configuration.explained.keys() <= names
    assert all(configuration.explained.values())
