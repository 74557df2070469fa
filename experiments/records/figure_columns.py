"""The columns of a sweep's figures as data, in order, each with its name, type, unit and meaning. Only values.

Data frames, CSV and docs/data.md all follow this module, like `columns` for what was observed.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.records.columns import Column

STARTS_USD = "USD for 1,000 starts"


def _number(name: str, unit: str, description: str, *, missing: bool = True) -> Column:
    return Column(name, "number", unit, description, missing)


def _seconds(name: str, description: str, *, missing: bool = True) -> Column:
    return _number(f"{name}_seconds", "s", description, missing=missing)


def _ends(name: str, unit: str, of: str, suffix: str = "") -> Iterator[Column]:
    yield _number(f"{name}_low{suffix}", unit, f"low end of the interval of {of}")
    yield _number(f"{name}_high{suffix}", unit, f"high end of the interval of {of}")


_SWEEP = Column("sweep_id", "text", "", "the sweep that the figure is of")
_SIMULATED = Column("simulated", "boolean", "", "whether it comes from a simulation and not from measurements")
_VARIANT = Column("variant", "text", "", "image workload")
_FORM = Column("form", "text", "", "how the image was delivered")
_CONTROL = (
    Column("control_variant", "text", "", "the control's variant: the same, unless the plan compares images"),
    Column("control", "text", "", "the control's form"),
)
_TASK_COUNT = Column("task_count", "integer", "tasks", "tasks that a round released at once")
_PHASE = Column("phase", "text", "", "what the seconds are of")
_RATIO = "form ÷ control: geometric mean over the blocks"

EFFECTS = (
    _SWEEP,
    _SIMULATED,
    _VARIANT,
    _FORM,
    *_CONTROL,
    _TASK_COUNT,
    _PHASE,
    Column("as_deployed", "boolean", "", "whether tasks that did not load lazily are among them"),
    Column("blocks", "integer", "blocks", "in which both were measured"),
    _seconds("form", "geometric mean over these blocks of the round's median", missing=False),
    _seconds("control", "the same of the control", missing=False),
    _number("ratio", "", "form_seconds ÷ control_seconds", missing=False),
    *_ends("ratio", "", "the ratio"),
    _seconds("saved", "control_seconds - form_seconds", missing=False),
    *_ends("saved", "s", "saved_seconds", "_seconds"),
    _number("p_adjusted", "", "t test corrected for the number of comparisons"),
    Column("verdict", "text", "", "faster, slower, no-difference or undecided"),
    _seconds("billed_saved", "saved of what Fargate bills of a start, of the primary phase"),
    *_ends("billed_saved", "s", "billed_saved_seconds", "_seconds"),
    _number("usd_saved", STARTS_USD, "billed_saved_seconds at the price of such a task"),
    *_ends("usd_saved", STARTS_USD, "usd_saved"),
)
"""One row per comparison of the report."""

OVER_COUNTS = (
    _SWEEP,
    _SIMULATED,
    _VARIANT,
    _FORM,
    *_CONTROL,
    _PHASE,
    Column("task_counts", "text", "tasks", "the counts that the effect is the mean of"),
    Column("blocks", "integer", "blocks", "in which both were measured at every count"),
    _number("ratio", "", f"{_RATIO} and counts"),
    *_ends("ratio", "", "the ratio"),
    _number("doubling", "", "factor by which the ratio changes with each doubling of the task count"),
    _number("agree_p", "", "of the test that the counts agree"),
    _number("agree_p_adjusted", "", "the same, corrected for the number of such tests"),
)
"""One row per form of each variant, if the plan has several task counts."""

TAILS = (
    _SWEEP,
    _SIMULATED,
    _VARIANT,
    _FORM,
    _TASK_COUNT,
    _PHASE,
    Column("of", "text", "", "p95 (of a round), p95-of-all (tasks of the treatment) or all (the round's last task)"),
    Column("tasks", "integer", "tasks", "that count, also those that never booted"),
    Column("rounds", "integer", "rounds", "that have the figure, or would have it"),
    Column("lost_rounds", "integer", "rounds", "in which a task that never booted decides the figure"),
    _seconds("tail", "geometric mean over the rounds; empty if a round is lost"),
    *_ends("tail", "s", "tail_seconds", "_seconds"),
    _number("ratio", "", _RATIO),
    *_ends("ratio", "", "the ratio"),
)
"""One row per treatment and kind of tail."""
