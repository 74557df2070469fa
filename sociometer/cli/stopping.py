"""The options that let a sweep decide when to end, and how they become a stopping rule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import typer

from experiments.plan.plan import Stopping
from kit.errors import SettingsError
from sociometer.cli.options import PLAN_PANEL

MOST_BLOCKS = 30

_SECONDS = {"s": 1, "m": 60, "h": 3600}

UntilPrecision = Annotated[
    str | None,
    typer.Option(
        "--until-precision",
        metavar="PRECISION",
        help="Add blocks until every interval is at most this wide to either side: 5% of the form's time, or 5pt, "
        "points of the control's.",
        rich_help_panel=PLAN_PANEL,
    ),
]
MaxBlocks = Annotated[
    int | None,
    typer.Option(
        help="With --until-precision: the most blocks.", rich_help_panel=PLAN_PANEL, show_default=str(MOST_BLOCKS)
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="With --until-precision: begin no block that would end later: 90m, 2h.",
        rich_help_panel=PLAN_PANEL,
    ),
]


@dataclass(frozen=True)
class UntilOptions:
    """When to stop adding blocks to a sweep."""

    until_precision: UntilPrecision = None
    max_blocks: MaxBlocks = None
    budget: Budget = None

    def stopping(self, blocks: int | None) -> Stopping | None:
        """The stopping rule; raises `SettingsError` for options that do not go together."""
        return chosen_stopping(self.until_precision, blocks, self.max_blocks, self.budget)


def chosen_stopping(
    precision: str | None, blocks: int | None, max_blocks: int | None, budget: str | None
) -> Stopping | None:
    """The stopping rule that the options ask for; raises `SettingsError` for options that do not go together."""
    if precision is None:
        if max_blocks is not None or budget is not None:
            raise SettingsError("--max-blocks and --budget end what --until-precision begins. Give that, too.")
        return None
    if blocks is not None:
        raise SettingsError("--blocks fixes the number of blocks, --until-precision does not. Use --max-blocks.")
    points = precision.strip().endswith("pt")
    return Stopping(
        precision=_percent(precision),
        points=True if points else None,
        budget_seconds=None if budget is None else _seconds(budget),
    )


def _percent(text: str) -> float:
    try:
        share = float(text.strip().removesuffix("%").removesuffix("pt")) / 100
    except ValueError:
        share = math.nan
    if not 0.001 <= share <= 0.5:
        raise SettingsError(f"--until-precision {text!r} is not possible. Allowed: 0.1% to 50%, or 0.1pt to 50pt.")
    return share


def _seconds(text: str) -> float:
    number, unit = text.strip()[:-1], text.strip()[-1:]
    try:
        seconds = float(number) * _SECONDS[unit]
    except (KeyError, ValueError):
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError(f"--budget {text!r} is not a time. Allowed: a number and its unit, such as 90m or 2h.")
    return seconds
