"""Shows a plan: its rounds in order, and how long each and all of them will take."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from experiments.forecast.duration import total_seconds, treatment
from experiments.plan.control import Named
from experiments.plan.plan import Design, Plan
from experiments.records.model import Round
from sociometer.cli import spending
from sociometer.cli.progress import clock
from sociometer.cli.targets import Forecast

WIDTH = 100


def show_plan(plan: Plan, forecast: Forecast, *, as_json: bool) -> None:
    """Print a plan on standard output, with the bill where it costs money, and what own images weigh."""
    if as_json:
        sys.stdout.write(json.dumps(_plain(plan, forecast), indent=2) + "\n")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(_table(plan, forecast))
    tasks = sum(round_.task_count for round_ in plan.rounds)
    time = _range(*map(clock, _seconds(plan, plan.rounds, forecast)))
    console.print(
        f"Plan {plan.design.name}, seed {plan.design.seed}: {len(plan.rounds)} rounds in {plan.design.blocks} blocks, "
        f"{tasks} tasks, about {time} ({_basis(plan, forecast)}), without making the stack."
    )
    console.print(_compared(plan.design), markup=False)
    for note in forecast.weights.notes():
        console.print(note, markup=False)
    if forecast.bill is not None:
        spending.show(forecast.bill, console)


def _seconds(plan: Plan, rounds: Iterable[Round], forecast: Forecast) -> tuple[float, float]:
    """How long rounds will take at least and at most; the same where no own image leaves it open."""
    rounds, payload = list(rounds), plan.design.payload
    most = total_seconds(rounds, payload, forecast.known, forecast.model)
    least = total_seconds(rounds, payload, forecast.known, forecast.model.least()) if forecast.weights.found else most
    return least, most


def _range(least: str, most: str) -> str:
    return most if least == most else f"{least} to {most}"


def _table(plan: Plan, forecast: Forecast) -> Table:
    table = Table("round", "block", "variant", "form", "tasks", "seconds")
    for column in table.columns:
        column.justify = "left" if column.header in ("variant", "form") else "right"
    for round_ in plan.rounds:
        least, most = _seconds(plan, [round_], forecast)
        place = (str(round_.index), str(round_.block), round_.variant, round_.form, str(round_.task_count))
        next_block = round_.index + 1 < len(plan.rounds) and plan.rounds[round_.index + 1].block != round_.block
        table.add_row(*place, _range(f"{least:.0f}", f"{most:.0f}"), end_section=next_block)
    return table


def _compared(design: Design) -> str:
    """Which comparisons a sweep of the plan makes, so that a wrong --control is seen before it costs hours."""
    by_control: dict[Named, list[Named]] = {}
    for compared in design.treatments:
        if control := design.control_of(*compared):
            by_control.setdefault(control, []).append(compared)
    lines = [f"{_named(control)} with {', '.join(map(_named, others))}" for control, others in by_control.items()]
    if not lines:
        return f"It compares nothing: it measures nothing beside its control, {design.against}."
    return f"It compares {'; '.join(lines)}, at each task count, measured next to each other in each block."


def _named(treatment: Named) -> str:
    return " as ".join(treatment)


def _basis(plan: Plan, forecast: Forecast) -> str:
    wanted = {treatment(round_) for round_ in plan.rounds}
    measured = len(wanted & forecast.known.keys())
    return f"{measured} of {len(wanted)} kinds of round by earlier records, the rest by a model"


def _plain(plan: Plan, forecast: Forecast) -> dict[str, object]:
    """The same for scripts; ``seconds`` are the most, and ``least_seconds`` are there where an own image is."""
    cost = {} if forecast.bill is None else {"cost": spending.plain(forecast.bill)}
    images = {"images": forecast.weights.plain()} if forecast.weights.found else {}
    notes = list(forecast.weights.notes())
    return {
        **plan.design.model_dump(mode="json"),
        "control": plan.design.against.text,
        "digest": plan.digest,
        **_plain_seconds(plan, plan.rounds, forecast),
        "rounds": [{**round_.model_dump(), **_plain_seconds(plan, [round_], forecast)} for round_ in plan.rounds],
        **images,
        **({"notes": notes} if notes else {}),
        **cost,
    }


def _plain_seconds(plan: Plan, rounds: Iterable[Round], forecast: Forecast) -> dict[str, float]:
    least, most = _seconds(plan, rounds, forecast)
    return {"seconds": round(most, 1), **({"least_seconds": round(least, 1)} if forecast.weights.found else {})}
