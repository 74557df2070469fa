"""`sociometer compare`: two sweeps side by side, for people, for programs, and as a gate in continuous integration."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from kit.errors import SettingsError, SlowerError, UnsureError
from sociometer.cli import commands
from sociometer.cli.options import AsJson, StorePath
from sociometer.cli.progress import say

if TYPE_CHECKING:
    from experiments.compare.versus import Versus

PANEL = "Read what was measured"
COMPARE_FORMATS = ("text", "markdown", "json")


def register(app: typer.Typer) -> None:
    """Add the command."""
    commands.add(app, compare, PANEL)


def compare(
    before: Annotated[str, typer.Argument(help="A sweep's id, `last~1`, or PATH.sqlite:ID of another store.")],
    after: Annotated[str, typer.Argument(help="The sweep to compare it with.")] = "last",
    across: Annotated[
        str | None,
        typer.Option(
            metavar="image|target|profile|tools|machine",
            help="The one thing that may differ between them: what the comparison is about.",
        ),
    ] = None,
    fail_if_slower: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT", help="Exit code 4 when a start became slower by at least this, and not by chance: 5%."
        ),
    ] = None,
    fail_if_unsure: Annotated[
        bool,
        typer.Option("--fail-if-unsure", help="Exit code 5 when the data cannot rule out what is forbidden."),
    ] = False,
    format_: Annotated[
        str, typer.Option("--format", metavar="text|markdown|json", help="How it is written on standard output.")
    ] = "text",
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Compare two sweeps: what changed, how sure that is, and whether they can be compared at all.

    Sweeps that differ in more than the one thing asked for by --across are refused, and a simulation is never
    compared with a measurement. Across targets, effects relative to plain are compared, not seconds.

    --fail-if-slower looks at the phase that matters (boot, else ready) of every treatment and task count: it fails
    when the verdict is slower and the whole interval lies at or above the limit, when fewer tasks boot than before,
    beyond chance, or when a treatment that was measured before no longer has a figure. It says when it cannot tell, and
    which slow-down such a pair of sweeps catches in 4 of 5 cases.
    """
    if format_ not in COMPARE_FORMATS:
        raise SettingsError(f"There is no format {format_!r}. Allowed: {', '.join(COMPARE_FORMATS)}.")
    limit = None if fail_if_slower is None else share(fail_if_slower)
    if fail_if_unsure and limit is None:
        raise SettingsError("--fail-if-unsure needs a limit to be unsure about: add --fail-if-slower 5%.")
    from experiments.compare import versus  # pandas and scipy are slow to import
    from experiments.compare.samples import Recorded
    from sociometer.loading import load

    sides = [load(name, store) for name in (before, after)]
    first, second = (Recorded(side.sweep, side.tasks) for side in sides)
    comparison = versus.compare(first, second, across, limit=limit or 0.0)
    _write(comparison, "json" if as_json else format_)
    if limit is not None:
        _judge(comparison, limit, sure=fail_if_unsure)


def share(text: str) -> float:
    """A limit as a share: `5%` or `5` is 0.05."""
    try:
        value = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        value = -1.0
    if not 0 < value < 10:
        raise SettingsError(f"--fail-if-slower {text!r} is no limit. Allowed: a percentage above 0, such as 5%.")
    return value


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


def _judge(comparison: Versus, limit: float, *, sure: bool) -> None:
    from experiments.compare import gate

    judgement = gate.judge(comparison, limit)
    say(gate.reach(comparison))
    if judgement.fails:
        raise SlowerError(gate.refusal(judgement, limit, unequal=bool(comparison.warnings)))
    if judgement.open and sure:
        raise UnsureError(gate.doubt(judgement, limit))
    if judgement.open:
        say(f"warning: {gate.doubt(judgement, limit)}")
