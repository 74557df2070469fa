"""The report as Markdown for a pull request: the verdict, one table of the main comparisons, and the rest folded.

Names come from outside and may contain anything, so everything special in Markdown, HTML or GitHub is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from experiments.analysis.why import PARTS
from experiments.report.contents import SIMULATED, Contents
from experiments.report.figures import Table
from experiments.report.tables import Alike, ComparisonRow, Tables, TreatmentRow, WhyRow
from kit.visible import visible

_SPECIAL = re.compile(r"[\\`*_{}\[\]()#|~!$]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
_COMPARED = (
    "image",
    ">tasks",
    "form",
    "phase",
    ">control, s",
    ">form, s",
    ">change",
    ">95 % interval",
    ">saved, s",
    ">booted",
    ">p",
    "verdict",
)


def markdown(contents: Contents) -> str:
    """The whole text, ending with a newline."""
    return visible("\n".join(_lines(contents)) + "\n")


def _lines(contents: Contents) -> Iterator[str]:
    analysis = contents.analysis
    if analysis.simulated:
        yield from (f"**{SIMULATED}: no figure here is a measurement.**", "")
    yield from (f"### {escaped(analysis.headline)}", "", f"{escaped(contents.standing)}.")
    if contents.tables.main:
        yield from ("", *_comparisons(contents.tables.main))
    if analysis.explanations:
        yield from ("", *(f"- {escaped(text)}" for text in analysis.explanations))
    if analysis.findings:
        yield from ("", *_findings(contents.tables.findings))
    comparisons = (row for variant in contents.tables.variants for row in variant.comparisons)
    yield from folded("Every comparison", _comparisons(comparisons))
    for figure in contents.tables.figures:
        yield from folded(figure.title, _figure(figure))
    yield from folded("Every treatment", _treatments(contents.tables))
    yield from folded("Where the seconds went", _why(contents.tables))
    yield from folded("What was left out and why", (f"- {escaped(line)}" for line in contents.left_out))
    yield from folded("What was run", _provenance(contents))
    yield from folded("Methods", (f"- {escaped(m.name)}: {escaped(m.source)}" for m in analysis.methods))
    yield from ("", f"Repeat with: {code(contents.command)}")


def _findings(findings: Iterable[Alike]) -> Iterator[str]:
    for alike in findings:
        yield from (f"- {escaped(text)}" for text in alike.shown)
        if alike.more:
            yield f"- {len(alike.more):,} more like these; the HTML page lists them."


def _comparisons(rows: Iterable[ComparisonRow]) -> Iterator[str]:
    return table(
        _COMPARED,
        (
            (
                *(row.variant, row.tasks, row.form, row.phase, row.control_seconds, row.seconds, row.change),
                *(row.interval or "none", row.saved, row.booted, row.p or "none", row.verdict),
            )
            for row in rows
        ),
    )


def _figure(figure: Table) -> Iterator[str]:
    yield from table(figure.columns, ([cell or "none" for cell in row] for row in figure.rows))
    yield from ("", escaped(figure.lead))


def _treatments(tables: Tables) -> Iterator[str]:
    names = ("image", ">tasks", "form", ">rounds", ">booted", *(f">{phase}, s" for phase in tables.phases), "outcomes")
    return table(names, (_treatment(row, tables.phases) for variant in tables.variants for row in variant.treatments))


def _treatment(row: TreatmentRow, phases: Sequence[str]) -> Sequence[str]:
    measured = (row.phases.get(phase) for phase in phases)
    medians = ("none" if phase is None else f"{phase.seconds} ({phase.extremes})" for phase in measured)
    return (
        row.variant,
        row.tasks,
        row.form,
        row.rounds,
        row.booted or "none",
        *medians,
        ", ".join(row.outcomes) or "none ran",
    )


def _why(tables: Tables) -> Iterator[str]:
    names = ("image", ">tasks", "form", ">seconds", *(f">{part}" for part in PARTS), ">floor", ">times the floor")
    return table(names, (_why_cells(row) for variant in tables.variants for row in variant.why))


def _why_cells(row: WhyRow) -> Sequence[str]:
    parts = (row.parts.get(part) or "none" for part in PARTS)
    floor = (row.floor or "unknown", row.times_floor or "unknown")
    return (row.variant, row.tasks, row.form, row.seconds, *parts, *floor)


def _provenance(contents: Contents) -> Iterator[str]:
    for group in contents.provenance:
        for fact in group.facts:
            yield f"- {escaped(group.title)}, {escaped(fact.name)}: {code(fact.value)}"


def escaped(text: str) -> str:
    """Text that is shown literally, on one line: no markup, no HTML, no mention."""
    backslashed = _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
    return re.sub(r"[&<>@]", lambda match: _ENTITIES[match.group()], backslashed)


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; a > before a column's name right-aligns it. Without rows, nothing."""
    for number, cells in enumerate(rows):
        if number == 0:
            yield f"| {' | '.join(name.removeprefix('>') for name in names)} |"
            yield f"|{'|'.join('--:' if name.startswith('>') else ':--' for name in names)}|"
        yield f"| {' | '.join(map(escaped, cells))} |"


def code(text: str) -> str:
    """A code span that no backtick in the text can close."""
    one_line = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", one_line)), default=0) + 1)
    padding = " " if "`" in one_line else ""
    return f"{fence}{padding}{one_line}{padding}{fence}"


def folded(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that unfold on demand. Without lines, nothing."""
    if shown := list(lines):
        yield from ("", f"<details><summary>{heading}</summary>", "", *shown, "", "</details>")
