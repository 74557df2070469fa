"""The values of an analysis: comparisons with their intervals and verdicts, trends and warnings. Frozen.

`experiments.analysis.analyse.analyse` makes them from a sweep's records; reports, `compare` and notebooks show them.
Durations are in seconds, ratios are form ÷ control (0.8 is 20 % shorter), probabilities are from 0 to 1.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from experiments.analysis.cells import Cell, Share
from experiments.analysis.left_out import LeftOut
from experiments.analysis.why import Why
from experiments.plan.control import beside
from experiments.records.reads import Reads
from kit.values import Frozen

FINDINGS_SCHEMA = 4
"""History: 1 — first version; 2 — `primary_phases`, and `left_out`, which was a kind of finding before;
3 — `seconds` and `control_seconds` of a comparison are the means that `ratio` is of, no longer medians;
`as_deployed`, and the shares of tasks that booted; `why`, `reads` and `explanations`; 4 — `control_variant`."""

Direction = Literal["faster", "slower"]
Verdict = Literal[Direction, "no-difference", "undecided"]
"""`no-difference`: no difference larger than `Comparison.margin`; `undecided`: the data cannot tell."""


class Interval(Frozen):
    """A confidence interval; ``level`` is its coverage."""

    low: float
    high: float
    level: float = Field(default=0.95, gt=0, lt=1)


class Comparison(Frozen):
    """One treatment against its control, for one phase at one task count."""

    variant: str
    form: str
    control_variant: str = Field(description="the control's variant: the same, unless the plan compares images")
    control: str = Field(description="the control's form")
    task_count: int
    phase: str = Field(description="one of `phases.PHASES`")
    blocks: int = Field(description="blocks in which both were measured")
    seconds: float = Field(description="of the form: geometric mean over these blocks of its round's median")
    control_seconds: float = Field(description="the same of the control, so that their ratio is `ratio`")
    ratio: float = Field(description="form ÷ control of the round medians: geometric mean over the blocks")
    interval: Interval | None = Field(description="of the ratio; None if there are too few blocks")
    p_value: float | None = Field(default=None, description="permutation test over the plan's randomisation")
    p_least: float | None = Field(default=None, description="the smallest p that this test can reach with these blocks")
    t_p_value: float | None = Field(default=None, description="of the t test that the interval inverts")
    p_adjusted: float | None = Field(
        default=None, description="t test corrected for the number of comparisons: the basis of the verdict"
    )
    verdict: Verdict
    taken_alone: Direction | None = Field(
        default=None, description="the verdict of an undecided comparison if it were the only one"
    )
    margin: float | None = Field(default=None, description="no relative difference is larger; 0.05 is 5 %")
    detectable: float | None = Field(
        default=None, description="smallest relative difference that 4 of 5 such sweeps would show"
    )
    blocks_needed: int | None = Field(default=None, description="more blocks for the wanted precision; 0 if it is met")
    blocks_to_decide: int | None = Field(
        default=None, description="of an undecided comparison: blocks of a sweep that would probably decide it"
    )
    booted: Share | None = Field(default=None, description="tasks of the form that booted as promised, of all phases")
    control_booted: Share | None = None
    boots_less: bool = Field(default=False, description="whether the form's share is smaller beyond chance")
    lost_blocks: int = Field(default=0, description="blocks in which at least half of the form's tasks never got there")
    control_lost_blocks: int = 0
    as_deployed: bool = Field(default=False, description="whether tasks that did not load lazily are among them")

    @property
    def against(self) -> str:
        """The control by what differs: its form, its image, or both."""
        return beside((self.control_variant, self.control), (self.variant, self.form))


class Trend(Frozen):
    """How a phase changes over time (``over`` is `order`) or with the task count (`task-count`)."""

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
    "failures",
    "late",
    "overloaded",
    "bimodal",
    "outlier",
    "drift",
    "task-count",
    "watching",
]


class Finding(Frozen):
    """Something to know before believing a figure, in one sentence."""

    kind: WarningKind
    text: str
    variant: str | None = None
    form: str | None = None
    task_count: int | None = None


class Method(Frozen):
    """A method that was used, and its source."""

    name: str
    source: str


class Analysis(Frozen):
    """Everything that a report says about a sweep; ``headline`` is the verdict in one sentence."""

    schema_version: int = FINDINGS_SCHEMA
    sweep_id: str
    target: str
    simulated: bool = Field(description="the figures come from a simulation, not from measurements")
    headline: str
    block_seconds: float | None = Field(default=None, description="what a block of the plan took: the median")
    primary_phases: dict[str, str] = Field(description="by variant: the phase that its verdict is about")
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    as_deployed: tuple[Comparison, ...] = Field(
        default=(), description="the same, with tasks that did not load lazily, where there were any: what users get"
    )
    trends: tuple[Trend, ...]
    why: tuple[Why, ...] = Field(default=(), description="where the seconds of each treatment went")
    reads: tuple[Reads, ...] = Field(default=(), description="what the boots read, by a trace")
    explanations: tuple[str, ...] = Field(default=(), description="the same in sentences")
    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...]
    left_out_more: int = Field(description="tasks and rounds left out for reasons that are not listed")
    methods: tuple[Method, ...]

    @property
    def level(self) -> float:
        """The coverage of the intervals."""
        return next((comparison.interval.level for comparison in self.comparisons if comparison.interval), 0.95)
