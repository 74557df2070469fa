"""Claims about the names of mutants in `benchmarks/mutants.py`, and about their explanations."""

from __future__ import annotations

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
CAP = "small.py capped: return value if value < most else most -> return value if value <= most else most"


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


def test_every_explanation_has_a_module_and_a_reason() -> None:
    explained = explanations((asset("benchmarks") / "mutants.toml").read_text())
    assert all(explained.values())
    assert all((asset("benchmarks").parent / name.split()[0]).is_file() for name in explained)
