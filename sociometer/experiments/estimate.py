"""How long a round will take: what it took before, else a simple model. Pure; for display, never a measurement.

The model, for n tasks of one treatment at once:

    pull = bytes ÷ rate + bytes x unpacking CPU        x max(1, n ÷ cores), for the machine is shared
    boot = bytes read by the boot x hashing CPU ÷ CPU share
    round = pull + boot + preparing and clearing

A lazy form pulls in a constant time instead, and its bytes come while the boot reads them. The constants were
measured on a 2-core x86-64 machine: six hashes in one pass take 3.3 s of CPU for 725 MB, and a plain pull of the same
image 7.5 s at 1 Gbit/s, of which 5.8 s are the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sociometer.experiments.plan import Payload, Plan
from sociometer.experiments.records import Frozen, Round
from sociometer.infra.outputs import LAZY_FORMS

UNPACK_SECONDS_PER_BYTE = (7.5 - 5.8) / 725e6
HASH_SECONDS_PER_BYTE = 3.3 / 725e6
LAZY_PULL_SECONDS = 0.4
BASE_IMAGE_BYTES = 40_000_000
OVERHEAD_SECONDS = 3.0
OVERHEAD_SECONDS_PER_TASK = 0.4

Treatment = tuple[str, str, int]
"""Variant, form, task count."""


class TargetModel(Frozen):
    """What the model needs to know of the target; the defaults are a 0.25 vCPU task in the lab on two cores."""

    vcpu: float = 0.25
    rate_bits_per_second: float = 1e9
    cores: int = 2


def treatment(round_: Round) -> Treatment:
    """The part of a round that its duration depends on."""
    return round_.variant, round_.form, round_.task_count


def round_seconds(round_: Round, payload: Payload, known: Mapping[Treatment, float], target: TargetModel) -> float:
    """Seconds from no task to no task: ``known`` (from earlier records) when it has the treatment, else the model."""
    earlier = known.get(treatment(round_))
    return earlier if earlier is not None else _modelled(round_, payload, target)


def plan_seconds(plan: Plan, known: Mapping[Treatment, float], target: TargetModel) -> float:
    """Seconds that the whole plan will take, without making the stack."""
    return total_seconds(plan.rounds, plan.design.payload, known, target)


def total_seconds(
    rounds: Iterable[Round], payload: Payload, known: Mapping[Treatment, float], target: TargetModel
) -> float:
    """Seconds that some rounds will take, one after the other."""
    return sum(round_seconds(round_, payload, known, target) for round_ in rounds)


def _modelled(round_: Round, payload: Payload, target: TargetModel) -> float:
    image_bytes, read_bytes = _workload(round_.variant, payload)
    sharing = max(1.0, round_.task_count / target.cores)
    hashing = read_bytes * HASH_SECONDS_PER_BYTE / target.vcpu
    wire_seconds_per_byte = 8 / target.rate_bits_per_second
    if round_.form in LAZY_FORMS:
        working = LAZY_PULL_SECONDS * sharing + read_bytes * wire_seconds_per_byte / 2 + hashing
    else:
        working = image_bytes * (wire_seconds_per_byte + UNPACK_SECONDS_PER_BYTE) * sharing + hashing
    return working + OVERHEAD_SECONDS + OVERHEAD_SECONDS_PER_TASK * round_.task_count


def _workload(variant: str, payload: Payload) -> tuple[int, int]:
    """Bytes in the image and bytes that its boot reads; an image of the user's own is taken for a movie."""
    if variant == "parquet":
        files = payload.parquet_test_megabytes + 3 * payload.parquet_train_megabytes
        return BASE_IMAGE_BYTES + files * 10**6, payload.parquet_test_megabytes * 10**6
    return BASE_IMAGE_BYTES + payload.movie_megabytes * 10**6, payload.movie_megabytes * 10**6
