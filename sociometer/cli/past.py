"""`sociometer history`: the starts of one image over releases and sweeps, and where they changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.store.store import Store, default_path
from kit.errors import SettingsError, SlowerError
from sociometer.cli import commands
from sociometer.cli.comparing import PANEL
from sociometer.cli.gating import share
from sociometer.cli.options import AsJson
from sociometer.cli.progress import say
from sociometer.cli.reading import OutputFile, put

if TYPE_CHECKING:
    from experiments.compare.history import History
    from experiments.compare.samples import Recorded

FORMATS = ("text", "html", "json")
Stores = Annotated[
    list[Path] | None,
    typer.Option(
        "--store",
        metavar="PATH",
        help="A record store; may be repeated.",
        show_default="store.sqlite in the data folder",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    commands.add(app, history, PANEL)


def history(
    image: Annotated[str, typer.Argument(help="A variant, or a part of its image's reference that has a slash.")],
    control: Annotated[
        str | None,
        typer.Option(help="Compare ratios to this form instead of seconds, such as plain."),
    ] = None,
    release: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=sha256:…", help="The name of a release, by its digest; may be repeated."),
    ] = None,
    fail_if_slower: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="Exit code 4 if a release made it slower by this, and none undid it."),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="RELEASE", help="A release that may be slower, or its digest; may be repeated."),
    ] = None,
    format_: Annotated[str, typer.Option("--format", metavar="|".join(FORMATS))] = "text",
    output: OutputFile = None,
    stores: Stores = None,
    as_json: AsJson = False,
) -> None:
    """Show how an image's starts changed over releases, and since which release they are slower or faster.

    Nothing is compared across a change of machine, profile, tools or target. At least 8 sweeps without such a break are
    needed. --control plain compares ratios to plain, which leaves out what differs from day to day.

    --fail-if-slower fails if a release since the last break made the image slower, later ones did not undo it, and the
    whole interval lies at or above the limit. --accept names a release that may be slower.
    Too few sweeps are a warning.
    """
    chosen = "json" if as_json else format_
    if chosen not in FORMATS:
        raise SettingsError(f"There is no format {chosen!r}. Allowed: {', '.join(FORMATS)}.")
    limit = None if fail_if_slower is None else share(fail_if_slower)
    names = dict(_named(each) for each in release or ())
    from experiments.compare import history as histories  # pandas and scipy are slow to import
    from experiments.report import history as written

    sides = [side for path in stores or [default_path()] for side in _recorded(path)]
    found = histories.history(sides, image, control, names)
    if chosen == "json":
        put(found.model_dump_json(indent=2) + "\n", output)
    else:
        put(written.html(found) if chosen == "html" else written.text(found), output)
    if limit is not None:
        _judge(found, limit, accept or [])


def _named(text: str) -> tuple[str, str]:
    name, equals, digest = text.partition("=")
    if not equals or not name or not digest.startswith("sha256:") or digest == "sha256:":
        raise SettingsError(f"--release {text!r} cannot be read. Allowed: 1.8=sha256:… with a digest or its beginning.")
    return digest, name


def _recorded(path: Path) -> list[Recorded]:
    from experiments.compare.samples import Recorded
    from experiments.store import frames

    with Store(path) as opened:
        return [Recorded(sweep, frames.tasks(opened, sweep.id)) for sweep in opened.sweeps()]


def _judge(found: History, limit: float, accepted: list[str]) -> None:
    from experiments.compare import slower
    from experiments.report.history import left, title

    known = {point.release for series in found.series for part in series.stretches for point in part.points}
    if unknown := [name for name in accepted if name not in known and not name.startswith("sha256:")]:
        raise SettingsError(
            f"--accept {unknown[0]!r} is no release of this history. Known: {', '.join(sorted(known))}."
        )
    failed = []
    for series in found.series:
        newest = series.stretches[-1]
        if newest.missing:
            say(f"warning: {title(series)}: too few sweeps to tell, {newest.missing} more needed.")
        standing = list(slower.standing(newest.shifts, accepted))
        blamed = slower.to_blame(standing, limit)
        failed += [f"{title(series)}: {left(each)}" for each in blamed]
        unsure = [each for each in standing if not blamed and each.ratio >= 1 + limit]
        for each in unsure[-1:]:
            say(f"warning: {title(series)} may be slower than allowed: {left(each)}.")
    if failed:
        raise SlowerError(f"Slower by the limit or more: {'; '.join(failed)}.")
