"""Many inputs for one parser, in a process of its own: counted, and the faults kept, the smallest input of each.

The process writes how far it is into memory that it shares: when it dies, or hangs where no signal reaches it, the
input is known all the same, because every input follows from the seed and its number.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import shutil
import struct
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from benchmarks.hostile import sandbox
from benchmarks.hostile.parser import Parser
from benchmarks.hostile.trial import Verdict, smallest, tried

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder in it
"""Most inputs are files for some milliseconds."""
STUCK_SECONDS = 60.0
"""Without a new input: then the process is ended, and the input counts as a hang."""
CLEAR_EVERY = 500
"""Inputs after which what they left in the folder is removed."""
MOST_KEPT = 12
"""Different faults of one parser, of which inputs are kept."""
_PROGRESS = struct.Struct("<q")


@dataclass
class Result:
    """What became of the inputs; ``faults`` by kind and place, with number and smallest input; ``seconds`` of CPU."""

    parser: str
    inputs: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[tuple[str, str], tuple[int, bytes, str]] = field(default_factory=dict)
    seconds: float = 0.0
    slowest_seconds: float = 0.0
    slowest: int = 0


def input_of(parser: Parser, seed: int, number: int) -> bytes:
    """The same for the same seed and number, always."""
    return parser.make(Random(f"{seed}:{number}"))


def run(parser: Parser, seed: int, first: int, inputs: int, minutes: float) -> Result:
    """Try inputs from number ``first`` on; a process that dies is counted and followed by another."""
    root = Path(tempfile.mkdtemp(prefix="fuzz-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
    total, until, next_number = Result(parser.name), time.monotonic() + minutes * 60, first
    parser.prepare()
    try:
        while next_number < first + inputs and time.monotonic() < until:
            part = _in_process(parser, seed, next_number, first + inputs - next_number, until, root)
            _add(total, part)
            next_number += max(part.inputs, 1)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return total


def _add(total: Result, part: Result) -> None:
    total.inputs += part.inputs
    total.counts += part.counts
    total.seconds += part.seconds
    for key, found in part.faults.items():
        total.faults.setdefault(key, found)
    if part.slowest_seconds > total.slowest_seconds:
        total.slowest_seconds, total.slowest = part.slowest_seconds, part.slowest


def _in_process(parser: Parser, seed: int, first: int, inputs: int, until: float, root: Path) -> Result:
    shared = mmap.mmap(-1, _PROGRESS.size)
    _PROGRESS.pack_into(shared, 0, first)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    began = time.monotonic()
    child = context.Process(target=_work, args=(parser, seed, first, inputs, until, root, shared, theirs), daemon=True)
    child.start()
    theirs.close()
    part = _awaited(child, ours, shared, first)
    if part is None:
        number = _PROGRESS.unpack_from(shared)[0]
        content = input_of(parser, seed, number)
        kind = "hang" if child.exitcode is None or child.exitcode == -9 else "traceback"
        place = f"the process ended ({child.exitcode})"
        part = Result(parser.name, number - first + 1, Counter({kind: 1, "unknown": number - first}))
        part.faults[kind, place] = (number, content, place)
        part.seconds = time.monotonic() - began
    return part


def _awaited(
    child: multiprocessing.context.ForkProcess, results: Connection, shared: mmap.mmap, first: int
) -> Result | None:
    seen, since = first, time.monotonic()
    while not results.poll(1.0):
        now = _PROGRESS.unpack_from(shared)[0]
        if now != seen:
            seen, since = now, time.monotonic()
        if not child.is_alive() or time.monotonic() - since > STUCK_SECONDS:
            child.kill()
            child.join()
            return None
    try:
        result: Result = results.recv()
    except EOFError:
        child.join()
        return None
    child.join()
    return result


def _work(
    parser: Parser, seed: int, first: int, inputs: int, until: float, root: Path, shared: mmap.mmap, out: Connection
) -> None:
    _forget_environment()
    inside, outside = laid_out(root)
    before = sandbox.picture(outside)
    warnings.simplefilter("ignore")
    sandbox.guard()
    sandbox.limit_memory()
    result = Result(parser.name)
    for number in range(first, first + inputs):
        _PROGRESS.pack_into(shared, 0, number)
        began = time.process_time()
        _one(parser, seed, number, inside, result)
        spent = time.process_time() - began
        if spent > result.slowest_seconds:
            result.slowest_seconds, result.slowest = spent, number
        if result.inputs % CLEAR_EVERY == 0:
            _clear(inside)
            if time.monotonic() > until:
                break
    if sandbox.picture(outside) != before:
        result.counts["outside"] += 1
        result.faults["outside", "something beside the folder has changed"] = (first, b"", "")
    result.seconds = time.process_time()
    out.send(result)


def _forget_environment() -> None:
    """What becomes of an input does not depend on who calls; and each error looks through all variables for secrets."""
    for name in os.environ.keys() - {"PATH", "LANG", "LC_ALL"}:
        del os.environ[name]


def _one(parser: Parser, seed: int, number: int, inside: Path, result: Result) -> None:
    content = input_of(parser, seed, number)
    with sandbox.allowed_in(inside):
        verdict = tried(parser, content)
    result.inputs += 1
    result.counts[verdict.kind] += 1
    if verdict.is_fault and (key := (verdict.kind, verdict.place)) not in result.faults:
        if len(result.faults) < MOST_KEPT:
            with sandbox.allowed_in(inside):
                content = smallest(parser, content, verdict)
        result.faults[key] = (number, content, verdict.said)


def laid_out(root: Path) -> tuple[Path, Path]:
    """A folder to work in, which this process now calls its home, and one beside it that must stay as it is."""
    inside, outside = root / "inside", root / "outside"
    for folder in (inside / "tmp", inside / "data", inside / "cache", outside / "etc"):
        folder.mkdir(parents=True, exist_ok=True)
    (outside / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    os.chdir(inside)
    os.environ.update(
        HOME=str(inside), TMPDIR=str(inside / "tmp"), SOCIOMETER_DATA=str(inside / "data"),
        SOCIOMETER_CACHE=str(inside / "cache"), DOCKER_CONFIG=str(inside / "docker"),
    )  # fmt: skip
    tempfile.tempdir = None
    return inside, outside


def _clear(inside: Path) -> None:
    for path in inside.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for name in ("tmp", "data", "cache"):
        (inside / name).mkdir()


def once(parser: Parser, content: bytes) -> Verdict:
    """One input, in this process, in a folder of its own."""
    home, root = Path.cwd(), Path(tempfile.mkdtemp(prefix="fuzz-"))
    laid_out(root)
    try:
        return tried(parser, content)
    finally:
        os.chdir(home)
        shutil.rmtree(root)
