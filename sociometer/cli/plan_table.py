"""Shows a plan: its rounds in order, and how long each and all of them will take."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from experiments.forecast.duration import Model, Treatment, plan_seconds, round_seconds, treatment
from experiments.plan.plan import Plan
from sociometer.cli import spending
from sociometer.cli.progress import clock
from sociometer.cli.spending import Bill

WIDTH = 100


def show_plan(plan: Plan, known: Mapping[Treatment, float], model: Model, bill: Bill | None, *, as_json: bool) -> None:
    """Print a plan on standard output, with the bill where it costs money.

    ``known`` are seconds that rounds like its own took before.
    """
    if as_json:
        cost = {} if bill is None else {"cost": spending.plain(bill)}
        sys.stdout.write(json.dumps({**_plain(plan, known, model), **cost}, indent=2) + "\n")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(_table(plan, known, model))
    total = plan_seconds(plan, known, model)
    tasks = sum(round_.task_count for round_ in plan.rounds)
    console.print(
        f"Plan {plan.design.name}, seed {plan.design.seed}: {len(plan.rounds)} rounds in {plan.design.blocks} blocks, "
        f"{tasks} tasks, about {clock(total)} ({_basis(plan, known)}), without making the stack."
    )
    if bill is not None:
        spending.show(bill, console)


def _table(plan: Plan, known: Mapping[Treatment, float], model: Model) -> Table:
    table = Table("round", "block", "variant", "form", "tasks", "seconds")
    for column in table.columns:
        column.justify = "left" if column.header in ("variant", "form") else "right"
    for round_ in plan.rounds:
        seconds = round_seconds(round_, plan.design.payload, known, model)
        place = (str(round_.index), str(round_.block), round_.variant, round_.form, str(round_.task_count))
        next_block = round_.index + 1 < len(plan.rounds) and plan.rounds[round_.index + 1].block != round_.block
        table.add_row(*place, f"{seconds:.0f}", end_section=next_block)
    return table


def _basis(plan: Plan, known: Mapping[Treatment, float]) -> str:
    wanted = {treatment(round_) for round_ in plan.rounds}
    measured = len(wanted & known.keys())
    return f"{measured} of {len(wanted)} kinds of round by earlier records, the rest by a model"


def _plain(plan: Plan, known: Mapping[Treatment, float], model: Model) -> dict[str, object]:
    rounds = [
        {**round_.model_dump(), "seconds": round(round_seconds(round_, plan.design.payload, known, model), 1)}
        for round_ in plan.rounds
    ]
    return {
        **plan.design.model_dump(mode="json"),
        "digest": plan.digest,
        "seconds": round(plan_seconds(plan, known, model), 1),
        "rounds": rounds,
    }
