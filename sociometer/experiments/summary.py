"""What a sweep's records say: per variant, form and task count the medians, their spread, and ratios to `plain`. Pure.

Median, quartiles (linear interpolation, type 7 of Hyndman and Fan, The American Statistician 50, 1996), minimum,
maximum and median absolute deviation (not scaled) of the booted tasks of complete rounds; tasks of any other outcome,
or of a round that was not complete, are counted and give no figure. A ratio is the median of a form over that of
`plain` at the same variant and task count; it has no interval here, so it is a description and not a verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from sociometer.experiments.fargate.notes import watching
from sociometer.experiments.phases import PHASES, durations
from sociometer.experiments.records import Frozen, HostLoad, Outcome, RoundRecord, RoundStatus, TaskRecord
from sociometer.experiments.schema import Sweep
from sociometer.infra.outputs import CONTROL

CPU_PRESSURE_LIMIT = 0.20
"""Above this share of a round's time in which some process waited for a CPU, its figures are marked: what is bound
by the CPU may then have taken up to 1 ÷ (1 - 0.2) = 1.25 times as long, more than the effects that are looked for
(kernel documentation, accounting/psi: "some" is the share of time in which at least one task was stalled)."""
STEAL_LIMIT = 0.05
"""Above this share of stolen CPU time the hypervisor, and not the image, may explain a difference."""
RATIO_PHASES = ("pull", "start", "ready", "boot")
FEW_ROUNDS = 3
"""With fewer complete rounds a median cannot be told from chance by any test."""


class Spread(Frozen):
    """A sample of durations of one phase, in seconds."""

    n: int
    median_seconds: float
    lower_quartile_seconds: float
    upper_quartile_seconds: float
    least_seconds: float
    most_seconds: float
    mad_seconds: float
    ratio_to_plain: float | None = None


class Cell(Frozen):
    """One treatment at one task count."""

    variant: str
    form: str
    task_count: int
    rounds: int
    rounds_under_load: int
    tasks: int
    tasks_in_figures: int
    outcomes: dict[str, int]
    received_bytes_median: float | None
    phases: dict[str, Spread]


class Summary(Frozen):
    """A whole sweep in figures, and the notes without which they must not be read."""

    schema_version: int = 1
    sweep_id: str
    stack: str
    status: str
    plan: str
    seed: int
    target: str
    key_metadata: dict[str, str]
    rounds_planned: int
    rounds_complete: int
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]


def summarise(sweep: Sweep, records: Sequence[RoundRecord]) -> Summary:
    """The figures of a sweep; an empty one gives a summary that says so."""
    complete = {record.round.index for record in records if record.status is RoundStatus.COMPLETE}
    cells = _with_ratios(_cells(sweep, records))
    return Summary(
        sweep_id=sweep.id,
        stack=sweep.stack,
        status=sweep.status,
        plan=sweep.plan.design.name,
        seed=sweep.plan.design.seed,
        target=sweep.key_metadata.get("target", sweep.outputs.target),
        key_metadata=sweep.key_metadata,
        rounds_planned=len(sweep.plan.rounds),
        rounds_complete=len(complete),
        cells=tuple(cells),
        notes=tuple(_notes(sweep, records, cells)),
    )


def under_load(load: HostLoad) -> bool:
    """Whether the machine that measured was short of CPU while it did."""
    return (load.cpu_pressure or 0) > CPU_PRESSURE_LIMIT or (load.steal or 0) > STEAL_LIMIT


def spread(seconds: Sequence[float]) -> Spread:
    """Median and spread of at least one duration."""
    ordered = sorted(seconds)
    middle = median(ordered)
    return Spread(
        n=len(ordered),
        median_seconds=middle,
        lower_quartile_seconds=quantile(ordered, 0.25),
        upper_quartile_seconds=quantile(ordered, 0.75),
        least_seconds=ordered[0],
        most_seconds=ordered[-1],
        mad_seconds=median(abs(value - middle) for value in ordered),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Type 7 quantile of sorted values, also of a single one."""
    position = (len(ordered) - 1) * share
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def in_figures(task: TaskRecord) -> bool:
    """Whether a task is a measurement: it booted, in a round that ran as planned."""
    return task.observation.outcome is Outcome.BOOTED and task.round_status is RoundStatus.COMPLETE


def _cells(sweep: Sweep, records: Sequence[RoundRecord]) -> list[Cell]:
    design = sweep.plan.design
    return [
        _cell(variant, form, task_count, records)
        for variant in design.variants
        for task_count in design.task_counts
        for form in design.forms
    ]


def _cell(variant: str, form: str, task_count: int, records: Sequence[RoundRecord]) -> Cell:
    wanted = (variant, form, task_count)
    own = [r for r in records if (r.round.variant, r.round.form, r.round.task_count) == wanted]
    complete = [record for record in own if record.status is RoundStatus.COMPLETE]
    tasks = [task for record in own for task in record.tasks()]
    measured = [task for task in tasks if in_figures(task)]
    received = [task.observation.received_bytes for task in measured if task.observation.received_bytes is not None]
    return Cell(
        variant=variant,
        form=form,
        task_count=task_count,
        rounds=len(complete),
        rounds_under_load=sum(under_load(record.observation.load) for record in complete),
        tasks=len(tasks),
        tasks_in_figures=len(measured),
        outcomes=dict(Counter(task.observation.outcome.value for task in tasks)),
        received_bytes_median=median(received) if received else None,
        phases=_phases(measured),
    )


def _phases(tasks: Iterable[TaskRecord]) -> dict[str, Spread]:
    found = [durations(task.observation) for task in tasks]
    samples = {phase: [value for one in found if (value := one.of(phase)) is not None] for phase in PHASES}
    return {phase: spread(sample) for phase, sample in samples.items() if sample}


def _with_ratios(cells: Sequence[Cell]) -> list[Cell]:
    controls = {(cell.variant, cell.task_count): cell for cell in cells if cell.form == CONTROL}
    return [_with_ratio(cell, controls.get((cell.variant, cell.task_count))) for cell in cells]


def _with_ratio(cell: Cell, control: Cell | None) -> Cell:
    if control is None or control is cell:
        return cell
    phases = {
        phase: sample.model_copy(update={"ratio_to_plain": _ratio(phase, sample, control)})
        for phase, sample in cell.phases.items()
    }
    return cell.model_copy(update={"phases": phases})


def _ratio(phase: str, sample: Spread, control: Cell) -> float | None:
    base = control.phases.get(phase)
    if phase not in RATIO_PHASES or base is None or base.median_seconds == 0:
        return None
    return sample.median_seconds / base.median_seconds


def _notes(sweep: Sweep, records: Sequence[RoundRecord], cells: Sequence[Cell]) -> Iterable[str]:
    if not records:
        yield "No round has run: nothing can be concluded."
        return
    few = [cell for cell in cells if cell.rounds < FEW_ROUNDS]
    if few:
        yield (
            f"{len(few)} of {len(cells)} rows have fewer than {FEW_ROUNDS} complete rounds: "
            "too few to tell a difference from chance."
        )
    if CONTROL not in sweep.plan.design.forms:
        yield f"The plan has no {CONTROL!r} form: there is nothing to compare with."
    yield from _left_out(records)
    yield from watching(records)
    loaded = sum(under_load(record.observation.load) for record in records if record.status is RoundStatus.COMPLETE)
    if loaded:
        yield (
            f"In {loaded} rounds (marked *) this machine was short of CPU (pressure above {CPU_PRESSURE_LIMIT:.0%} or "
            f"steal above {STEAL_LIMIT:.0%} of the time): on Fargate each task has a machine of its own."
        )


def _left_out(records: Sequence[RoundRecord]) -> Iterable[str]:
    tasks = [task for record in records for task in record.tasks()]
    not_booted = Counter(t.observation.outcome.value for t in tasks if t.observation.outcome is not Outcome.BOOTED)
    if not_booted:
        listed = ", ".join(f"{count} {outcome}" for outcome, count in sorted(not_booted.items()))
        yield f"Left out of the figures, for they did not boot as their form promises: {listed}."
    beside = sum(t.observation.outcome is Outcome.BOOTED and not in_figures(t) for t in tasks)
    if beside:
        yield f"Left out of the figures, for their rounds were not complete: {beside} booted."
    for record in records:
        if record.status in (RoundStatus.FAILED, RoundStatus.CONTAMINATED):
            place = f"{record.round.variant} {record.round.form} x {record.round.task_count}"
            yield (
                f"Round {record.round.index} ({place}), attempt {record.attempt}, {record.status.value}: "
                f"{record.reason or 'no reason was given'}"
            )
