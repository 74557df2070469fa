"""Markdown's own syntax: escaping, tables, code and folded parts. Pure.

Names come from outside and may hold anything: whatever Markdown, HTML or GitHub would act on is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_SPECIAL = re.compile(r"[\\`*_{}\[\]()#|~!$]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}


def escaped(text: str) -> str:
    """Text that is shown as it is, on one line: no markup, no HTML, no mention."""
    marked = _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
    return re.sub(r"[&<>@]", lambda entity: _ENTITIES[entity.group()], marked)


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; a column whose name begins with > is of numbers. Nothing where there is no row."""
    for number, cells in enumerate(rows):
        if number == 0:
            yield f"| {' | '.join(name.removeprefix('>') for name in names)} |"
            yield f"|{'|'.join('--:' if name.startswith('>') else ':--' for name in names)}|"
        yield f"| {' | '.join(map(escaped, cells))} |"


def code(text: str) -> str:
    """A code span that no backtick in the text can end."""
    one_line = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", one_line)), default=0) + 1)
    padding = " " if "`" in one_line else ""
    return f"{fence}{padding}{one_line}{padding}{fence}"


def folded(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that are shown on demand; nothing where there are none."""
    if shown := list(lines):
        yield from ("", f"<details><summary>{heading}</summary>", "", *shown, "", "</details>")
