"""What a sweep on Fargate will cost, and what a stack costs while it is up. Pure; an estimate, never a bill.

    tasks       every task's seconds from its pull to its end, rounded up, one minute at least,
                x (vCPU x price + GB x price, and a public address where tasks have one)
    standing    load balancer, its capacity unit and addresses, the endpoints that the stack makes in each zone: by the
                hour begun, while the stack is made, the sweep runs and the stack is removed
    storage     the images in ECR, by the GB and month
    transfer    the same bytes into ECR, which is free, and to the tasks, which is free through the S3 gateway endpoint
    logs        what the tasks write, by the GB

Not included: taxes, credits and free tiers, retried rounds, data out to the internet (some kB a task, and
what `up` reads back from ECR to convert it, about the size of the images), the bastion when it was chosen, what a
network that the user has charges (a NAT gateway by the GB), and a disk of more than 20 GiB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pydantic import Field

from experiments.forecast.duration import FargateModel
from experiments.forecast.prices import RegionPrices
from experiments.plan.plan import Plan
from experiments.records.model import Round
from infra.variants import NONE_KNOWN, LayerBytes, PayloadSizes, delivered_bytes, image_bytes
from kit.values import Frozen

MINIMUM_SECONDS = 60
"""Fargate bills a Linux task by the second, for one minute at least."""
HOURS_PER_DAY = 24
HOURS_PER_MONTH = 730
BYTES_PER_GB = 1 << 30
SECONDS_PER_HOUR = 3600
MAKE_SECONDS = 20 * 60.0
"""Making and removing the stack: images are built and pushed, the load balancer and the endpoints come and go slowly.
An assumption."""
LOG_BYTES_PER_TASK = 16 * 1024
"""A boot report and some lines of the web server. An assumption, on the high side."""


INTERFACE_ENDPOINTS = 3
"""ecr.api, ecr.dkr and logs; secrets need one more for the service that holds them."""
ZONES = 2
"""Of a network that the stack makes."""


class Shape(Frozen):
    """The size of a stack's tasks, and the parts of the stack that are billed by the hour."""

    region: str
    architecture: str = Field(default="arm64", pattern="^(arm64|amd64)$")
    vcpu: float = 0.25
    memory_gb: float = 0.5
    zones: int = Field(default=ZONES, description="in which the load balancer has an address")
    interface_endpoints: int = Field(default=INTERFACE_ENDPOINTS, description="each in every zone; 0: none is made")
    load_balancer: bool = Field(default=True, description="none is made for images that the probe watches")
    public_tasks: bool = Field(default=False, description="whether each task has a public IPv4 address")


class Part(Frozen):
    """One line of an estimate: what it is for, how much of it, and US dollars."""

    name: str
    quantity: str
    usd: float


class Estimate(Frozen):
    """What a sweep will cost; ``standing`` is what the stack costs a day as long as it is up, sweep or not."""

    parts: tuple[Part, ...]
    standing: tuple[Part, ...]

    @property
    def usd(self) -> float:
        """The whole sweep."""
        return sum(part.usd for part in self.parts)

    @property
    def usd_per_day(self) -> float:
        """The stack, left up."""
        return sum(part.usd for part in self.standing)


def estimate(
    plan: Plan,
    rounds: Sequence[Round],
    seconds: float,
    shape: Shape,
    model: FargateModel,
    prices: RegionPrices,
    *,
    make: bool = True,
) -> Estimate:
    """The cost of some rounds of a plan that take ``seconds`` together; with ``make``, of a stack made for them."""
    hours = math.ceil((seconds + (MAKE_SECONDS if make else 0)) / SECONDS_PER_HOUR)
    stored = stored_bytes(plan.design.variants, plan.design.forms, plan.design.payload, model.layer_bytes)
    return Estimate(
        parts=(
            *_tasks(plan, rounds, shape, model, prices),
            *_standing(shape, hours, prices),
            _storage(stored, hours, prices),
            _transfer(stored if make else 0, pulled_bytes(rounds, plan.design.payload, model.layer_bytes)),
            _logs(sum(round_.task_count for round_ in rounds), prices),
        ),
        standing=per_day(shape, stored, prices),
    )


def billed_seconds(round_: Round, plan: Plan, model: FargateModel) -> int:
    """Seconds that each task of a round is billed for."""
    return max(MINIMUM_SECONDS, math.ceil(model.billed_seconds(round_, plan.design.payload)))


def per_day(shape: Shape, stored: int, prices: RegionPrices) -> tuple[Part, ...]:
    """What a stack costs a day while it is up, without any task; ``stored`` are the bytes in ECR."""
    return (*_standing(shape, HOURS_PER_DAY, prices), _storage(stored, HOURS_PER_DAY, prices))


def stored_bytes(
    variants: Sequence[str], forms: Sequence[str], sizes: PayloadSizes, known: LayerBytes = NONE_KNOWN
) -> int:
    """Bytes in ECR: every form and the source image of it have a repository of their own, and share no layer."""
    return sum(
        image_bytes(variant, sizes, known) + sum(delivered_bytes(variant, form, sizes, known) for form in forms)
        for variant in variants
    )


def pulled_bytes(rounds: Sequence[Round], sizes: PayloadSizes, known: LayerBytes = NONE_KNOWN) -> int:
    """Bytes that the tasks of some rounds load at most: a lazy task loads the rest of its image behind its boot."""
    return sum(round_.task_count * delivered_bytes(round_.variant, round_.form, sizes, known) for round_ in rounds)


def _tasks(
    plan: Plan, rounds: Sequence[Round], shape: Shape, model: FargateModel, prices: RegionPrices
) -> Iterator[Part]:
    hours = sum(round_.task_count * billed_seconds(round_, plan, model) for round_ in rounds) / SECONDS_PER_HOUR
    per_vcpu, per_gb = prices.fargate(shape.architecture)
    yield Part(
        name="Fargate vCPU",
        quantity=f"{hours:.2f} task-hours x {shape.vcpu:g} vCPU x {per_vcpu:g}",
        usd=hours * shape.vcpu * per_vcpu,
    )
    yield Part(
        name="Fargate memory",
        quantity=f"{hours:.2f} task-hours x {shape.memory_gb:g} GB x {per_gb:g}",
        usd=hours * shape.memory_gb * per_gb,
    )
    if shape.public_tasks:
        each = prices.public_ipv4_hour.usd
        yield Part(name="tasks' public IPv4 addresses", quantity=f"{hours:.2f} task-hours x {each:g}", usd=hours * each)


def _standing(shape: Shape, hours: int, prices: RegionPrices) -> Iterator[Part]:
    if shape.load_balancer:
        yield _hourly("load balancer", 1, hours, prices.load_balancer_hour.usd)
        yield _hourly("its capacity unit (LCU)", 1, hours, prices.load_balancer_lcu_hour.usd)
        yield _hourly("its public IPv4 addresses", shape.zones, hours, prices.public_ipv4_hour.usd)
    if endpoints := shape.interface_endpoints * shape.zones:
        yield _hourly("interface endpoints", endpoints, hours, prices.endpoint_zone_hour.usd)


def _hourly(name: str, count: int, hours: int, usd: float) -> Part:
    return Part(name=name, quantity=f"{count} x {hours} h x {usd:g}", usd=count * hours * usd)


def _storage(stored: int, hours: float, prices: RegionPrices) -> Part:
    gb = stored / BYTES_PER_GB
    usd = gb * hours / HOURS_PER_MONTH * prices.ecr_gb_month.usd
    return Part(
        name="images in ECR",
        quantity=f"{gb:.2f} GB x {hours:g}/{HOURS_PER_MONTH} month x {prices.ecr_gb_month.usd:g}",
        usd=usd,
    )


def _transfer(stored: int, pulled: int) -> Part:
    into = f"{stored / BYTES_PER_GB:.2f} GB into ECR, " if stored else ""
    return Part(name="image transfer", quantity=f"{into}at most {pulled / BYTES_PER_GB:.2f} GB to the tasks", usd=0)


def _logs(tasks: int, prices: RegionPrices) -> Part:
    gb = tasks * LOG_BYTES_PER_TASK / BYTES_PER_GB
    return Part(name="logs", quantity=f"{gb:.4f} GB x {prices.logs_gb.usd:g}", usd=gb * prices.logs_gb.usd)
