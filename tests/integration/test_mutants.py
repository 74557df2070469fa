"""`benchmarks/mutants.py` with the real mutmut: it tells the faults that no test notices, and needless explanations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kit.paths import asset
from tests.unit.benchmarks.test_mutants import CAP, MODULE

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
