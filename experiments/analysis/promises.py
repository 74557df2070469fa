"""Where an interval's promise has a limit: marks for programs, and sentences for people. Pure.

An interval covers the true ratio of usual starts as often as its level says, as long as the blocks scatter about one
value. What speaks against that, or cannot be known from so few blocks, becomes a caution of the comparison.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from experiments.analysis.clusters import Clusters
from experiments.analysis.findings import Caution, Comparison, Finding
from experiments.analysis.statistics.unseen import LEAST_BLOCKS, unseen
from experiments.wording import percent, plural


def with_cautions(
    comparisons: Sequence[Comparison], found: Sequence[Clusters], noted: Sequence[Finding], *, early: bool
) -> list[Comparison]:
    """Return the comparisons with what limits their intervals.

    ``noted`` are the findings of `noise`; ``early``: the sweep ended because its intervals were narrow enough.
    """
    of_two_kinds = {(each.variant, each.form) for each in found if each.among == "rounds"}
    with_outliers = {(each.variant, each.form, each.task_count) for each in noted if each.kind == "outlier"}
    return [
        each
        if each.interval is None
        else each.model_copy(
            update={
                "unseen": unseen(each.blocks),
                "cautions": (
                    *_cautions(each, of_two_kinds, with_outliers),
                    *(("stopped-early",) if early else ()),
                ),
            }
        )
        for each in comparisons
    ]


def few_blocks(comparisons: Sequence[Comparison]) -> Iterator[Finding]:
    """Say what the intervals of few blocks cannot know."""
    few = [each for each in comparisons if "few-blocks" in each.cautions]
    if few:
        least = min(each.blocks for each in few)
        yield Finding(
            kind="few-blocks",
            text=f"Intervals of {plural(least, 'block')} hold for starts of one kind. Up to {percent(unseen(least))} "
            "of all rounds may be of another kind (a stall, a second value of the pull) and none of them among these "
            f"blocks; from {LEAST_BLOCKS} blocks on such kinds mostly show.",
        )


def _cautions(
    comparison: Comparison, of_two_kinds: Container[object], with_outliers: Container[object]
) -> Iterator[Caution]:
    if comparison.blocks < LEAST_BLOCKS:
        yield "few-blocks"
    if (comparison.variant, comparison.form) in of_two_kinds:
        yield "two-kinds"
    sides = ((comparison.variant, comparison.form), (comparison.control_variant, comparison.control))
    if any((*side, comparison.task_count) in with_outliers for side in sides):
        yield "outliers"
