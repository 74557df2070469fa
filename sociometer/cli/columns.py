"""Tables on the terminal: plain columns, short digests, sizes."""

from __future__ import annotations

from rich.table import Table

from experiments import wording


def plain_table(*columns: str, title: str | None = None) -> Table:
    """A plain table; a column whose name begins with > is of numbers."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left", no_wrap=True)
    return made


def short(digest: str) -> str:
    """Enough of a digest to tell it from the others; --json has all of it."""
    return digest.removeprefix("sha256:")[:12]


def size(size_bytes: object) -> str:
    """In MiB when that is a whole number, as spans are; else megabytes (10⁶ bytes), or kilobytes when small."""
    if not isinstance(size_bytes, int):
        return ""
    if size_bytes and size_bytes % (1 << 20) == 0:
        return f"{size_bytes >> 20} MiB"
    return wording.size(size_bytes)
