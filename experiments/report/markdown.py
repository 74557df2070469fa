"""The report as Markdown for a pull request: the verdict, one table of what each form changes, and the rest folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from experiments import wording
from experiments.report.contents import SIMULATED, Contents, left_out_lines, title
from experiments.report.markup import code, escaped, folded, head, row
from experiments.report.tables import Alike, ComparisonRow, Tables

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
    if contents.tables.main:
        yield from ("", *_comparisons(contents.tables.main))
    if analysis.findings:
        yield from ("", *_findings(contents.tables.findings))
    every = [each for variant in contents.tables.variants for each in variant.comparisons]
    yield from folded("Every comparison", list(_comparisons(every)))
    yield from folded("Every treatment", list(_treatments(contents.tables)))
    yield from folded("What was left out, and why", [f"- {escaped(line)}" for line in left_out_lines(analysis)])
    yield from folded("What was run, with what", list(_provenance(contents)))
    yield from folded("Methods", [f"- {escaped(m.name)}: {escaped(m.source)}" for m in analysis.methods])
    yield from ("", f"Again: {code(contents.command)}")


def _findings(findings: Iterable[Alike]) -> Iterator[str]:
    for alike in findings:
        yield from (f"- {escaped(text)}" for text in alike.shown)
        if alike.more:
            yield f"- {len(alike.more):,} more like these; the page has them."


def _comparisons(rows: Iterable[ComparisonRow]) -> Iterator[str]:
    for number, one in enumerate(rows):
        if number == 0:
            yield from head(_COMPARED)
        yield row(
            *(one.variant, one.tasks, one.form, one.phase, one.control_seconds, one.seconds, one.change),
            *(one.interval or "none", one.p or "none", one.verdict),
        )


def _treatments(tables: Tables) -> Iterator[str]:
    if not tables.variants:
        return
    yield from head(("image", ">tasks", "form", ">rounds", *(f">{phase}, s" for phase in tables.phases), "outcomes"))
    for treatment in (each for variant in tables.variants for each in variant.treatments):
        measured = (treatment.phases.get(phase) for phase in tables.phases)
        yield row(
            *(treatment.variant, treatment.tasks, treatment.form, treatment.rounds),
            *("none" if phase is None else f"{phase.median} ({phase.extremes})" for phase in measured),
            ", ".join(treatment.outcomes) or "none ran",
        )


def _provenance(contents: Contents) -> Iterator[str]:
    for group in contents.provenance:
        for fact in group.facts:
            yield f"- {escaped(group.title)}, {escaped(fact.name)}: {code(fact.value)}"
