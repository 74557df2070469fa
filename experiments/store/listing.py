"""Which sweeps a store holds, for a shell that completes a word: fast, and changing nothing whatever the file is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

BUSY_SECONDS = 0.2


class Listed(NamedTuple):
    """A sweep, by what its row says of it."""

    id: str
    stack: str
    status: str


def newest(path: Path, most: int) -> list[Listed]:
    """The latest sweeps, the latest first; none where there is no store, or none that can be read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as opened:
            rows = opened.execute(
                "SELECT id, stack, status FROM sweeps ORDER BY created_ns DESC, rowid DESC LIMIT ?", (most,)
            )
            return [Listed(*map(str, row)) for row in rows]
    except sqlite3.Error:
        return []
