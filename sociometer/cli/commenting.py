"""`sociometer comment`: what a sweep says of a change, on the pull or merge request that a CI job is about."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.store.store import LATEST, Store, default_path
from sociometer.cli import commands, gating
from sociometer.cli.options import StorePath, SweepId
from sociometer.cli.progress import say

PANEL = "Read what was measured"


def register(app: typer.Typer) -> None:
    """Add the command."""
    commands.add(app, comment, PANEL)


def comment(
    sweep: SweepId = LATEST,
    fail_if_slower: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="The limit of the gate that is reported. Fails nothing: `compare` does."),
    ] = None,
    name: Annotated[
        str, typer.Option(help="Tells the comments of several jobs apart. The one of that name is written over.")
    ] = "start-time",
    store: StorePath = None,
) -> None:
    """Comment on the pull or merge request of this CI job: the verdict, a chart of intervals, the table, the report.

    Each name has one comment, which later runs write over. It goes into the job's summary on GitHub, too. Where the
    token may not comment, as in a pull request from a fork, that is said in one line, and nothing fails. Outside of a
    job that is about a pull or merge request, the comment is printed.

    The token is GITHUB_TOKEN, with the permission pull-requests: write, or on GitLab SOCIOMETER_GITLAB_TOKEN, with
    the scope api.
    """
    limit = None if fail_if_slower is None else gating.share(fail_if_slower)
    from experiments.report.comment import marker  # pandas and scipy are slow to import
    from sociometer.cli import forges

    line = marker(name)
    text = _body(sweep, store, limit, forges.run_page(os.environ))
    try:
        request = forges.request_of(os.environ)
        address = None if request is None else request.put(line, text)
    except forges.NotAllowed as refused:
        address = None
        text += f"\nNo comment was written: {refused}.\n"
        say(f"No comment was written: {refused}. A pull request from a fork may not; the job's page has the report.")
    _summarise(text, os.environ)
    if address is None:
        sys.stdout.write(text)
    else:
        say(f"The comment is at {address}")


def _body(sweep: str, store: Path | None, limit: float | None, link: str | None) -> str:
    from experiments.compare.samples import Recorded
    from experiments.compare.within import within
    from experiments.report import comment as comments
    from experiments.report import formats

    with Store(store or default_path()) as opened:
        found = opened.sweep(sweep)
        report = formats.read(opened, found)
    compared = within(Recorded(found, report.tasks), report.contents.analysis, limit=limit or 0.0)
    return comments.body(compared, formats.to_markdown(report), limit, link)


def _summarise(text: str, environment: Mapping[str, str]) -> None:
    """Add it to the page of the job's run, where GitHub keeps one."""
    if path := environment.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as summary:
            summary.write(f"{text}\n")
