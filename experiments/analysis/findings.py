"""What an analysis says: comparisons with their intervals and verdicts, and warnings. Values alone, frozen.

`experiments.analysis.analyse.analyse` makes them from a sweep's records; report, comparison and notebooks show them.
Durations in seconds, ratios as form ÷ control (0.8 is 20 % shorter), probabilities from 0 to 1.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from experiments.analysis.cells import Cell
from experiments.analysis.left_out import LeftOut
from kit.values import Frozen

FINDINGS_SCHEMA = 2
"""History: 1 — first version; 2 — `primary_phases` and `left_out`, which was a kind of finding."""

Direction = Literal["faster", "slower"]
Verdict = Literal[Direction, "no-difference", "undecided"]
"""`no-difference`: none larger than `Comparison.margin`; `undecided`: the data cannot tell."""


class Interval(Frozen):
    """A confidence interval; ``level`` is its coverage."""

    low: float
    high: float
    level: float = Field(default=0.95, gt=0, lt=1)


class Comparison(Frozen):
    """One form against the control, for one phase of one variant at one task count."""

    variant: str
    form: str
    control: str
    task_count: int
    phase: str = Field(description="one of `phases.PHASES`")
    blocks: int = Field(description="blocks in which both were measured")
    median_seconds: float
    control_median_seconds: float
    ratio: float = Field(description="of the rounds' medians within a block: its geometric mean over the blocks")
    interval: Interval | None = Field(description="of the ratio; None when there are too few blocks for one")
    p_value: float | None = Field(default=None, description="permutation test over the plan's own randomisation")
    p_least: float | None = Field(default=None, description="the smallest p that so many blocks allow that test")
    t_p_value: float | None = Field(default=None, description="of the t test that the interval belongs to")
    p_adjusted: float | None = Field(
        default=None, description="t test corrected for the number of comparisons: what the verdict rests on"
    )
    verdict: Verdict
    taken_alone: Direction | None = Field(
        default=None, description="what an undecided comparison would be, had the sweep no other"
    )
    margin: float | None = Field(default=None, description="no relative difference larger than this; 0.05 is 5 %")
    detectable: float | None = Field(
        default=None, description="smallest relative difference that would be shown in 4 of 5 such sweeps"
    )
    blocks_needed: int | None = Field(default=None, description="more blocks for the wanted precision; 0: it is met")


class Trend(Frozen):
    """How a phase moves with time (``over`` is `order`) or with the task count (`task-count`)."""

    variant: str
    form: str
    phase: str
    over: Literal["order", "task-count"]
    slope: float = Field(description="relative change over the whole sweep, or for each doubling of the task count")
    p_value: float
    p_adjusted: float


WarningKind = Literal[
    "too-few",
    "no-control",
    "incomplete",
    "stopped",
    "overloaded",
    "bimodal",
    "outlier",
    "drift",
    "task-count",
    "watching",
]


class Finding(Frozen):
    """Something that must be known before a figure is believed, in one sentence."""

    kind: WarningKind
    text: str
    variant: str | None = None
    form: str | None = None
    task_count: int | None = None


class Method(Frozen):
    """A method that was used, and where it is from."""

    name: str
    source: str


class Analysis(Frozen):
    """Everything that a report says of a sweep; ``headline`` is its verdict in one sentence."""

    schema_version: int = FINDINGS_SCHEMA
    sweep_id: str
    target: str
    simulated: bool = Field(description="the figures are a simulation's and no measurements")
    headline: str
    primary_phases: dict[str, str] = Field(description="by variant: the phase that its verdict is about")
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    trends: tuple[Trend, ...]
    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...]
    left_out_more: int = Field(description="tasks and rounds that are left out for further reasons")
    methods: tuple[Method, ...]

    @property
    def level(self) -> float:
        """The coverage of the intervals."""
        return next((comparison.interval.level for comparison in self.comparisons if comparison.interval), 0.95)
