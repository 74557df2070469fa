"""How long a round will take: by earlier records, or else by a simple model. Pure; for display, never a measurement.

The model of the lab, for n tasks of one treatment at once:

    pull = bytes ÷ rate + bytes x unpacking CPU        x max(1, n ÷ cores), for the machine is shared
    boot = bytes read by the boot x hashing CPU ÷ CPU share
    round = pull + boot + preparing and clearing

A lazy form pulls in a constant time instead, and its bytes come while the boot reads them. What a user's own image
reads and computes at its boot is unknown before it has run: it counts as if all of it were read and hashed, and `least`
gives the model in which nothing is. The constants were
measured on a 2-core x86-64 machine: six hashes in one pass take 3.3 s of CPU for 725 MB, and a plain pull of the same
image 7.5 s at 1 Gbit/s, of which 5.8 s are the wire.

On Fargate nothing is shared, but each task needs a machine first, and tasks are launched one after the other:

    launching = max(0, n - 100) ÷ 20 tasks/s        a burst of 100, then the rate of ECS's quotas
    round     = provisioning + launching + pull + boot + clearing
    billed    = pull + boot + launching ÷ 2 + stopping, for a task; the early ones wait for the late ones
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, Self

from pydantic import Field

from experiments.plan.plan import Payload, Plan
from experiments.records.model import Round
from infra.forms import is_lazy
from infra.variants import VARIANTS, LayerBytes, boot_bytes, delivered_bytes
from kit.values import Frozen

UNPACK_SECONDS_PER_BYTE = (7.5 - 5.8) / 725e6
HASH_SECONDS_PER_BYTE = 3.3 / 725e6
LAZY_PULL_SECONDS = 0.4
OVERHEAD_SECONDS = 3.0
OVERHEAD_SECONDS_PER_TASK = 0.4

LAUNCH_BURST = 100
LAUNCHES_PER_SECOND = 20.0
"""Fargate's task launches: burst and rate (quotas of Amazon ECS)."""
PROVISION_SECONDS = 15.0
"""From the scaling of a service to a task's pull, and from its end to the container's start. Fitted: see
`experiments.executors.simulation.parameters`."""
FARGATE_PULL_SECONDS_PER_BYTE = 17.0 / 725e6
FARGATE_LAZY_PULL_SECONDS = 3.4
"""Wire and unpacking of a plain image, and a lazy pull of any image. Fitted to what was published, as there."""
STOP_SECONDS = 30.0
"""Between a task's boot and its end, which is billed: it is seen, its target is drained (10 s), it is stopped."""
CLEAR_SECONDS = 60.0
"""From the scaling to 0 until no task is left. An assumption."""

Treatment = tuple[str, str, int]
"""Variant, form, task count."""


class Model(Protocol):
    """Guesses how long a round takes on a target."""

    def seconds(self, round_: Round, payload: Payload) -> float:
        """Seconds from no task to no task."""
        ...

    def least(self) -> Model:
        """The same where the boot of an own image reads nothing."""
        ...


class _Sized(Frozen):
    """What is known of the images: their layers where somebody looked, and how much of an own one its boot reads."""

    layer_bytes: LayerBytes = Field(default_factory=dict)
    own_read_share: float = 1.0

    def least(self) -> Self:
        """The same where the boot of an own image reads nothing."""
        return self.model_copy(update={"own_read_share": 0.0})

    def _image_bytes(self, round_: Round, payload: Payload) -> int:
        return delivered_bytes(round_.variant, round_.form, payload, self.layer_bytes)

    def _read_bytes(self, round_: Round, payload: Payload) -> float:
        share = 1.0 if round_.variant in VARIANTS else self.own_read_share
        return share * boot_bytes(round_.variant, payload, self.layer_bytes)


class TargetModel(_Sized):
    """The lab; the defaults are a 0.25 vCPU task on two cores."""

    vcpu: float = 0.25
    rate_bits_per_second: float = 1e9
    cores: int = 2

    def seconds(self, round_: Round, payload: Payload) -> float:
        """Seconds from no task to no task."""
        return self._working(round_, payload) + OVERHEAD_SECONDS + OVERHEAD_SECONDS_PER_TASK * round_.task_count

    def _working(self, round_: Round, payload: Payload) -> float:
        """Seconds of pull and boot."""
        sharing = max(1.0, round_.task_count / self.cores)
        read_bytes = self._read_bytes(round_, payload)
        hashing = read_bytes * HASH_SECONDS_PER_BYTE / self.vcpu
        wire_seconds_per_byte = 8 / self.rate_bits_per_second
        if is_lazy(round_.form):
            return LAZY_PULL_SECONDS * sharing + read_bytes * wire_seconds_per_byte / 2 + hashing
        whole = self._image_bytes(round_, payload) * (wire_seconds_per_byte + UNPACK_SECONDS_PER_BYTE)
        return whole * sharing + hashing


class FargateModel(_Sized):
    """Fargate; the default is its smallest task."""

    vcpu: float = 0.25

    def seconds(self, round_: Round, payload: Payload) -> float:
        """Seconds from no task to no task."""
        working = self._working(round_, payload)
        return PROVISION_SECONDS + launching_seconds(round_.task_count) + working + CLEAR_SECONDS

    def billed_seconds(self, round_: Round, payload: Payload) -> float:
        """Seconds that a task of the round is billed for on average, before the minimum: from its pull to its end."""
        return self._working(round_, payload) + launching_seconds(round_.task_count) / 2 + STOP_SECONDS

    def _working(self, round_: Round, payload: Payload) -> float:
        """Seconds of pull and boot."""
        hashing = self._read_bytes(round_, payload) * HASH_SECONDS_PER_BYTE / self.vcpu
        if is_lazy(round_.form):
            return FARGATE_LAZY_PULL_SECONDS + hashing
        return self._image_bytes(round_, payload) * FARGATE_PULL_SECONDS_PER_BYTE + hashing


def launching_seconds(task_count: int) -> float:
    """Seconds between the launch of a round's first task and of its last."""
    return max(0, task_count - LAUNCH_BURST) / LAUNCHES_PER_SECOND


def model_of(target: str, layer_bytes: LayerBytes) -> Model:
    """The model of a target, for its default task; a simulation imitates Fargate."""
    kind = TargetModel if target in ("lab", "fake") else FargateModel
    return kind(layer_bytes=layer_bytes)


def treatment(round_: Round) -> Treatment:
    """The part of a round that its duration depends on."""
    return round_.variant, round_.form, round_.task_count


def round_seconds(round_: Round, payload: Payload, known: Mapping[Treatment, float], model: Model) -> float:
    """Seconds from no task to no task: from ``known`` (earlier records) if it has the treatment, else by the model."""
    earlier = known.get(treatment(round_))
    return earlier if earlier is not None else model.seconds(round_, payload)


def plan_seconds(plan: Plan, known: Mapping[Treatment, float], model: Model) -> float:
    """Seconds that the whole plan will take, without making the stack."""
    return total_seconds(plan.rounds, plan.design.payload, known, model)


def total_seconds(rounds: Iterable[Round], payload: Payload, known: Mapping[Treatment, float], model: Model) -> float:
    """Seconds that some rounds will take, one after the other."""
    return sum(round_seconds(round_, payload, known, model) for round_ in rounds)
