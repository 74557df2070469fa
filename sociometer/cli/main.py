"""The `sociometer` command: puts the command groups together.

Exit codes: 0 done, 1 something failed, 2 a setting or option is wrong, 3 this machine lacks something, 4 slower than
`--fail-if-slower` allows, 130 interrupted (129 and 143 where the terminal was closed or the process asked to end).
``SOCIOMETER_DEBUG=1`` shows the traceback of an error.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sociometer.cli import (
    commenting,
    comparing,
    helping,
    laying,
    machine,
    measure,
    past,
    shelling,
    stack,
    tracing,
    tuning,
)
from sociometer.cli.completing import complete_at_once_in_zsh
from sociometer.cli.entry import ended

complete_at_once_in_zsh()
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Measures how fast a container starts when its image is loaded lazily (SOCI) instead of pulled whole.",
    epilog="Begin with `sociometer doctor`, then `sociometer run --image REF`. "
    "Exit codes: 0 done, 1 failed, 2 a setting is wrong, 3 this machine lacks something, 4 slower than allowed, "
    "5 cannot rule that out (--fail-if-unsure), 129, 130 or 143 interrupted. SOCIOMETER_DEBUG=1 shows tracebacks.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow, and needed here alone

        sys.stdout.write(f"sociometer {version('sociometer')}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of every command."""


for group in (measure, tracing, tuning, laying, comparing, commenting, past, stack, machine, shelling, helping):
    group.register(app)


def main() -> None:
    """Run a command within this process, and end that as `entry.main` does."""
    ended(app)
