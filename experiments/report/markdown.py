"""The report as Markdown for a pull request: the verdict, one table of what each form changes, and the rest folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments import wording
from experiments.analysis.findings import Analysis, Comparison
from experiments.report import tables
from experiments.report.contents import SIMULATED, Contents, left_out_lines, title
from experiments.report.markup import code, escaped, folded, head, row

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


def _lines(contents: Contents) -> Iterator[str]:
    analysis = contents.analysis
    if analysis.simulated:
        yield from (f"**{SIMULATED}: no figure here is a measurement.**", "")
    yield from (f"### {escaped(analysis.headline)}", "", f"{escaped(title(contents.summary))}.")
    if rows := tables.main_comparisons(analysis):
        yield from ("", *_comparisons(rows))
    if analysis.findings:
        yield from ("", *_findings(analysis))
    yield from folded("Every comparison", list(_every_comparison(contents)))
    yield from folded("Every treatment", list(_treatments(contents)))
    yield from folded("What was left out, and why", [f"- {escaped(line)}" for line in left_out_lines(analysis)])
    yield from folded("What was run, with what", list(_provenance(contents)))
    yield from folded("Methods", [f"- {escaped(m.name)}: {escaped(m.source)}" for m in analysis.methods])
    yield from ("", f"Again: {code(contents.command)}")


def _findings(analysis: Analysis) -> Iterator[str]:
    for alike in tables.findings(analysis):
        yield from (f"- {escaped(said)}" for said in alike.shown)
        if alike.more:
            yield f"- {len(alike.more):,} more like these; the page has them."


def _comparisons(rows: Sequence[Comparison]) -> Iterator[str]:
    yield from head(_COMPARED)
    for comparison in rows:
        texts = tables.compared(comparison)
        yield row(
            *(comparison.variant, str(comparison.task_count), comparison.form, comparison.phase),
            *(texts.control_seconds, texts.seconds, texts.change, texts.interval or "none", texts.p or "none"),
            texts.verdict,
        )


def _every_comparison(contents: Contents) -> Iterator[str]:
    analysis = contents.analysis
    rows = [each for variant in tables.variants(analysis) for each in tables.comparisons(analysis, variant)]
    if rows:
        yield from _comparisons(rows)


def _treatments(contents: Contents) -> Iterator[str]:
    phases = tables.phases(contents.analysis.cells)
    if not contents.analysis.cells:
        return
    yield from head(("image", ">tasks", "form", ">rounds", *(f">{phase}, s" for phase in phases), "outcomes"))
    for cell in contents.analysis.cells:
        found = (tables.measured(cell.phases.get(phase)) for phase in phases)
        medians = ("none" if one is None else f"{one.median} ({one.extremes})" for one in found)
        place = (cell.variant, str(cell.task_count), cell.form, str(cell.rounds))
        yield row(*place, *medians, tables.outcomes(cell))


def _provenance(contents: Contents) -> Iterator[str]:
    for group in contents.provenance:
        for fact in group.facts:
            yield f"- {escaped(group.title)}, {escaped(fact.name)}: {code(fact.value)}"
