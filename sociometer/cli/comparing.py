"""`sociometer compare`: two sweeps, or one with its control, for people, for programs, and as a gate in CI."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from kit.errors import SettingsError
from sociometer.cli import commands, gating, suggestions
from sociometer.cli.gating import GateOptions
from sociometer.cli.options import AsJson, StorePath

if TYPE_CHECKING:
    from experiments.compare.versus import Versus
    from sociometer.loading import Loaded

PANEL = "Read what was measured"
COMPARE_FORMATS = ("text", "markdown", "json")


def register(app: typer.Typer) -> None:
    """Add the command."""
    commands.add(app, compare, PANEL)


def compare(
    gate: GateOptions,
    before: Annotated[
        str,
        typer.Argument(
            help="A sweep's id, `last~1`, or PATH.sqlite:ID of another store.", autocompletion=suggestions.sweeps
        ),
    ],
    after: Annotated[
        str,
        typer.Argument(
            help="The sweep to compare it with. The same one: it is compared with its own control.",
            autocompletion=suggestions.sweeps,
        ),
    ] = "last",
    across: Annotated[
        str | None,
        typer.Option(
            metavar="image|target|profile|tools|machine",
            help="The one thing that may differ between them: what the comparison is about.",
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(COMPARE_FORMATS),
            help="How it is written on standard output.",
            autocompletion=lambda: suggestions.one_of(COMPARE_FORMATS),
        ),
    ] = "text",
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Compare two sweeps, or one with its own control: what changed, how sure that is, and whether it can be compared.

    `compare last` compares the treatments of one sweep with its control (--control of `run` and `sweep`, else plain):
    measured block by block, they say more than two sweeps.

    Sweeps that differ in more than the one thing asked for by --across are refused, and a simulation is never
    compared with a measurement. Across targets, effects relative to plain are compared, not seconds.

    --fail-if-slower looks at the phase that matters (boot, else ready) of every treatment and task count: it fails
    when the verdict is slower and the whole interval lies at or above the limit, when fewer tasks boot than before,
    beyond chance, or when a treatment that was measured before no longer has a figure. It says when it cannot tell, and
    which slow-down such a pair of sweeps catches in 4 of 5 cases.
    """
    if format_ not in COMPARE_FORMATS:
        raise SettingsError(f"There is no format {format_!r}. Allowed: {', '.join(COMPARE_FORMATS)}.")
    limit = gate.limit
    from sociometer.loading import load  # pandas and scipy are slow to import

    sides = [load(name, store) for name in (before, after)]
    if sides[0].sweep.id == sides[1].sweep.id:
        if across is not None:
            raise SettingsError(f"--across {across} is about two sweeps. Name the other one, too.")
        comparison = gating.within_one(sides[1], limit)
    else:
        comparison = _of_two(sides[0], sides[1], across, limit, (before, after), store)
    _write(comparison, "json" if as_json else format_)
    gate.judge(comparison)


def _of_two(
    first: Loaded, second: Loaded, across: str | None, limit: float | None, names: tuple[str, str], store: Path | None
) -> Versus:
    """With all that their stores know of how much sweeps of the same images differ."""
    from experiments.compare import comparable, repetitions, versus
    from experiments.compare.samples import Recorded
    from sociometer.loading import others

    comparable.check(first.sweep, second.sweep, across)
    same = others(
        names, store, lambda sweep: repetitions.is_one(sweep, first.sweep, second.sweep), most=repetitions.MOST
    )
    before, after, *repeated = (Recorded(side.sweep, side.tasks) for side in (first, second, *same))
    return versus.compare(before, after, across, limit=limit or 0.0, repeated=repeated)


def _write(comparison: Versus, format_: str) -> None:
    from experiments.report import versus as versus_text

    if format_ == "json":
        sys.stdout.write(comparison.model_dump_json(indent=2) + "\n")
    elif format_ == "markdown":
        sys.stdout.write(versus_text.markdown(comparison))
    elif sys.stdout.isatty():
        versus_text.show(comparison, Console(highlight=False))
    else:
        sys.stdout.write(versus_text.text(comparison))
