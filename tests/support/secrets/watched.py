"""Who is started with a credential among its words, and who has one among its variables, while a block runs."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.secrets.marks import Marks

POLL_SECONDS = 0.02
YOUNG_SECONDS = 0.5
"""A process that is younger is looked at each time: it may be about to become another program."""
AGAIN_SECONDS = 2.0
"""The others are looked at so often."""


@dataclass
class Watched:
    """By program (a script's name for an interpreter), the credentials seen; ``programs`` are all that ran."""

    words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    variables: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    programs: set[str] = field(default_factory=set)

    def given_credentials(self) -> set[str]:
        """Programs with a credential among their variables. The image's own variable is its container's business."""
        return {program for program, found in self.variables.items() if found - {"image-variable"}}


@contextmanager
def watched(marks: Marks) -> Iterator[Watched]:
    """Look at every process of the machine for as long as the block lasts: a mark shows that it is ours."""
    watch, ended = _Watch(marks), threading.Event()

    def look() -> None:
        while not ended.wait(POLL_SECONDS):
            watch.look()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield watch.seen
    finally:
        ended.set()
        thread.join()


class _Watch:
    """What is known of each process by its number: the words it had, when it was met, and when it was looked at."""

    def __init__(self, marks: Marks) -> None:
        self.seen = Watched()
        self._marks = marks
        self._known: dict[int, tuple[bytes, float, float]] = {}

    def look(self) -> None:
        """Look at what is new, and at what may have become something else."""
        now, there = time.monotonic(), set(psutil.pids())
        self._known = {pid: known for pid, known in self._known.items() if pid in there}
        for pid in there:
            words, met, looked = self._known.get(pid, (b"", now, 0.0))
            if now - met < YOUNG_SECONDS or now - looked > AGAIN_SECONDS:
                with suppress(OSError):  # it has ended
                    self._known[pid] = self._look(Path(f"/proc/{pid}"), words), met, now

    def _look(self, folder: Path, known: bytes) -> bytes:
        words = (folder / "cmdline").read_bytes()
        if words != known:
            name = _name(words)
            self.seen.programs.add(name)
            if found := self._marks.named(words):
                self.seen.words[name] |= found
            if found := self._marks.named((folder / "environ").read_bytes()):
                self.seen.variables[name] |= found
        return words


def _name(words: bytes) -> str:
    parts = words.decode(errors="replace").split("\0")
    program = Path(parts[0]).name
    if program.startswith("python") and len(parts) > 1:
        return f"python {Path(next((part for part in parts[1:] if not part.startswith('-')), '')).name}"
    return program
