"""Why a form is as fast as it is: what its seconds went into, and how far it is from what no form can beat. Pure.

Each task's seconds are divided into `PARTS`, which add up to them; a treatment's parts are the medians of its tasks',
and what they lack of its median is `other`. CPU time and the wait for the quota are the container's; where several
threads run at once they are cut to the time that passed.

The floor is the larger of the bytes that the boot needs at the link's rate, and the application's own CPU time at its
quota: nothing that only delivers an image can be faster. The least CPU time among the forms is the application's own,
because a lazy layer makes its container work for each read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from experiments.analysis.cells import measured
from experiments.plan.plan import Design
from experiments.records.columns import SPENT
from kit.values import Frozen

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("wire", "unpack", "mount", "spans", "cpu", "quota", "other")
UNSEEN = ("pull", "unseen")
"""Of tasks of which only the pull is known."""
OVERSHOOT = 0.05
"""Parts that exceed the whole by more than this share are noted: sampling alone explains less."""
_KEY = ["variant", "form", "task_count"]
COLUMNS = (*_KEY, "pull_seconds", "ready_seconds", "boot_seconds", *SPENT, "outcome", "round_status")


class Floor(Frozen):
    """What no form of this image can beat, in seconds; ``wire_seconds`` is None where no trace says what boot needs."""

    cpu_seconds: float
    wire_seconds: float | None

    @property
    def seconds(self) -> float:
        """The larger of the two."""
        return max(self.cpu_seconds, self.wire_seconds or 0.0)

    @property
    def by(self) -> Literal["cpu", "wire"]:
        """Which of them it is."""
        return "cpu" if self.cpu_seconds >= (self.wire_seconds or 0.0) else "wire"


class Why(Frozen):
    """Where the seconds of one treatment at one task count went. Medians over its measured tasks."""

    variant: str
    form: str
    task_count: int
    phase: str = Field(description="whose seconds: the variant's primary phase")
    tasks: int
    seconds: float
    parts: dict[str, float] = Field(description="they add up to `seconds`")
    cpu_seconds: float | None = Field(default=None, description="CPU time of the container, all threads together")
    snapshotter_seconds: float | None = Field(default=None, description="CPU time of the soci-snapshotter")
    containerd_seconds: float | None = Field(default=None, description="CPU time of containerd")
    ready_bytes: float | None = Field(default=None, description="received until the end")
    floor: Floor | None = None
    note: str = ""

    @property
    def times_floor(self) -> float | None:
        """How many times the floor it takes."""
        return self.seconds / self.floor.seconds if self.floor and self.floor.seconds else None


class Limits(Frozen):
    """What the tasks had: vCPUs, and the rate of their link in bits per second. None: unknown, or no limit."""

    vcpu: float | None = None
    bits_per_second: float | None = None

    @classmethod
    def of(cls, key_metadata: Mapping[str, str]) -> Limits:
        """As the sweep's metadata have them."""
        return cls(
            vcpu=_number(key_metadata.get("profile.vcpu")),
            bits_per_second=_number(key_metadata.get("profile.rate_bits_per_second")),
        )


def explain(
    design: Design,
    tasks: pd.DataFrame,
    phases: Mapping[str, str],
    limits: Limits,
    needed_bytes: Mapping[str, float],
) -> tuple[Why, ...]:
    """One for each variant, task count and form of the design that was measured, in this order.

    ``phases`` has each variant's primary phase, ``needed_bytes`` what a trace says that its boot must receive.
    """
    rows = measured(tasks[list(COLUMNS)])
    groups = dict(list(rows.groupby(_KEY, observed=True)))
    planned = product(design.variants, design.task_counts, design.forms)
    found = [
        each
        for variant, count, form in planned
        if (variant, form, count) in groups
        and (each := _why((variant, form, count), groups[variant, form, count], phases))
    ]
    floors = dict(_floors(found, limits, needed_bytes))
    return tuple(each.model_copy(update={"floor": floors.get((each.variant, each.task_count))}) for each in found)


def _why(key: tuple[str, str, int], tasks: pd.DataFrame, phases: Mapping[str, str]) -> Why | None:
    variant, form, task_count = key
    phase = phases[variant]
    seen = tasks[tasks["cpu_seconds"].notna()]
    chosen = seen if len(seen) else tasks
    chosen = chosen[chosen[f"{phase}_seconds"].notna()]
    if chosen.empty:
        return None
    total = chosen[f"{phase}_seconds"]
    whole = float(total.median())
    parts = divided(chosen, total) if len(seen) else _pull_alone(chosen, total)
    medians = {name: float(value) for name, value in parts.median().items()}
    shown, note = _adding_up(medians, whole)
    costs = {name: float(seen[name].median()) for name in _COSTS} if len(seen) else {}
    return Why(
        variant=variant,
        form=form,
        task_count=int(task_count),
        phase=phase,
        tasks=len(chosen),
        seconds=whole,
        parts=shown,
        note=note,
        **costs,
    )


_COSTS = ("cpu_seconds", "snapshotter_seconds", "containerd_seconds", "ready_bytes")


_ONE_AFTER_ANOTHER = {
    "wire": "wire_seconds",
    "unpack": "unpack_seconds",
    "mount": "mount_seconds",
    "spans": "span_wait_seconds",
}
"""Parts that never overlap, and their columns."""


def divided(tasks: pd.DataFrame, total: pd.Series) -> pd.DataFrame:
    """Each task's ``total`` seconds as columns `PARTS`, none negative, which add up to it."""
    import pandas as pd

    parts, left = {}, total.astype("float64")
    for name, column in _ONE_AFTER_ANOTHER.items():
        parts[name] = tasks[column].fillna(0.0).clip(upper=left)
        left = left - parts[name]
    busy = tasks["cpu_seconds"] + tasks["quota_seconds"]
    fits = (left / busy.where(busy > 0)).clip(upper=1.0).fillna(0.0)
    parts["cpu"] = tasks["cpu_seconds"] * fits
    parts["quota"] = tasks["quota_seconds"] * fits
    parts["other"] = left - parts["cpu"] - parts["quota"]
    return pd.DataFrame(parts).clip(lower=0.0)


def _pull_alone(tasks: pd.DataFrame, total: pd.Series) -> pd.DataFrame:
    import pandas as pd

    pull = tasks["pull_seconds"].fillna(0.0).clip(upper=total)
    return pd.DataFrame({"pull": pull, "unseen": total - pull})


def _adding_up(medians: Mapping[str, float], whole: float) -> tuple[dict[str, float], str]:
    """Medians of parts do not add up to the median of the whole: the rest is the last part, and where the others are
    more than the whole, they are cut alike."""
    *named, rest = medians
    total = sum(medians[name] for name in named)
    if total <= whole:
        return {**{name: medians[name] for name in named}, rest: whole - total}, ""
    cut = {**{name: medians[name] * whole / total for name in named}, rest: 0.0}
    return cut, f"its parts were {total / whole - 1:.0%} more than the whole" if total > whole * (1 + OVERSHOOT) else ""


def _floors(
    found: Sequence[Why], limits: Limits, needed_bytes: Mapping[str, float]
) -> Iterator[tuple[tuple[str, int], Floor]]:
    """By variant and task count; none where no CPU time was seen or the quota is unknown."""
    own: dict[tuple[str, int], list[float]] = {}
    for each in found:
        if each.cpu_seconds is not None:
            own.setdefault((each.variant, each.task_count), []).append(each.cpu_seconds)
    if limits.vcpu:
        for (variant, task_count), used in own.items():
            needed, rate = needed_bytes.get(variant), limits.bits_per_second
            wire = needed * 8 / rate if needed is not None and rate else None
            yield (variant, task_count), Floor(cpu_seconds=min(used) / limits.vcpu, wire_seconds=wire)


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None  # "None": the profile has no such limit
