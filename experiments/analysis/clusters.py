"""Two kinds of start instead of one: times in two clusters, among the tasks of rounds or from round to round. Pure.

Among the tasks of a round: their logarithms minus the round's mean, of all rounds with enough tasks, at all task counts
together (`statistics.shape.heaps`). From round to round: the differences between form and control, which a bad hour
does not touch, at all task counts together (`statistics.two_values`); of a variant without comparisons the medians of
its rounds. Every compared phase is looked at, because a second value of the pull may drown in a long boot. One sweep
without clusters in 20 shows one by chance: the p-values are corrected over all phases, forms and variants.

Clusters from round to round harm an interval of few blocks: they may all be of one kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Finding
from experiments.analysis.shares import TREATMENT
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.shape import TASKS_FOR_WITHIN, heaps
from experiments.analysis.statistics.two_values import SecondValue, second_value
from experiments.plan.control import beside
from experiments.records.phases import COMPARED_PHASES
from experiments.wording import percent

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
TWICE = 2.0
"""A side whose rounds have this many times the variance of the other's is the one with two kinds."""
SAMPLED = [*TREATMENT, "round", *(f"{phase}_seconds" for phase in COMPARED_PHASES)]
"""The columns of tasks that `clusters` needs."""
_NOTHING = SecondValue(distance=0.0, share=0.0, p_value=1.0)


class Clusters(NamedTuple):
    """Two clusters of a form's times, in ``phases``, the clearest first; ``share`` of them ``distance`` above the rest
    (as a logarithm). ``whose`` are the forms whose rounds may be meant: a difference does not say which side's are."""

    variant: str
    form: str
    among: Literal["tasks", "rounds"]
    phases: tuple[str, ...]
    distance: float
    share: float
    whose: tuple[str, ...]


class Candidate(NamedTuple):
    """A second value in one phase, which may be chance."""

    variant: str
    form: str
    phase: str
    whose: tuple[str, ...]
    found: SecondValue


def clusters(tasks: pd.DataFrame, medians: pd.DataFrame, compared: Sequence[Pairs]) -> tuple[Clusters, ...]:
    """Return every cluster; ``tasks`` are `cells.measured` with the columns `SAMPLED`, ``medians`` their rounds'."""
    alone = _of_medians(medians, {name for pair in compared for name in (pair.variant, pair.control_variant)})
    return (*_among_tasks(tasks), *among_rounds([*of_pairs(compared), *alone]))


def told(found: Iterable[Clusters]) -> Iterator[Finding]:
    """Say what was found, and what it means for the figures."""
    for each in found:
        above = f"{percent(each.share)} of them {percent(float(np.expm1(each.distance)))} above the rest"
        if each.among == "tasks":
            where, meaning = "of its tasks form two clusters within rounds", "the median describes neither"
        else:
            where = f"of {' or '.join(each.whose)} form two clusters from round to round"
            meaning = "an interval of few blocks may miss both, because all its blocks may be of one kind"
        yield Finding(
            kind="bimodal",
            text=f"{each.variant} as {each.form}: the times ({', '.join(each.phases)}) {where}, {above}: this measures "
            f"two different things, and {meaning}.",
            variant=each.variant,
            form=each.form,
        )


def _among_tasks(tasks: pd.DataFrame) -> Iterator[Clusters]:
    enough = tasks[tasks["task_count"] >= TASKS_FOR_WITHIN]
    for (variant, form), group in enough.groupby(["variant", "form"], observed=True):
        found = {}
        for phase in COMPARED_PHASES:
            known = group[group[f"{phase}_seconds"] > 0]
            logarithms = np.log(known[f"{phase}_seconds"])
            centred = logarithms - logarithms.groupby(known["round"]).transform("mean")
            if (both := heaps(centred.to_numpy())) is not None:
                found[phase] = both
        if found:
            phases = sorted(found, key=lambda phase: found[phase].lower - found[phase].upper)
            clearest = found[phases[0]]
            distance, share = clearest.upper - clearest.lower, clearest.upper_share
            yield Clusters(str(variant), str(form), "tasks", tuple(phases), distance, share, (str(form),))


def among_rounds(candidates: Sequence[Candidate]) -> Iterator[Clusters]:
    """Yield what remains of candidates when their p-values are corrected for all of them."""
    adjusted = holm(np.array([each.found.p_value for each in candidates])) if candidates else ()
    found = defaultdict(list)
    for each, p_adjusted in zip(candidates, adjusted, strict=True):
        if p_adjusted <= LEVEL:
            found[each.variant, each.form].append(each)
    for (variant, form), phases in found.items():
        phases.sort(key=lambda each: (each.found.p_value, -each.found.distance))
        clearest = phases[0]
        yield Clusters(
            variant,
            form,
            "rounds",
            tuple(each.phase for each in phases),
            clearest.found.distance,
            clearest.found.share,
            clearest.whose,
        )


def of_pairs(compared: Sequence[Pairs]) -> Iterator[Candidate]:
    """Yield the best fit of a second value to the differences of every form and phase, all task counts together."""
    alike: dict[tuple[str, str, str], list[Pairs]] = defaultdict(list)
    for pair in compared:
        alike[pair.variant, pair.form, pair.phase].append(pair)
    for (variant, form, phase), pairs in alike.items():
        found = second_value([pair.differences for pair in pairs])
        yield Candidate(variant, form, phase, _whose(pairs), found or _NOTHING)


def _of_medians(medians: pd.DataFrame, compared: set[str]) -> Iterator[Candidate]:
    alone = medians[~medians["variant"].isin(compared)]
    for (variant, form), rounds in alone.groupby(["variant", "form"], observed=True):
        for phase in COMPARED_PHASES:
            known = rounds[rounds[f"{phase}_seconds"] > 0]
            groups = known.groupby("task_count")[f"{phase}_seconds"]
            found = second_value([np.log(group.to_numpy()) for _, group in groups])
            yield Candidate(str(variant), str(form), phase, (str(form),), found or _NOTHING)


def _whose(pairs: Sequence[Pairs]) -> tuple[str, ...]:
    """Return the side whose rounds vary much more, or both."""
    form, control = (
        float(np.concatenate([_centred(np.log(side)) for side in sides]).var())
        for sides in ([pair.seconds for pair in pairs], [pair.control_seconds for pair in pairs])
    )
    own, other = (pairs[0].variant, pairs[0].form), (pairs[0].control_variant, pairs[0].control)
    names = beside(own, other), beside(other, own)
    if form > TWICE * control:
        return names[:1]
    return names[1:] if control > TWICE * form else names


def _centred(values: Floats) -> Floats:
    return np.asarray(values - values.mean())
