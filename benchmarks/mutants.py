"""How much the tests notice: small faults are made in the code one at a time, and some test must fail for each.

    python benchmarks/mutants.py [GROUP ...] [--file TEXT] [--results FILE]

`mutants.toml` beside this file has the groups (which modules, which tests), and the survivors that are explained:
faults that nobody could notice. Prints a table: module, mutants, killed, survived, explained. Ends with 1 if a survivor
is not explained, if a mutant was not tried, or if an explanation is not needed any more.

mutmut (3.8) works here too, and as fast: it tried 241 mutants of `paired`, `power` and `racing` in 70 s, of which 10
survived. It leaves constants, fields of classes and decorated functions alone, which here are the limits, the records
and the cached tables: an eighth of our mutants and more. That is all that this program has over it.

It keeps both processors busy for many minutes. With ``--results`` calls add up, so that it can be done in parts: what
was killed is not tried again. ``--seconds`` ends a part.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.mutants_made import Mutant, mutants
from benchmarks.mutants_tried import KILLED, OPTIONS, Trial

CONFIGURATION = Path(__file__).with_name("mutants.toml")
MOST_SECONDS = 3.0
"""Of tests for one mutant, the fastest first: what only slower ones notice counts as a survivor."""


@dataclass(frozen=True)
class Group:
    """Modules, and the tests that shall notice what is wrong with them."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Configuration:
    """The groups, and why survivors survive, by the name of the mutant."""

    groups: tuple[Group, ...]
    explained: Mapping[str, str]


def main() -> None:
    """Try the mutants, print the table, and end with 1 if anything is left to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--file", action="append", metavar="TEXT", help="only modules with this in their path")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no mutant after so long")
    parser.add_argument("--configuration", type=Path, default=CONFIGURATION)
    arguments = parser.parse_args()
    configuration = read(arguments.configuration)
    results, made = _results(arguments.results), []

    def told(mutant: Mutant, result: str) -> None:
        results[mutant.name] = result
        if arguments.results:
            with arguments.results.open("a") as file:
                file.write(json.dumps([mutant.name, result]) + "\n")

    end = time.monotonic() + arguments.seconds
    for group in configuration.groups:
        if not arguments.groups or group.name in arguments.groups:
            modules = [path for path in group.modules if any(part in path for part in arguments.file or [""])]
            ours = [each for path in modules for each in mutants(path, Path(path).read_text())]
            made += ours
            if todo := [each for each in ours if results.get(each.name) != KILLED]:
                _try(group, Trial(todo, told, MOST_SECONDS, end))
    print(table(made, results, configuration.explained))
    left = list(to_do(made, results, configuration.explained))
    print(*left, sep="\n")
    sys.exit(bool(left))


def read(path: Path) -> Configuration:
    """Read groups and explanations."""
    told = tomllib.loads(path.read_text())
    groups = [
        Group(each["name"], tuple(path for path in _files(each["modules"])), tuple(each["tests"]))
        for each in told["groups"]
    ]
    return Configuration(
        tuple(groups), {name: each["why"] for each in told.get("explained", ()) for name in each["mutants"]}
    )


def table(made: Iterable[Mutant], results: Mapping[str, str], explained: Mapping[str, str]) -> str:
    """One line for each module: how many mutants, killed, surviving, and of these explained."""
    made = list(made)
    lines = [f"{'module':58} {'mutants':>7} {'killed':>7} {'survived':>8} {'explained':>9}"]
    for path in [*dict.fromkeys(each.path for each in made), "all"]:
        names = [each.name for each in made if path in (each.path, "all")]
        tried = [name for name in names if name in results]
        survived = [name for name in tried if results[name] != KILLED]
        lines.append(
            f"{path:58} {len(names):7} {len(tried) - len(survived):7} {len(survived):8} "
            f"{sum(name in explained for name in survived):9}"
        )
    return "\n".join(lines)


def to_do(made: Iterable[Mutant], results: Mapping[str, str], explained: Mapping[str, str]) -> Iterator[str]:
    """A line for each mutant that was not tried or survived unexplained, and for each explanation without need."""
    made = list(made)
    for each in made:
        result = results.get(each.name, "not tried")
        if result != KILLED and each.name not in explained:
            yield f"{result}: {each.name} (line {each.lines[0]})"
        if result == KILLED and each.name in explained:
            yield f"explained, but killed: {each.name}"
    names, paths = {each.name for each in made}, {each.path for each in made}
    yield from (
        f"explained, but there is none: {name}" for name in explained if name not in names and name.split()[0] in paths
    )


def _try(group: Group, trial: Trial) -> None:
    code = pytest.main([*OPTIONS, *group.tests], plugins=[trial])
    if code:
        sys.exit(int(code))


def _files(patterns: Iterable[str]) -> Iterator[str]:
    """The files of patterns; one without a file is an error, for a group would quietly lose a module."""
    for pattern in patterns:
        found = sorted(str(path) for path in Path().glob(pattern) if path.name != "__init__.py")
        if not found:
            sys.exit(f"no module is called {pattern}: run this in the project's folder")
        yield from found


def _results(path: Path | None) -> dict[str, str]:
    """What former calls found; the last word on a mutant counts."""
    if path is None or not path.exists():
        return {}
    return dict(json.loads(line) for line in path.read_text().splitlines())


if __name__ == "__main__":
    main()
