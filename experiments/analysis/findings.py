"""The values of an analysis: comparisons with their intervals and verdicts, trends and warnings. Frozen.

`experiments.analysis.analyse.analyse` makes them from a sweep's records; reports, `compare` and notebooks show them.
Durations are in seconds, ratios are form ÷ control (0.8 is 20 % shorter), probabilities are from 0 to 1.
"""

from __future__ import annotations

from datetime import date
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
`as_deployed`, and the shares of tasks that booted; `why`, `reads` and `explanations`; 4 — `control_variant`;
`saved_interval`, `pooled`, `tails` and `bill`; `cautions`, `unseen` and the ranges of blocks."""

Direction = Literal["faster", "slower"]
Verdict = Literal[Direction, "no-difference", "undecided"]
"""`no-difference`: no difference larger than `Comparison.margin`; `undecided`: the data cannot tell."""


Caution = Literal["few-blocks", "two-kinds", "outliers", "stopped-early"]
"""Why an interval may cover less than its level: `few-blocks`: too few to notice a second kind of rounds; `two-kinds`:
its rounds are of two kinds; `outliers`: some of its tasks or of the control's are far from the others;
`stopped-early`: the sweep ended because its spread looked small, which may have been luck."""


class Interval(Frozen):
    """A confidence interval; ``level`` is its coverage."""

    low: float
    high: float
    level: float = Field(default=0.95, gt=0, lt=1)


class _Against(Frozen):
    """A treatment and its control."""

    variant: str
    form: str
    control_variant: str = Field(description="the control's variant: the same, unless the plan compares images")
    control: str = Field(description="the control's form")

    @property
    def against(self) -> str:
        """The control by what differs: its form, its image, or both."""
        return beside((self.control_variant, self.control), (self.variant, self.form))


class Comparison(_Against):
    """One treatment against its control, for one phase at one task count."""

    task_count: int
    phase: str = Field(description="one of `phases.PHASES`")
    blocks: int = Field(description="blocks in which both were measured")
    seconds: float = Field(description="of the form: geometric mean over these blocks of its round's median")
    control_seconds: float = Field(description="the same of the control, so that their ratio is `ratio`")
    ratio: float = Field(description="form ÷ control of the round medians: geometric mean over the blocks")
    interval: Interval | None = Field(description="of the ratio; None if there are too few blocks")
    cautions: tuple[Caution, ...] = Field(default=(), description="what limits the interval")
    unseen: float | None = Field(
        default=None, description="share of rounds that may be of another kind though none of the blocks is: 95 % limit"
    )
    saved_interval: Interval | None = Field(
        default=None, description="of control_seconds - seconds; excludes 0 if and only if `interval` excludes 1"
    )
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
    blocks_needed_range: tuple[int, int | None] | None = Field(
        default=None, description="the same for the smallest and the largest spread that is likely (4 of 5 cases)"
    )
    blocks_to_decide_range: tuple[int, int | None] | None = Field(
        default=None, description="`blocks_to_decide` for these two spreads; None: more than a plan may have"
    )
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
    def too_many_failed(self) -> str | None:
        """Which side lost blocks because at least half of their tasks failed, in words; None: neither."""
        if self.lost_blocks:
            return "too many failed"
        return f"too many failed as {self.against}" if self.control_lost_blocks else None

    @property
    def saved_seconds(self) -> float:
        """control_seconds - seconds: above 0, the form is sooner."""
        return self.control_seconds - self.seconds


class Pooled(_Against):
    """The effect of a form over all task counts of the plan, in its variant's primary phase."""

    phase: str
    task_counts: tuple[int, ...] = Field(description="in ascending order")
    blocks: int = Field(description="blocks in which both were measured at every count")
    ratio: float | None = Field(description="form ÷ control: geometric mean over blocks and counts")
    interval: Interval | None = Field(description="of the ratio; None if there are too few blocks")
    doubling: float | None = Field(description="factor by which the ratio changes with each doubling of the task count")
    agree_p: float | None = Field(description="of the test that the counts agree")
    agree_p_adjusted: float | None = Field(default=None, description="corrected for the number of such tests")
    lost_blocks: int = Field(default=0, description="most blocks in which a count lost a side to tasks that failed")

    def agrees(self, level: float) -> bool:
        """Whether nothing says that the counts differ."""
        return self.agree_p is not None and self.agree_p > 1 - level and self.lost_blocks == 0

    def differs(self, level: float) -> bool:
        """Whether the counts differ beyond chance."""
        return self.agree_p_adjusted is not None and self.agree_p_adjusted <= 1 - level


TailOf = Literal["p95", "p95-of-all", "all"]
"""The 95th percentile of a round, or of all tasks of a treatment; the time from a round's request to its last task."""


class Tail(Frozen):
    """A treatment's slowest tasks in its primary phase, as deployed. They describe: there is no verdict."""

    variant: str
    form: str
    task_count: int
    phase: str
    of: TailOf
    tasks: int
    rounds: int
    lost_rounds: int = Field(description="rounds in which a task that never got there decides the figure")
    seconds: float | None = Field(description="geometric mean over the rounds; None if a round is lost")
    interval: Interval | None = Field(default=None, description="of the seconds; None for `p95-of-all`")
    against: str | None = Field(default=None, description="the control by what differs")
    ratio: float | None = Field(default=None, description="form ÷ control: geometric mean over the blocks")
    ratio_interval: Interval | None = None


class Saving(_Against):
    """What a form saves of the billed seconds of a start, and in US dollars for 1,000 starts; below 0: costs more."""

    task_count: int
    phase: str = Field(description="its end is the end of the start")
    blocks: int
    lost_blocks: int = Field(description="blocks without a figure, because too many tasks failed")
    seconds: float = Field(description="from the start of the pull to the end of the phase: control - form")
    interval: Interval | None
    usd: float | None = Field(description="for 1,000 starts; None: no price is known")
    usd_interval: Interval | None


class Bill(Frozen):
    """The savings of a sweep at the price of a region and a task's size."""

    region: str
    architecture: str
    vcpu: float
    memory_gb: float = Field(description="GB of 2^30 bytes")
    usd_per_second: float | None = Field(description="of one task; None: no prices are known for the region")
    published: date | None = Field(description="of the oldest price")
    savings: tuple[Saving, ...]


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
    "few-blocks",
    "incomplete",
    "stopped",
    "failures",
    "late",
    "overloaded",
    "bimodal",
    "outlier",
    "drift",
    "carry-over",
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
    pooled: tuple[Pooled, ...] = Field(default=(), description="one effect over all task counts, of each form")
    tails: tuple[Tail, ...] = Field(default=(), description="the slowest tasks of each treatment, as deployed")
    bill: Bill | None = Field(default=None, description="None: not on Fargate, and no prices were asked for")
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
