"""One sweep as a comparison of its treatments with its control, for the same gate and tables as two sweeps. Pure.

Nothing is tested anew: the comparisons are those of the report. What is added is which slow-down they could have caught
and what they lack.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.analysis.analyse import terms_for
from experiments.analysis.comparisons import pooled_variances, shares, testable
from experiments.analysis.effects import deployed_pairs, pairs, round_medians
from experiments.analysis.failures import control_key
from experiments.analysis.findings import Analysis, Comparison
from experiments.compare import caught, lacking
from experiments.compare.lacking import Booting
from experiments.compare.samples import Recorded
from experiments.compare.versus import Change, Versus
from experiments.wording import tasks
from kit.errors import SweepError


def within(side: Recorded, analysis: Analysis, *, limit: float = 0.0) -> Versus:
    """Return what a sweep says of its treatments against its control; ``analysis`` is the sweep's.

    ``limit`` is the slow-down that `could_catch` asks about, as a share. Raises `SweepError` if the plan compares
    nothing.
    """
    design = side.sweep.plan.design
    if not any(design.control_of(*treatment) for treatment in design.treatments):
        raise SweepError(
            f"Sweep {side.sweep.id} compares nothing: it measured no other treatment than its control {design.against}."
        )
    could_catch = _could_catch(side, analysis, limit)
    compared = (*analysis.comparisons, *analysis.as_deployed)
    return Versus(
        before=side.sweep.id,
        after=side.sweep.id,
        control=str(design.against),
        target=analysis.target,
        simulated=analysis.simulated,
        measure="seconds",
        differing={},
        changes=tuple(_change(each, analysis, catch) for each, catch in zip(compared, could_catch, strict=True)),
        booting=tuple(_booting(side, analysis)),
        warnings=tuple(each.text for each in analysis.findings if each.kind == "overloaded"),
        lost=tuple(_without_figure(side, analysis, of_control=False)),
        unfinished=(
            *lacking.unfinished(side),
            *(f"{each} has no figure to compare with." for each in _without_figure(side, analysis, of_control=True)),
        ),
    )


def _could_catch(side: Recorded, analysis: Analysis, limit: float) -> list[float | None]:
    """Return the smallest slow-down that each comparison of a primary phase could have caught, in their order."""
    design, terms = side.sweep.plan.design, terms_for(side.sweep, analysis.level, 0.05)
    compared = [*pairs(design, round_medians(side.tasks)), *deployed_pairs(design, side.tasks)]
    primary = [pair.phase == analysis.primary_phases[pair.variant] for pair in compared]
    return [
        caught.slowdown_within(pair.differences, variance, terms, float(share), limit, pair.least_deviation)
        if is_primary and testable(pair)
        else None
        for pair, is_primary, variance, share in zip(
            compared, primary, pooled_variances(compared), shares(primary), strict=True
        )
    ]


def _change(each: Comparison, analysis: Analysis, could_catch: float | None) -> Change:
    same = each.model_dump(include=set(Change.model_fields) & set(Comparison.model_fields))
    return Change(
        **same,
        primary=each.phase == analysis.primary_phases[each.variant],
        before=each.control_seconds,
        after=each.seconds,
        blocks_before=each.blocks,
        blocks_after=each.blocks,
        lost_before=each.control_lost_blocks,
        could_catch=could_catch,
    )


def _booting(side: Recorded, analysis: Analysis) -> Iterator[Booting]:
    by_key = {cell.key: cell for cell in analysis.cells}
    for cell in analysis.cells:
        control = control_key(side.sweep.plan.design, cell.key)
        theirs = by_key[control].booted if control else None
        if cell.booted is not None and theirs is not None:
            yield Booting(
                variant=cell.variant,
                form=cell.form,
                task_count=cell.task_count,
                before=theirs,
                after=cell.booted,
                less=cell.boots_less,
            )


def _without_figure(side: Recorded, analysis: Analysis, *, of_control: bool) -> Iterator[str]:
    """Name the treatments that have no figure, although their control has; ``of_control``: the controls without one."""
    with_figures = {cell.key for cell in analysis.cells if cell.seconds}
    without: dict[str, None] = {}
    for cell in analysis.cells:
        control = control_key(side.sweep.plan.design, cell.key)
        if control is None:
            continue
        key = control if of_control else cell.key
        if key not in with_figures and (of_control or control in with_figures):
            without[f"{key[0]} {key[1]} with {tasks(key[2])}"] = None
    yield from without
