"""What a form saves on Fargate's bill for 1,000 starts, with interval. Pure.

Fargate bills a task's vCPU and memory from the start of its image pull until it ends, by the second, for one minute at
least (https://aws.amazon.com/fargate/pricing/). So a start is billed from `pull_started_ns` to the end of the primary
phase: what ECS does before the pull is not billed, and what comes after the start is the same for every form. Those
seconds of a task are treated like every other duration: the round's median, pairs within blocks, and the interval of
`statistics.saved`; the money is that times a price. Rounding up to a whole second adds half a second to every form, on
average. A task that runs for less than a minute costs the same in every form.

The price is that of the task's own region, size and processor. What ran in the lab has none, unless asked what it would
cost in a region: `report --prices REGION`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from experiments.analysis.comparisons import Terms, saved_interval
from experiments.analysis.effects import Pairs, pairs, round_medians
from experiments.analysis.findings import Bill, Interval, Saving
from experiments.analysis.statistics import saved
from experiments.analysis.statistics.paired import LEAST_BLOCKS
from experiments.forecast import prices
from experiments.forecast.costs import BYTES_PER_GB, SECONDS_PER_HOUR
from experiments.plan.plan import Design
from experiments.records.phases import NS_PER_SECOND

if TYPE_CHECKING:
    import pandas as pd

STARTS = 1_000
_CPU_UNITS, _MEBIBYTES_PER_GB = 1024, 1024


def bill(
    design: Design,
    tasks: pd.DataFrame,
    terms: Terms,
    phases: Mapping[str, str],
    key_metadata: Mapping[str, str],
    region: str | None = None,
) -> Bill | None:
    """Return what each form saves in ``region``, or where the sweep ran; None where nothing was asked or is billed."""
    size = _size(key_metadata)
    chosen = region or (key_metadata.get("region") if key_metadata.get("target") == "fargate" else None)
    if chosen is None or size is None:
        return None
    vcpu, memory_gb, architecture = size
    usd, published = _usd_per_second(chosen, vcpu, memory_gb, architecture)
    pairs_of = {phase: pairs(design, round_medians(_billed(tasks, phase))) for phase in set(phases.values())}
    return Bill(
        region=chosen,
        architecture=architecture,
        vcpu=vcpu,
        memory_gb=memory_gb,
        usd_per_second=usd,
        published=published,
        savings=tuple(
            _saving(pair, terms, usd)
            for variant, phase in phases.items()
            for pair in pairs_of[phase]
            if pair.variant == variant and pair.phase == phase
        ),
    )


def _size(key_metadata: Mapping[str, str]) -> tuple[float, float, str] | None:
    """Return a task's vCPU, GB and architecture, from what the executors of Fargate and lab record; None without."""
    architecture = key_metadata.get("platform", "").partition("/")[2]
    if key_metadata.keys() >= {"cpu_units", "memory_mebibytes"}:
        vcpu = float(key_metadata["cpu_units"]) / _CPU_UNITS
        return vcpu, float(key_metadata["memory_mebibytes"]) / _MEBIBYTES_PER_GB, architecture
    if key_metadata.keys() >= {"profile.vcpu", "profile.memory_bytes"}:
        return (
            float(key_metadata["profile.vcpu"]),
            float(key_metadata["profile.memory_bytes"]) / BYTES_PER_GB,
            architecture,
        )
    return None


def _usd_per_second(region: str, vcpu: float, memory_gb: float, architecture: str) -> tuple[float | None, date | None]:
    table = prices.of_region(region)
    if table is None:
        return None, None
    per_vcpu, per_gb = table.fargate(architecture)
    return (vcpu * per_vcpu + memory_gb * per_gb) / SECONDS_PER_HOUR, table.oldest


def _billed(tasks: pd.DataFrame, phase: str) -> pd.DataFrame:
    """Return the tasks with the billed seconds of their start in place of ``phase``; NaN if no pull was seen."""
    unbilled = (tasks["pull_started_ns"] - tasks["created_ns"]).astype("Float64") / NS_PER_SECOND
    return tasks.assign(**{f"{phase}_seconds": tasks[f"{phase}_seconds"] - unbilled.astype("float64")})


def _saving(pair: Pairs, terms: Terms, usd: float | None) -> Saving:
    seconds, lost = saved.seconds(pair.seconds, pair.control_seconds), pair.lost + pair.control_lost
    interval = saved_interval(pair, terms) if len(pair.seconds) >= LEAST_BLOCKS and not lost else None
    each = None if usd is None else STARTS * usd
    return Saving(
        variant=pair.variant,
        form=pair.form,
        control_variant=pair.control_variant,
        control=pair.control,
        task_count=pair.task_count,
        phase=pair.phase,
        blocks=len(pair.seconds),
        lost_blocks=lost,
        seconds=seconds,
        interval=interval,
        usd=None if each is None else each * seconds,
        usd_interval=None
        if each is None or interval is None
        else Interval(low=each * interval.low, high=each * interval.high, level=interval.level),
    )
