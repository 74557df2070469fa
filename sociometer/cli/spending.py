"""What a command will cost on AWS: shown, and confirmed, before anything is spent."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import typer
from rich.console import Console
from rich.table import Table

from experiments.forecast import prices
from experiments.forecast.costs import (
    INTERFACE_ENDPOINTS,
    ZONES,
    Estimate,
    Part,
    Shape,
    estimate,
    per_day,
    stored_bytes,
)
from experiments.forecast.duration import FargateModel, Treatment, total_seconds
from experiments.forecast.quotas import quota_notes
from experiments.plan.plan import Plan
from experiments.records.model import Round
from infra.settings.fargate import LEAST_DISK_GIB
from infra.settings.model import Settings
from infra.variants import LayerBytes
from kit.errors import SettingsError, SociometerError
from sociometer.cli.progress import clock, say

DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""Ranges that are assigned to nobody (RFC 5737)."""

WIDTH = 100
BASTION = "the bastion (a t4g.small with 40 GB of disk)"
NETWORK = "what your own network charges, such as a NAT gateway for each GB"
DISK = "a task's disk beyond 20 GiB"
MEBIBYTES_PER_GB = 1024
CPU_UNITS_PER_VCPU = 1024


@dataclass(frozen=True)
class Bill:
    """What will run in a region, and what it will cost; without an estimate where no prices are known."""

    region: str
    rounds: int
    tasks: int
    seconds: float
    estimate: Estimate | None
    left_out: str = ""
    quotas: tuple[str, ...] = ()


def bill(
    plan: Plan,
    rounds: Sequence[Round],
    known: Mapping[Treatment, float],
    settings: Settings,
    layer_bytes: LayerBytes,
    *,
    make: bool,
) -> Bill:
    """The bill for some rounds of a plan, with images of those sizes; ``make`` adds the making of the stack."""
    model = model_of(settings, layer_bytes)
    seconds = total_seconds(rounds, plan.design.payload, known, model)
    table = prices.of_region(settings.region)
    cost = None if table is None else estimate(plan, rounds, seconds, shape_of(settings), model, table, make=make)
    tasks = sum(round_.task_count for round_ in rounds)
    most_tasks = max((round_.task_count for round_ in rounds), default=0)
    quotas = tuple(quota_notes(settings.region, settings.cpu_units, most_tasks))
    return Bill(settings.region, len(rounds), tasks, seconds, cost, left_out(settings), quotas)


def model_of(settings: Settings, layer_bytes: LayerBytes) -> FargateModel:
    """The time model of a stack's tasks, with images of those sizes."""
    return FargateModel(vcpu=settings.cpu_units / CPU_UNITS_PER_VCPU, layer_bytes=layer_bytes)


def shape_of(settings: Settings) -> Shape:
    """The size of a stack's tasks, in the units that AWS bills."""
    return Shape(
        region=settings.region,
        architecture=settings.platform.partition("/")[2],
        vcpu=settings.cpu_units / CPU_UNITS_PER_VCPU,
        memory_gb=settings.memory_mebibytes / MEBIBYTES_PER_GB,
        zones=len(settings.front_subnets) or ZONES,
        load_balancer=settings.needs_load_balancer,
        interface_endpoints=0 if settings.vpc else INTERFACE_ENDPOINTS + len(settings.secret_services),
        public_tasks=settings.assign_public_ip,
    )


def left_out(settings: Settings) -> str:
    """What no estimate for these settings includes, as a sentence; empty when it includes all."""
    chosen = {
        BASTION: settings.bastion,
        NETWORK: bool(settings.vpc),
        DISK: settings.ephemeral_storage_gib > LEAST_DISK_GIB,
    }
    parts = [part for part, is_chosen in chosen.items() if is_chosen]
    return f"This does not include {'; '.join(parts)}." if parts else ""


def show(quote: Bill, console: Console) -> None:
    """Print rounds, tasks, time, and the cost with its parts."""
    console.print(
        f"On AWS in {quote.region}: {quote.rounds} rounds, {quote.tasks} tasks to be launched, about "
        f"{clock(quote.seconds)} for the rounds."
    )
    for note in quote.quotas:
        console.print(note)
    table = prices.of_region(quote.region)
    if quote.estimate is None or table is None:
        console.print(prices.no_price(quote.region))
        return
    console.print(_table(quote.estimate.parts, "total", quote.estimate.usd))
    console.print(
        f"While the stack is up, it costs about {usd(quote.estimate.usd_per_day)} a day. Prices: AWS Price List, "
        f"{quote.region}, published {table.oldest} or later, without taxes; retries of failed rounds cost extra."
    )
    if quote.left_out:
        console.print(quote.left_out)


def plain(quote: Bill) -> dict[str, object]:
    """The bill for scripts; the cost is null where no prices are known."""
    shown: dict[str, object] = {
        "region": quote.region,
        "rounds": quote.rounds,
        "tasks": quote.tasks,
        "seconds": round(quote.seconds, 1),
        "quotas": list(quote.quotas),
        "usd": None,
    }
    table = prices.of_region(quote.region)
    if quote.estimate is None or table is None:
        return {**shown, "reason": prices.no_price(quote.region)}
    return {
        **shown,
        "usd": round(quote.estimate.usd, 4),
        "usd_per_day": round(quote.estimate.usd_per_day, 4),
        "parts": [part.model_dump() for part in quote.estimate.parts],
        "prices_published": table.oldest.isoformat(),
    }


def confirm(quote: Bill, *, yes: bool) -> None:
    """Show the bill and ask; raises `SettingsError` without a terminal to ask on, `SociometerError` on a no."""
    show(quote, _console())
    _ask(yes=yes)


def confirm_standing(settings: Settings, layer_bytes: LayerBytes, *, yes: bool) -> None:
    """Show what a stack with images of those sizes costs a day while it is up, and ask; raises like `confirm`."""
    console = _console()
    warn_of_nobody(settings)
    table = prices.of_region(settings.region)
    if table is None:
        console.print(prices.no_price(settings.region))
    else:
        stored = stored_bytes(settings.all_variants, settings.forms, settings, layer_bytes)
        parts = per_day(shape_of(settings), stored, table)
        console.print(f"On AWS in {settings.region}, for a day while the stack is up, without any tasks:")
        console.print(_table(parts, "a day", sum(part.usd for part in parts)))
        if sentence := left_out(settings):
            console.print(sentence)
    _ask(yes=yes)


def warn_of_nobody(settings: Settings) -> None:
    """Warn when the load balancer lets nobody in, as with the ranges in the shipped settings."""
    if not settings.needs_load_balancer:
        return
    ranges = [IPv4Network(cidr) for cidr in settings.loadbalancer_allow_cidrs]
    if all(any(allowed.subnet_of(example) for example in DOCUMENTATION) for allowed in ranges):
        say(
            f"warning: loadbalancerAllowCidrs ({', '.join(settings.loadbalancer_allow_cidrs)}) lets nobody in: such a "
            "range is only for documentation (RFC 5737). The time to ready will be unknown, boot reports unchecked. "
            "Set your own address: --set loadbalancerAllowCidrs=<address>/32."
        )


def _console() -> Console:
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH)


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise SettingsError("This costs money, and there is no terminal to ask on. Confirm it with --yes.")
    if not typer.confirm("Spend it?", err=True):
        raise SociometerError("Nothing was started, and nothing was spent.")


def usd(value: float) -> str:
    """Dollars with cents, or with more digits where cents would show nothing."""
    return f"{value:.2f} USD" if value >= 0.1 else f"{value:.4f} USD"


def _table(parts: Sequence[Part], last: str, total: float) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("for")
    table.add_column("how much x USD", overflow="fold")
    table.add_column("USD", justify="right")
    for part in parts:
        table.add_row(part.name, part.quantity, f"{part.usd:.4f}", end_section=part is parts[-1])
    table.add_row(last, "", f"{total:.4f}")
    return table
