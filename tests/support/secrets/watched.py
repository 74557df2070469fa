"""Who is started with a credential among its words, and who has one among its variables, while a block runs."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.secrets.marks import Marks

POLL_SECONDS = 0.02


@dataclass
class Watched:
    """By program (a script's name for an interpreter), the credentials seen; ``programs`` are all that ran."""

    words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    variables: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    programs: set[str] = field(default_factory=set)


@contextmanager
def watched(marks: Marks) -> Iterator[Watched]:
    """Look at every process of the machine for as long as the block lasts: a mark shows that it is ours."""
    seen, ended = Watched(), threading.Event()
    known: dict[int, tuple[bytes, bytes]] = {}

    def look() -> None:
        while not ended.wait(POLL_SECONDS):
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):  # it has ended
                    _look(folder, marks, seen, known)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _look(folder: Path, marks: Marks, seen: Watched, known: dict[int, tuple[bytes, bytes]]) -> None:
    """A process is looked at once, and again when it has become another program."""
    words = (folder / "cmdline").read_bytes()
    start = (folder / "stat").read_bytes().rpartition(b")")[2].split()[19]
    if known.get(int(folder.name)) == (words, start):
        return
    known[int(folder.name)] = words, start
    name = _name(words)
    seen.programs.add(name)
    if found := marks.named(words):
        seen.words[name] |= found
    if found := marks.named((folder / "environ").read_bytes()):
        seen.variables[name] |= found


def _name(words: bytes) -> str:
    parts = words.decode(errors="replace").split("\0")
    program = Path(parts[0]).name
    if program.startswith("python") and len(parts) > 1:
        return f"python {Path(next((part for part in parts[1:] if not part.startswith('-')), '')).name}"
    return program
