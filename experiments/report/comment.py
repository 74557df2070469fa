"""What a sweep says of a change, as the one comment on its pull request: the verdict, a chart, the table, the report.

The comment is found again by the marker in its first line, which is not shown. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from experiments.compare import gate
from experiments.compare.versus import Versus
from experiments.report import versus as tables
from experiments.report.contents import SIMULATED
from experiments.report.interval_chart import chart
from experiments.report.markdown import escaped, folded
from experiments.wording import percent
from kit.errors import SettingsError

LONGEST = 65_536
"""Characters of a comment that GitHub takes; GitLab takes more."""
_WARNING = "Warning: "
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}")


def marker(name: str) -> str:
    """The first line of the comment of that name; raises `SettingsError` for what could end it early."""
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"A comment cannot be named {name!r}. Allowed: up to 50 letters, digits, '.', '_', '-', such as start-time."
        )
    return f"<!-- sociometer: {name} -->"


def body(versus: Versus, report: str, limit: float | None = None, link: str | None = None) -> str:
    """The comment without its marker, as Markdown of at most `LONGEST` characters with any marker.

    ``report`` is the sweep's report as Markdown, ``limit`` the slow-down that is not allowed, as a share, ``link``
    where the records are. What does not fit is left out, the longest first, and the comment says so.
    """
    room = LONGEST - 100
    for whole in _from_long_to_short(versus, report, limit, link):
        if len(whole) <= room:
            return whole
    return whole[: room - 1] + "…"


def _from_long_to_short(versus: Versus, report: str, limit: float | None, link: str | None) -> Iterator[str]:
    verdict = [*_verdict(versus, limit), ""]
    drawing = [*_fenced(chart([each for each in versus.changes if each.primary], limit)), ""]
    table = list(tables.tables(versus))
    notes = list(tables.notes(versus))
    warnings = [each for each in notes if each.startswith(_WARNING)]
    table += ["", *(f"- {escaped(each)}" for each in warnings)]
    reading = list(folded("How to read it", (f"- {escaped(each)}" for each in notes if each not in warnings)))
    where = ["", f"[The records and the whole report]({link})"] if link else []
    left_out = ["", "This comment would be too long with the rest; the report in the records has it."]
    for parts in (
        [*verdict, *drawing, *table, *reading, *folded("The whole report", report.splitlines()), *where],
        [*verdict, *drawing, *table, *left_out, *where],
        [*verdict, *drawing, *left_out, *where],
        [*verdict, *left_out, *where],
    ):
        yield "\n".join(parts) + "\n"


def _verdict(versus: Versus, limit: float | None) -> Iterator[str]:
    if versus.simulated:
        yield from (f"**{SIMULATED}: no figure here is a measurement.**", "")
    if limit is None:
        yield f"### Starts, compared with {escaped(versus.control or versus.before)}"
        return
    judgement = gate.judge(versus, limit)
    if judgement.fails:
        yield from (f"### {_failure(judgement)}", "", escaped(gate.refusal(judgement, limit)))
    elif judgement.open:
        yield from ("### Starts: not certain", "", escaped(gate.doubt(judgement, limit)))
    else:
        yield f"### Starts are not slower by {percent(limit)}"
    yield from ("", escaped(gate.reach(versus)))


def _failure(judgement: gate.Judgement) -> str:
    if judgement.slower:
        return "Starts are slower than allowed"
    return "Fewer tasks boot than before" if judgement.fewer else "A treatment has no figure"


def _fenced(text: str) -> Iterator[str]:
    """A block of text that nothing in it can end."""
    if text:
        longest = max((len(run) for run in re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        yield from (f"{fence}text", *text.splitlines(), fence)
