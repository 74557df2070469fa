"""`sociometer report | export`: the commands that read what was measured; they may be used while a sweep runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sociometer.cli.options import LATEST_SWEEP, AsJson, StorePath, SweepId, help_text
from sociometer.cli.progress import say
from sociometer.errors import SettingsError
from sociometer.experiments import export as exports
from sociometer.experiments import formats
from sociometer.experiments import report as reports
from sociometer.experiments.store import Store, default_path

PANEL = "Read what was measured"
OutputFile = Annotated[
    Path | None, typer.Option("--output", help="A file, written whole or not at all.", show_default="standard output")
]


def register(app: typer.Typer) -> None:
    """Add the commands that read the store."""
    for command in (report, export):
        app.command(rich_help_panel=PANEL, help=help_text(command))(command)


def report(
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(formats.FORMATS),
            help="For a terminal, a browser, a pull request, or programs.",
        ),
    ] = "text",
    sweep: SweepId = LATEST_SWEEP,
    output: OutputFile = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Show what a sweep says: its verdict, what each form changes, with intervals, and what to know besides.

    html is one page that needs nothing else and may be sent as it is; markdown is for a pull request. --json is short
    for --format json.
    """
    chosen = "json" if as_json else format_
    if chosen not in formats.FORMATS:
        raise SettingsError(f"There is no format {chosen!r}. Allowed: {', '.join(formats.FORMATS)}.")
    found = read_report(store or default_path(), sweep)
    if output is None and chosen == "text":
        print_report(found, as_json=False)
    else:
        _put(formats.FORMATS[chosen](found), output)


def export(
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="json|csv|averages-csv", help="One object or row a task, or the averages of each round."
        ),
    ] = "json",
    sweep: SweepId = LATEST_SWEEP,
    variant: Annotated[str | None, typer.Option(help="Only this variant's rounds.")] = None,
    form: Annotated[str | None, typer.Option(help="Only this form's rounds.")] = None,
    output: OutputFile = None,
    store: StorePath = None,
) -> None:
    """Write the records of a sweep for other programs.

    json and csv have one object or row per task. averages-csv has the columns taskCount, averageFirstConnectionTime,
    averageStartTime, averagePullTime, averageBootTime, one row a round in the plan's order.
    """
    if format_ not in exports.FORMATS:
        raise SettingsError(f"There is no format {format_!r}. Allowed: {', '.join(exports.FORMATS)}.")
    with Store(store or default_path()) as opened:
        records = opened.rounds(opened.sweep(sweep).id)
    wanted = [r for r in records if variant in (None, r.round.variant) and form in (None, r.round.form)]
    _put(exports.FORMATS[format_](wanted), output)


def read_report(store: Path, sweep: str) -> formats.Report:
    """The report of a sweep in the store at this path."""
    with Store(store) as opened:
        return formats.read(opened, opened.sweep(sweep))


def print_report(report: formats.Report, *, as_json: bool) -> None:
    """The report on standard output: JSON, coloured on a terminal, or plain text."""
    if not as_json and sys.stdout.isatty():
        reports.show(report.contents, Console(highlight=False, markup=False))
    else:
        sys.stdout.write(formats.to_json(report) if as_json else formats.to_text(report))


def _put(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    exports.write(output, text)
    say(f"{output} is written.")
