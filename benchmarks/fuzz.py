"""What becomes of hostile input: nothing that is parsed may end with a traceback, hang, or write outside its folder.

    PYTHONPATH=. python benchmarks/fuzz.py [--parser NAME]… [--inputs 1000] [--seed 1] [--minutes 4] [--results FILE]

Every parser of the project gets inputs that follow from the seed: real samples with values, keys, bits, sizes, names
and encodings changed, cut and spliced. It may take them, or refuse them with an error of the project in one line. Each
input has a limit of CPU time and of memory, and a folder to write to; what is written outside, run or connected to is
caught as it happens. What is accepted must keep what is known of it, such as a round trip.

With ``--results`` the inputs add up over several calls, each going on where the last one ended. ``--show NUMBER``
prints one input of one parser, with what becomes of it. Exit code 1 when anything was found.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.hostile import campaign, of_answers, of_documents, of_images, of_layers, of_stores, of_texts, of_tools
from benchmarks.hostile.campaign import Result
from benchmarks.hostile.parser import Parser

CHUNK = 2_000
"""Inputs of one parser at a time, so that each has its turn."""
KINDS = ("accepted", "refused", "traceback", "unclear", "hang", "outside")


def all_parsers() -> dict[str, Parser]:
    """Every parser, by name."""
    modules = (of_texts, of_documents, of_answers, of_tools, of_images, of_layers, of_stores)
    return {parser.name: parser for module in modules for parser in module.parsers()}


@dataclass
class Row:
    """What is known of a parser so far; ``faults`` are texts for people."""

    seed: int
    inputs: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def main() -> None:
    """Try inputs, print the table, and end with 1 when a parser did what it may not."""
    arguments = _arguments()
    parsers = all_parsers()
    chosen = [parsers[name] for name in arguments.parser or parsers]
    if arguments.show is not None:
        sys.exit(_show(chosen[0], arguments.seed, arguments.show))
    rows = _read(arguments.results, arguments.seed)
    until = time.monotonic() + arguments.minutes * 60
    while waiting := [each for each in chosen if _done(rows, each) < arguments.inputs and time.monotonic() < until]:
        parser = min(waiting, key=lambda each: _done(rows, each) // CHUNK)
        first = _done(rows, parser)
        count = min(CHUNK, arguments.inputs - first)
        result = campaign.run(parser, arguments.seed, first, count, max(until - time.monotonic(), 0) / 60)
        _take(rows.setdefault(parser.name, Row(arguments.seed)), result, arguments.keep)
        _write(arguments.results, rows)
    print(table(rows))
    sys.exit(any(row.faults for row in rows.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parser", action="append", metavar="NAME", choices=sorted(all_parsers()))
    parser.add_argument("--inputs", type=int, default=1000, help="of each parser, counted from the first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--results", type=Path, help="JSON that calls go on with")
    parser.add_argument("--keep", type=Path, help="a folder for the smallest input of each fault")
    parser.add_argument("--show", type=int, metavar="NUMBER")
    return parser.parse_args()


def _done(rows: dict[str, Row], parser: Parser) -> int:
    return rows[parser.name].inputs if parser.name in rows else 0


def _take(row: Row, result: Result, keep: Path | None) -> None:
    row.inputs += result.inputs
    row.counts += result.counts
    row.seconds += result.seconds
    row.slowest_seconds = max(row.slowest_seconds, result.slowest_seconds)
    for (kind, place), (number, content, said) in result.faults.items():
        shown = repr(content[:160]) + (f"… ({len(content)} bytes)" if len(content) > 160 else "")
        fault = f"{result.parser} --seed {row.seed} --show {number}: {kind}: {place}\n    {said}\n    {shown}"
        if not any(place in other for other in row.faults):
            row.faults.append(fault)
            print(fault, flush=True)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{result.parser}-{row.seed}-{number}").write_bytes(content)


def table(rows: dict[str, Row]) -> str:
    """A line for each parser, and the sum."""
    head = ("parser", "inputs", *KINDS, "CPU s", "slowest ms")
    lines = [head]
    for name, row in rows.items():
        cells = (str(row.counts[kind]) for kind in KINDS)
        lines.append((name, f"{row.inputs:,}", *cells, f"{row.seconds:.0f}", f"{row.slowest_seconds * 1000:.0f}"))
    total = sum((row.counts for row in rows.values()), Counter[str]())
    seconds, inputs = sum(row.seconds for row in rows.values()), sum(row.inputs for row in rows.values())
    lines.append((f"{len(rows)} parsers", f"{inputs:,}", *(str(total[kind]) for kind in KINDS), f"{seconds:.0f}", ""))
    return "\n".join(f"{line[0]:<18}" + "".join(f"{cell:>11}" for cell in line[1:]) for line in lines)


def _show(parser: Parser, seed: int, number: int) -> int:
    content = campaign.input_of(parser, seed, number)
    sys.stdout.buffer.write(content + b"\n")
    sys.stdout.flush()
    verdict = campaign.once(parser, content)
    print(f"{verdict.kind}: {verdict.place} {verdict.said}")
    return int(verdict.is_fault)


def _read(results: Path | None, seed: int) -> dict[str, Row]:
    if results is None or not results.exists():
        return {}
    known: dict[str, Any] = json.loads(results.read_text())
    rows = {name: Row(**{**row, "counts": Counter(row["counts"])}) for name, row in known.items()}
    if other := {row.seed for row in rows.values()} - {seed}:
        sys.exit(f"{results} is of seed {other.pop()}: go on with that, or name another file.")
    return rows


def _write(results: Path | None, rows: dict[str, Row]) -> None:
    if results is not None:
        results.write_text(json.dumps({name: row.__dict__ for name, row in rows.items()}, indent=1))


if __name__ == "__main__":
    main()
