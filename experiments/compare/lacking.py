"""What a comparison of two sweeps lacks: tasks that did not boot, treatments and rounds without a figure. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from experiments.analysis.cells import Share
from experiments.analysis.shares import counts, smaller
from experiments.analysis.statistics import unpaired
from experiments.compare.samples import Blocks, Recorded, Row
from experiments.plan.plan import Design
from experiments.plan.schedule import due_rounds
from experiments.records.model import RoundStatus
from experiments.wording import plural, tasks
from kit.values import Frozen


class Booting(Frozen):
    """How many tasks of a treatment booted as promised; ``less``: fewer than before, beyond chance."""

    variant: str
    form: str
    task_count: int
    before: Share
    after: Share
    less: bool


def booting(before: Recorded, after: Recorded) -> Iterator[Booting]:
    """Compare how many tasks booted, of each treatment that both sweeps ran."""
    earlier, later = counts(before.tasks), counts(after.tasks)
    both = {key: (later[key], earlier[key]) for key in earlier if key in later}
    less = smaller(both, lambda now, then: unpaired.permuted(then.failed, now.failed))
    for (variant, form, count), (now, then) in both.items():
        yield Booting(
            variant=variant,
            form=form,
            task_count=count,
            before=then.share,
            after=now.share,
            less=less[variant, form, count],
        )


def lost(before: Mapping[Row, Blocks], after: Mapping[Row, Blocks], planned: Design) -> Iterator[str]:
    """Name the treatments and task counts that broke: without them a comparison would look clean."""
    earlier, later = (
        {row.treatment: None for row, blocks in side.items() if len(blocks.logarithms) and not row.as_deployed}
        for side in (before, after)
    )
    for variant, form, count in earlier:
        is_planned = variant in planned.variants and form in planned.forms and count in planned.task_counts
        if is_planned and (variant, form, count) not in later:
            yield f"{variant} {form} with {tasks(count)}"


def unfinished(side: Recorded) -> Iterator[str]:
    """Say what a sweep lacks; a round that never completed is no evidence that nothing changed."""
    if side.sweep.status != "finished":
        yield f"Sweep {side.sweep.id} is not finished ({side.sweep.status})."
        return
    complete = set(side.tasks.loc[side.tasks["round_status"] == RoundStatus.COMPLETE.value, "round"])
    due = due_rounds(side.sweep.plan, set(side.tasks["round"]))
    missing = Counter(
        f"{round_.variant} {round_.form} with {tasks(round_.task_count)}"
        for round_ in due
        if round_.index not in complete
    )
    for treatment, count in missing.items():
        yield f"Sweep {side.sweep.id} has no complete attempt of {plural(count, 'round')} of {treatment}."
