"""`sociometer report | export`: the commands that read what was measured; they may be used while a sweep runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from experiments.forecast.prices import no_price, of_region
from experiments.report import export as exports
from experiments.report import figure_frames, formats, parquet
from experiments.report import terminal as reports
from experiments.store.store import LATEST, Store, default_path
from experiments.store.sweeps import Sweep
from kit.errors import SettingsError
from kit.files import write
from sociometer.cli import commands, suggestions
from sociometer.cli.options import AsJson, StorePath, SweepId, chosen_control, chosen_forms
from sociometer.cli.progress import say

PANEL = "Read what was measured"
OutputFile = Annotated[
    Path | None, typer.Option("--output", help="A file, written whole or not at all.", show_default="standard output")
]


def _export_formats() -> tuple[str, ...]:
    return (*exports.EXPORT_FORMATS, *parquet.PARQUET_FORMATS, *figure_frames.FIGURE_FORMATS)


def register(app: typer.Typer) -> None:
    """Add the commands that read the store."""
    for command in (report, export):
        commands.add(app, command, PANEL)


def report(
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(formats.REPORT_FORMATS),
            autocompletion=lambda: suggestions.one_of(formats.REPORT_FORMATS),
            help="For a terminal, a browser, a pull request, or programs.",
        ),
    ] = "text",
    sweep: SweepId = LATEST,
    prices: Annotated[
        str | None,
        typer.Option(
            metavar="REGION",
            autocompletion=suggestions.regions,
            help="What the seconds saved would be worth on Fargate in this region, for tasks of this size.",
            show_default="on Fargate its own region, else none",
        ),
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(
            "--control",
            metavar="IMAGE|FORM|IMAGE:FORM",
            help="Compare with this instead; plain: what each form does to its own image, in a sweep of several.",
            show_default="the plan's own",
        ),
    ] = None,
    output: OutputFile = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Show a sweep's report: which form to use, what each form changes, how certain that is, and warnings.

    html is one self-contained page; markdown is for a pull request. --json is short
    for --format json.
    """
    chosen = "json" if as_json else format_
    if chosen not in formats.REPORT_FORMATS:
        raise SettingsError(f"There is no format {chosen!r}. Allowed: {', '.join(formats.REPORT_FORMATS)}.")
    if prices is not None and of_region(prices) is None:
        raise SettingsError(no_price(prices))
    with Store(store or default_path()) as opened:
        found = opened.sweep(sweep)
        against = None if control is None else chosen_control(control, found.plan.design)
        read = formats.read(opened, found, prices, against)
    if output is None and chosen == "text":
        print_report(read, as_json=False)
    else:
        put(formats.REPORT_FORMATS[chosen](read), output)


def export(
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(_export_formats()),
            autocompletion=lambda: suggestions.one_of(_export_formats()),
            help="A row a task, one a round, or one a figure of the report.",
        ),
    ] = "json",
    sweep: SweepId = LATEST,
    variant: Annotated[str | None, typer.Option(help="Only this variant's rounds.")] = None,
    form: Annotated[str | None, typer.Option(help="Only this form's rounds.")] = None,
    output: OutputFile = None,
    store: StorePath = None,
) -> None:
    """Write the records of a sweep for other programs.

    json, csv and parquet have one object or row per task, rounds-parquet one per attempt at a round; `sociometer help
    columns` and the Parquet files themselves name every column's unit. averages-csv has the columns taskCount,
    averageFirstConnectionTime, averageStartTime, averagePullTime, averageBootTime, one row a round in the plan's order;
    averages-by-treatment-csv has variant and form before them. effects-csv, over-counts-csv and tails-csv have the
    report's figures with their intervals: of each comparison, over all task counts, and of the slowest tasks.
    """
    if format_ not in (allowed := _export_formats()):
        raise SettingsError(f"There is no format {format_!r}. Allowed: {', '.join(allowed)}.")
    if format_ in parquet.PARQUET_FORMATS and output is None and sys.stdout.isatty():
        raise SettingsError(f"--format {format_} is no text for a terminal. Name a file with --output, or a pipe.")
    with Store(store or default_path()) as opened:
        named = chosen_forms(form)
        put(_exported(opened, opened.sweep(sweep), format_, variant, named[0] if named else None), output)


def _exported(store: Store, sweep: Sweep, format_: str, variant: str | None, form: str | None) -> str | bytes:
    if format_ in parquet.PARQUET_FORMATS:
        return parquet.to_parquet(store, sweep, format_, variant=variant, form=form)
    if format_ in figure_frames.FIGURE_FORMATS:
        analysis = formats.read(store, sweep).contents.analysis
        return figure_frames.to_csv(analysis, format_, variant=variant, form=form)
    records = store.rounds(sweep.id)
    wanted = [r for r in records if variant in (None, r.round.variant) and form in (None, r.round.form)]
    treatments = {f"{r.round.variant} {r.round.form}" for r in wanted}
    if format_ == "averages-csv" and len(treatments) > 1:
        say(
            f"averages-csv does not say which of {len(treatments)} treatments a row is of: choose one by --variant and "
            "--form, or --format averages-by-treatment-csv."
        )
    return exports.EXPORT_FORMATS[format_](wanted)


def print_report(report: formats.Report, *, as_json: bool) -> None:
    """The report on standard output: JSON, coloured on a terminal, or plain text."""
    if not as_json and sys.stdout.isatty():
        reports.show(report.contents, Console(highlight=False, markup=False))
    else:
        sys.stdout.write(formats.to_json(report) if as_json else formats.to_text(report))


def put(content: str | bytes, output: Path | None) -> None:
    """Write to the file, or else to standard output."""
    if output is not None:
        write(output, content)
        say(f"{output} is written.")
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content)
