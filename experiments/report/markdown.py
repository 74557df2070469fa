"""The report as Markdown for a pull request: the verdict, one table of what each form changes, and the rest folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from experiments import wording
from experiments.report.contents import SIMULATED, Contents, left_out_lines, title
from experiments.report.markup import code, escaped, folded, table
from experiments.report.tables import Alike, ComparisonRow, Tables, TreatmentRow

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
    every = (row for variant in contents.tables.variants for row in variant.comparisons)
    yield from folded("Every comparison", _comparisons(every))
    yield from folded("Every treatment", _treatments(contents.tables))
    yield from folded("What was left out, and why", (f"- {escaped(line)}" for line in left_out_lines(analysis)))
    yield from folded("What was run, with what", _provenance(contents))
    yield from folded("Methods", (f"- {escaped(m.name)}: {escaped(m.source)}" for m in analysis.methods))
    yield from ("", f"Again: {code(contents.command)}")


def _findings(findings: Iterable[Alike]) -> Iterator[str]:
    for alike in findings:
        yield from (f"- {escaped(text)}" for text in alike.shown)
        if alike.more:
            yield f"- {len(alike.more):,} more like these; the page has them."


def _comparisons(rows: Iterable[ComparisonRow]) -> Iterator[str]:
    return table(
        _COMPARED,
        (
            (
                *(row.variant, row.tasks, row.form, row.phase, row.control_seconds, row.seconds, row.change),
                *(row.interval or "none", row.p or "none", row.verdict),
            )
            for row in rows
        ),
    )


def _treatments(tables: Tables) -> Iterator[str]:
    names = ("image", ">tasks", "form", ">rounds", *(f">{phase}, s" for phase in tables.phases), "outcomes")
    return table(names, (_treatment(row, tables.phases) for variant in tables.variants for row in variant.treatments))


def _treatment(row: TreatmentRow, phases: Sequence[str]) -> Sequence[str]:
    measured = (row.phases.get(phase) for phase in phases)
    medians = ("none" if phase is None else f"{phase.median} ({phase.extremes})" for phase in measured)
    return (row.variant, row.tasks, row.form, row.rounds, *medians, ", ".join(row.outcomes) or "none ran")


def _provenance(contents: Contents) -> Iterator[str]:
    for group in contents.provenance:
        for fact in group.facts:
            yield f"- {escaped(group.title)}, {escaped(fact.name)}: {code(fact.value)}"
