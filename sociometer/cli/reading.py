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
from sociometer.experiments import parquet
from sociometer.experiments import report as reports
from sociometer.experiments.schema import Sweep
from sociometer.experiments.store import Store, default_path
from sociometer.experiments.summary import Summary, summarise

PANEL = "Read what was measured"


def register(app: typer.Typer) -> None:
    """Add the commands that read the store."""
    for command in (report, export):
        app.command(rich_help_panel=PANEL, help=help_text(command))(command)


def report(sweep: SweepId = LATEST_SWEEP, store: StorePath = None, as_json: AsJson = False) -> None:
    """Show the figures of a sweep: medians, their spread, and the change against plain."""
    with Store(store or default_path()) as opened:
        summary = summary_of(opened, opened.sweep(sweep))
    print_summary(summary, as_json=as_json)


def export(
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="|".join((*exports.FORMATS, *parquet.FORMATS)), help="A row a task, or one a round."
        ),
    ] = "json",
    sweep: SweepId = LATEST_SWEEP,
    variant: Annotated[str | None, typer.Option(help="Only this variant's rounds.")] = None,
    form: Annotated[str | None, typer.Option(help="Only this form's rounds.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="A file, written whole or not at all.", show_default="standard output")
    ] = None,
    store: StorePath = None,
) -> None:
    """Write the records of a sweep for other programs.

    json, csv and parquet have one object or row per task, rounds-parquet one per attempt at a round; docs/data.md and
    the Parquet files themselves name every column's unit. averages-csv has the columns taskCount,
    averageFirstConnectionTime, averageStartTime, averagePullTime, averageBootTime, one row a round in the plan's order.
    """
    if format_ not in (allowed := (*exports.FORMATS, *parquet.FORMATS)):
        raise SettingsError(f"There is no format {format_!r}. Allowed: {', '.join(allowed)}.")
    if format_ in parquet.FORMATS and output is None and sys.stdout.isatty():
        raise SettingsError(f"--format {format_} is no text for a terminal. Name a file with --output, or a pipe.")
    with Store(store or default_path()) as opened:
        _put(_exported(opened, opened.sweep(sweep), format_, variant, form), output)


def _exported(store: Store, sweep: Sweep, format_: str, variant: str | None, form: str | None) -> str | bytes:
    if format_ in parquet.FORMATS:
        return parquet.to_parquet(store, sweep, format_, variant=variant, form=form)
    records = store.rounds(sweep.id)
    wanted = [r for r in records if variant in (None, r.round.variant) and form in (None, r.round.form)]
    return exports.FORMATS[format_](wanted)


def _put(content: str | bytes, output: Path | None) -> None:
    if output is not None:
        exports.write(output, content)
        say(f"{output} is written.")
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content)


def summary_of(store: Store, sweep: Sweep) -> Summary:
    """The figures of a sweep in an open store."""
    from sociometer.experiments import frames  # pandas is slow to import

    return summarise(sweep, frames.tasks(store, sweep.id), frames.rounds(store, sweep.id))


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """The report on standard output: JSON, a coloured table on a terminal, or plain text."""
    if as_json:
        sys.stdout.write(summary.model_dump_json(indent=2) + "\n")
    elif sys.stdout.isatty():
        reports.show(summary, Console(highlight=False, markup=False))
    else:
        sys.stdout.write(reports.text(summary))
