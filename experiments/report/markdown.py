"""The report as Markdown for a pull request: the verdict, one table of what each form changes, and the rest folded.

Names come from outside and may hold anything: whatever Markdown, HTML or GitHub would act on is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from experiments import wording
from experiments.analysis import sentences
from experiments.analysis.findings import Analysis, Comparison
from experiments.report import tables
from experiments.report.contents import SIMULATED, Contents
from experiments.report.terminal import left_out, title

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
    ">p",
    "verdict",
)


def markdown(contents: Contents) -> str:
    """The whole text; ends with a newline."""
    return wording.visible("\n".join(_lines(contents)) + "\n")


def escaped(text: str) -> str:
    """Text that is shown as it is, on one line: no markup, no HTML, no mention."""
    one_line = " ".join(text.split())
    marked = _SPECIAL.sub(lambda found: f"\\{found.group()}", one_line)
    return re.sub(r"[&<>@]", lambda found: _ENTITIES[found.group()], marked)


def _lines(contents: Contents) -> Iterator[str]:
    analysis = contents.analysis
    if analysis.simulated:
        yield from (f"**{SIMULATED}: no figure here is a measurement.**", "")
    yield from (f"### {escaped(analysis.headline)}", "", f"{escaped(title(contents.summary))}.")
    if rows := tables.main_comparisons(analysis):
        yield from ("", *_comparisons(rows))
    if analysis.findings:
        yield from ("", *_findings(analysis))
    yield from _folded("Every comparison", list(_every_comparison(contents)))
    yield from _folded("Every treatment", list(_treatments(contents)))
    yield from _folded("What was left out, and why", [f"- {escaped(line)}" for line in left_out(contents)])
    yield from _folded("What was run, with what", list(_provenance(contents)))
    yield from _folded("Methods", [f"- {escaped(m.name)}: {escaped(m.source)}" for m in analysis.methods])
    yield from ("", f"Again: {_code(contents.command)}")


def _findings(analysis: Analysis) -> Iterator[str]:
    for alike in tables.findings(analysis):
        yield from (f"- {escaped(said)}" for said in alike.shown)
        if alike.more:
            yield f"- {len(alike.more):,} more like these; the page has them."


def _comparisons(rows: Sequence[Comparison]) -> Iterator[str]:
    yield from _head(_COMPARED)
    for row in rows:
        verdict = sentences.verdict(row)
        yield _row(
            row.variant,
            str(row.task_count),
            row.form,
            row.phase,
            wording.seconds(row.control_median_seconds),
            wording.seconds(row.median_seconds),
            wording.change(row.ratio),
            sentences.interval(row.interval) or "none",
            wording.probability(row.p_adjusted) or "none",
            verdict,
        )


def _every_comparison(contents: Contents) -> Iterator[str]:
    analysis = contents.analysis
    rows = [row for variant in tables.variants(analysis) for row in tables.comparisons(analysis, variant)]
    if rows:
        yield from _comparisons(rows)


def _treatments(contents: Contents) -> Iterator[str]:
    phases = tables.phases(contents.analysis.cells)
    if not contents.analysis.cells:
        return
    yield from _head(("image", ">tasks", "form", ">rounds", *(f">{phase}, s" for phase in phases), "outcomes"))
    for cell in contents.analysis.cells:
        found = (tables.measured(cell.phases.get(phase)) for phase in phases)
        medians = ("none" if one is None else f"{one.median} ({one.extremes})" for one in found)
        place = (cell.variant, str(cell.task_count), cell.form, str(cell.rounds))
        yield _row(*place, *medians, tables.outcomes(cell))


def _provenance(contents: Contents) -> Iterator[str]:
    for group in contents.provenance:
        for fact in group.facts:
            yield f"- {escaped(group.title)}, {escaped(fact.name)}: {_code(fact.value)}"


def _folded(heading: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"<details><summary>{heading}</summary>", "", *lines, "", "</details>")


def _head(names: Sequence[str]) -> Iterator[str]:
    yield f"| {' | '.join(name.removeprefix('>') for name in names)} |"
    yield f"|{'|'.join('--:' if name.startswith('>') else ':--' for name in names)}|"


def _row(*values: str) -> str:
    return f"| {' | '.join(escaped(value) for value in values)} |"


def _code(text: str) -> str:
    """A code span that no backtick in the text can end."""
    one_line = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", one_line)), default=0) + 1)
    padding = " " if "`" in one_line else ""
    return f"{fence}{padding}{one_line}{padding}{fence}"
