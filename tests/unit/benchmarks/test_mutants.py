"""Claims about `benchmarks/mutants.py`: it tells the faults that no test notices, and explanations without need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.mutants import explanations, mutants
from kit.paths import asset

MODULE = '''
"""A module."""


def capped(value: int, most: int = 3) -> int:
    """Cap it."""
    return value if value < most else most


class Pair:
    def twice(self, value: float) -> float:
        return value * 2
'''
TESTS = """
from small import Pair, capped


def test_the_cap() -> None:
    assert capped(5) == 3
    assert capped(-1) == -1


def test_twice() -> None:
    assert Pair().twice(0.0) == 0
"""
MORE = """

def test_twice_something() -> None:
    assert Pair().twice(1.0) == 2
"""
SETTINGS = """
[tool.mutmut]
source_paths = ["small.py"]
pytest_add_cli_args_test_selection = ["tests"]
"""
CAP = "small.py capped: return value if value < most else most -> return value if value <= most else most"
EXPLAINED = f"""
[[explained]]
why = "At the cap both arms are the cap."
mutants = ["{CAP}"]
"""
NEEDLESS = """
[[explained]]
why = "Only to see that it is told when a test notices it all the same, or when there is no such mutant."
mutants = [
  "small.py capped: def capped(value: int, most: int = 3) -> int: -> def capped(value: int, most: int = 4) -> int:",
  "small.py capped: return 9 -> return 10",
]
"""


def tried(place: Path) -> tuple[int, list[str], list[str]]:
    """Exit code, the module's line of the table, and what is left to do."""
    program = [sys.executable, asset("benchmarks") / "mutants.py", "--processes", "1"]
    environment = {"PYTHONPATH": str(asset("benchmarks").parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(program, cwd=place, env=environment, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    (row,) = (line.split() for line in lines if line.startswith("small.py")) if "all" in done.stdout else [[]]
    return done.returncode, row, [line.rpartition(" [")[0] or line for line in lines if ": small.py" in line]


def test_a_mutant_s_name_says_the_function_and_what_its_line_becomes() -> None:
    names = [each.name for each in mutants("small.py", MODULE)]
    assert CAP in names
    assert "small.py Pair.twice: return value * 2 -> return value / 2" in names
    assert [each.key for each in mutants("small.py", MODULE)][-1] == "small.xǁPairǁtwice__mutmut_2"


def test_a_mutant_keeps_its_name_when_others_are_added_before_it() -> None:
    longer = MODULE.replace("    return value * 2", "    value = value + 0.0\n        return value * 2")
    before, after = ({each.name: each.key for each in mutants("small.py", text)} for text in (MODULE, longer))
    assert before.keys() < after.keys()
    name = "small.py Pair.twice: return value * 2 -> return value / 2"
    assert before[name] != after[name]


def test_what_no_test_notices_is_told_until_a_test_does_or_it_is_explained(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(MODULE)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    for name, text in {"tests/test_small.py": TESTS, "benchmarks/mutants.toml": NEEDLESS}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    code, row, left = tried(tmp_path)
    assert code == 1
    assert row == ["small.py", "6", "3", "3", "0"]
    assert left == [
        "explained, but killed: small.py capped: "
        "def capped(value: int, most: int = 3) -> int: -> def capped(value: int, most: int = 4) -> int:",
        f"survived: {CAP}",
        "survived: small.py Pair.twice: return value * 2 -> return value / 2",
        "survived: small.py Pair.twice: return value * 2 -> return value * 3",
        "explained, but there is none: small.py capped: return 9 -> return 10",
    ]
    (tmp_path / "tests/test_small.py").write_text(TESTS + MORE)
    (tmp_path / "benchmarks/mutants.toml").write_text(EXPLAINED)
    assert tried(tmp_path) == (0, ["small.py", "6", "5", "1", "1"], [])


def test_every_explanation_has_a_module_and_a_reason() -> None:
    explained = explanations((asset("benchmarks") / "mutants.toml").read_text())
    assert all(explained.values())
    assert all((asset("benchmarks").parent / name.split()[0]).is_file() for name in explained)
