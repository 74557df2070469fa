"""The `sociometer` command: puts the command groups together and turns errors into one line and an exit code.

Exit codes: 0 done, 1 something failed, 2 a setting or option is wrong, 3 this machine lacks something, 4 slower than
`--fail-if-slower` allows, 130 interrupted. ``SOCIOMETER_DEBUG=1`` shows the traceback of an error.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kit.errors import SociometerError
from sociometer.cli import comparing, interrupts, laying, machine, measure, past, stack, tracing, tuning

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Measures how fast a container starts when its image is loaded lazily (SOCI) instead of pulled whole.",
    epilog="Begin with `sociometer doctor`, then `sociometer run --image REF`. "
    "Exit codes: 0 done, 1 failed, 2 a setting is wrong, 3 this machine lacks something, 4 slower than allowed, "
    "5 cannot rule that out (--fail-if-unsure), 130 interrupted. SOCIOMETER_DEBUG=1 shows tracebacks.",
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


for group in (measure, tracing, tuning, laying, comparing, past, stack, machine):
    group.register(app)


def main() -> None:
    """Entry point: ends the process with the exit code of what happened."""
    try:
        with interrupts.handled():
            app()
    except SociometerError as error:
        if os.environ.get("SOCIOMETER_DEBUG") == "1":
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever read the output has enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if os.environ.get("SOCIOMETER_DEBUG") == "1":
            raise
        sys.stderr.write(f"error: {_of_the_system(error)}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(interrupts.EXIT_CODE)


def _of_the_system(error: OSError) -> str:
    """What the operating system refused, in one line: a full disk, or a folder that nobody may write to."""
    place = "" if error.filename is None else f"{error.filename}: "
    return f"{place}{error.strerror or error}. SOCIOMETER_DEBUG=1 shows where."
