"""One sweep's report as text, HTML, Markdown and JSON, from one reading of the store.

For the command line and notebooks; the formats themselves are in `terminal`, `page` and `markdown`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.plan.control import Control
from experiments.report import terminal
from experiments.report.contents import Contents, contents
from experiments.report.markdown import markdown
from experiments.store.store import Store
from experiments.store.sweeps import Sweep

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Report:
    """A report's contents, and the tasks for its plots (columns of `columns.COLUMNS`)."""

    contents: Contents
    tasks: pd.DataFrame


def read(store: Store, sweep: Sweep, prices_of: str | None = None, control: Control | None = None) -> Report:
    """Analyse a sweep of an open store; ``prices_of`` is a region whose prices a start is billed at.

    ``control`` is compared with instead of the plan's own; raises `SettingsError` if that compares nothing.
    """
    from experiments.analysis import analyse
    from experiments.store import frames  # pandas and scipy are slow to import

    tasks, rounds = frames.of_sweep(store, sweep)
    seen = sweep
    if control is not None:
        seen = sweep.model_copy(update={"plan": sweep.plan.seen_against(control)})
    analysis = analyse.analyse(seen, tasks, rounds, reads=store.reads(sweep.id), prices_of=prices_of)
    return Report(contents(sweep, analysis, rounds, len(tasks), seen.plan.design.against), tasks)


def to_text(report: Report) -> str:
    """For a terminal or a log."""
    return terminal.text(report.contents)


def to_html(report: Report) -> str:
    """One self-contained page."""
    from experiments.report import page, plots

    return page.html(report.contents, plots.figures(report.tasks, report.contents.analysis))


def to_markdown(report: Report) -> str:
    """For a pull request."""
    return markdown(report.contents)


def to_json(report: Report) -> str:
    """The summary as an object, with the analysis under the key `analysis`."""
    summary = report.contents.summary.model_dump(mode="json")
    return json.dumps({**summary, "analysis": report.contents.analysis.model_dump(mode="json")}, indent=2) + "\n"


def files(report: Report) -> dict[str, str]:
    """The report in every format, by file name."""
    return {_FILE_NAMES[name]: write(report) for name, write in REPORT_FORMATS.items()}


REPORT_FORMATS: dict[str, Callable[[Report], str]] = {
    "text": to_text,
    "html": to_html,
    "markdown": to_markdown,
    "json": to_json,
}
_FILE_NAMES = {"text": "report.txt", "html": "report.html", "markdown": "report.md", "json": "summary.json"}
