"""How much the tests notice: mutmut makes small faults in the code, and some test must fail for each.

    python benchmarks/mutants.py [--only PATTERN ...] [--processes NUMBER]

What is mutated, and with which tests, stands under `[tool.mutmut]` in `pyproject.toml`; the survivors that are
explained, faults that nobody could notice, in `mutants.toml` beside this file. Prints a table: module, mutants, killed,
survived, explained. Ends with 1 if a survivor is not explained, if a mutant was not tried, or if an explanation is not
needed any more.

mutmut keeps what it found in the folder `mutants`, so that a run that is ended goes on where it was. What was killed is
not tried again until its function changes. What survived is, for a test may be new. To begin anew, and when a module is
added, remove the folder: mutmut takes a file that it once copied for one that it has mutated.
``--only`` takes mutmut's names with wildcards (`experiments.plan.*`), and tries all of these again.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import get_mutant_name, orig_function_and_class_names_from_key

EXPLAINED = Path("benchmarks/mutants.toml")
STATISTICS = Path("mutants/mutmut-stats.json")
KILLED = ("killed", "timeout")
_NAMED = re.compile(r"def x(?:_|\w+ǁ)(\w+)__mutmut_\w+\(")


@dataclass(frozen=True)
class Mutant:
    """One fault of a module, under mutmut's name, which has a number, and under one that says which fault it is."""

    key: str
    path: str
    name: str
    """The function, the lines that change and what they become: stays when others are added to the function."""


def main() -> None:
    """Have mutmut try the mutants, print the table, and end with 1 if anything is left to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="PATTERN")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    explained = explanations(EXPLAINED.read_text())
    paths = sorted(str(path) for path in walk_mutatable_files())
    every = [each for path in paths for each in mutants(path, Path(path).read_text())]
    _forget(paths, {each.key for each in every if each.name in explained})
    words = ["run", "--max-children", str(arguments.processes), *arguments.only]
    ended = subprocess.run([Path(sys.executable).with_name("mutmut"), *words], check=False).returncode
    made = [each for each in every if any(fnmatch.fnmatch(each.key, pattern) for pattern in arguments.only or ["*"])]
    found = results(paths)
    print(table(made, found, explained))
    left = list(to_do(made, found, explained, whole=not arguments.only))
    print(*left, sep="\n")
    sys.exit(ended or bool(left))


def explanations(text: str) -> Mapping[str, str]:
    """Why survivors survive, by the name of the mutant."""
    return {name: each["why"] for each in tomllib.loads(text).get("explained", ()) for name in each["mutants"]}


def mutants(path: str, text: str) -> Iterator[Mutant]:
    """Yield the mutants that mutmut makes of a module's text."""
    made = mutate_file_contents(path, text)
    lines = made.code.splitlines()

    def lines_of(name: str) -> list[str]:
        span = made.line_span_by_function_name[name]
        return [_NAMED.sub(r"def \1(", line) for line in lines[span.start - 1 : span.end]]

    seen: Counter[str] = Counter()
    for name in made.mutant_names:
        change = _change(lines_of(name.rpartition("_")[0] + "_orig"), lines_of(name))
        function, owner = orig_function_and_class_names_from_key(name)
        told = f"{path} {owner + '.' if owner else ''}{function}: {change}"
        seen[told] += 1
        again = f" ({seen[told]})" if seen[told] > 1 else ""
        yield Mutant(get_mutant_name(Path(path), name), path, told + again)


def results(paths: Iterable[str]) -> Mapping[str, str]:
    """What mutmut found, by its names: "killed", "survived", "no tests" (that reach it), "not checked" and others."""
    found = {}
    for path in paths:
        data = SourceFileMutationData(path=path)
        data.load()
        found |= {key: status_by_exit_code[code] for key, code in data.exit_code_by_key.items()}
    return found


def table(made: Iterable[Mutant], found: Mapping[str, str], explained: Mapping[str, str]) -> str:
    """One line for each module: how many mutants, killed, surviving, and of these explained."""
    made = list(made)
    lines = [f"{'module':58} {'mutants':>7} {'killed':>7} {'survived':>8} {'explained':>9}"]
    for path in [*dict.fromkeys(each.path for each in made), "all"]:
        ours = [each for each in made if path in (each.path, "all")]
        tried = [each for each in ours if found.get(each.key, "not checked") != "not checked"]
        survived = [each for each in tried if found[each.key] not in KILLED]
        lines.append(
            f"{path:58} {len(ours):7} {len(tried) - len(survived):7} {len(survived):8} "
            f"{sum(each.name in explained for each in survived):9}"
        )
    return "\n".join(lines)


def to_do(
    made: Iterable[Mutant], found: Mapping[str, str], explained: Mapping[str, str], *, whole: bool
) -> Iterator[str]:
    """A line for each mutant that was not tried or survived unexplained, and for each explanation without need.

    An explanation without a mutant is told only if ``made`` has the whole of the mutants.
    """
    names = set()
    for each in made:
        names.add(each.name)
        result = found.get(each.key, "not checked")
        if result not in KILLED and each.name not in explained:
            yield f"{result}: {each.name} [{each.key}]"
        if result in KILLED and each.name in explained:
            yield f"explained, but {result}: {each.name}"
    if whole:
        yield from (f"explained, but there is none: {name}" for name in explained if name not in names)


def _forget(paths: Iterable[str], explained: Collection[str]) -> None:
    """Have mutmut ask again which tests reach what, and try again what survived and is not ``explained``, by keys."""
    if STATISTICS.exists():
        told = json.loads(STATISTICS.read_text())
        STATISTICS.write_text(json.dumps(told | {"tests_by_mangled_function_name": {}, "duration_by_test": {}}))
    for path in paths:
        data = SourceFileMutationData(path=path)
        data.load()
        if not data.exit_code_by_key:
            continue
        for key, code in data.exit_code_by_key.items():
            if status_by_exit_code[code] not in KILLED and key not in explained:
                data.exit_code_by_key[key] = None
        data.save()


def _change(old: list[str], new: list[str]) -> str:
    """The lines that differ, in one line."""
    told = list(ndiff(old, new))
    before, after = (" ".join(line[2:].strip() for line in told if line.startswith(sign)) for sign in "-+")
    return f"{before} -> {after or 'nothing'}"


if __name__ == "__main__":
    main()
