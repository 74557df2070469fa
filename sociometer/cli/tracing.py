"""`sociometer trace`: what a boot reads of its image."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.settings.model import Settings
from infra.trace.summary import prefetch_list, unfindable
from kit.errors import SettingsError
from kit.files import write
from sociometer.cli import commands, suggestions, trace_table
from sociometer.cli.images import ContainerOptions, name_of, seen_from_anywhere, settings_of
from sociometer.cli.options import DEFAULT_TIMEOUT_SECONDS, AsJson
from sociometer.cli.progress import say

PANEL = "Measure"
PICTURES = (".html", ".svg", ".png")
_PANEL = "Results"

Image = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE",
        help="host/repo:tag, docker-daemon:web:dev, docker-archive:FILE, oci:DIR or oci-archive:FILE.",
        show_default=False,
    ),
]
Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        help="The kind of task that boots; its memory must hold what the boot reads.",
        autocompletion=suggestions.profiles,
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=1, help="Seconds after which a task that is not ready is given up.")
]
SpanSize = Annotated[str, typer.Option("--span-size", metavar="SIZE", help="Size of the spans that are counted.")]
MinLayerSize = Annotated[
    str,
    typer.Option(
        "--min-layer-size", metavar="SIZE", help="Smaller layers are loaded whole, and what is read is not seen."
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="FILE",
        help="Write the trace here, as JSON.",
        show_default="trace-NAME.json",
        rich_help_panel=_PANEL,
    ),
]
Former = Annotated[
    list[Path] | None,
    typer.Option(
        "--with",
        metavar="FILE",
        help="Unite it with this former trace of the same image. Repeat for more.",
        rich_help_panel=_PANEL,
    ),
]
PrefetchList = Annotated[
    Path | None,
    typer.Option(
        "--prefetch-list",
        metavar="FILE",
        help="Write the files that are read, for `soci convert --prefetch-files-json`.",
        rich_help_panel=_PANEL,
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw it, as .html, .svg or .png.", rich_help_panel=_PANEL),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    commands.add(app, trace, PANEL)


def trace(
    image: Image,
    container: ContainerOptions,
    profile: Profile = "unshaped",
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    span_size: SpanSize = "4MiB",
    min_layer_size: MinLayerSize = "0",
    output: Output = None,
    former: Former = None,
    prefetch_list_file: PrefetchList = None,
    picture: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Boot an image once in the lab and record what it reads until it is ready: files, bytes, spans, in which order.

    Every layer is loaded lazily (recompressed if it is not gzip), without background fetch and prefetch, so that only
    what the boot asks for moves. The table says what the boot needs of each layer and folder, and how much is fetched
    for it. It needs no stack, and leaves nothing but the files that it writes. With --with, the result is what several
    boots read together.
    """
    from infra.lab.profiles import profile as profile_named  # slow to import, as what is below
    from infra.trace.model import read
    from infra.trace.record import Wanted
    from infra.trace.trace import trace as record

    name = name_of(image)
    files = [output or Path(f"trace-{name}.json"), *filter(None, (prefetch_list_file, picture))]
    _check_places(files, picture)
    known = [read(file) for file in former or ()]
    sizes = {"spanSize": span_size, "minLayerSize": min_layer_size}
    settings = Settings.parse({**settings_of({name: seen_from_anywhere(image)}, container.given()), **sizes})
    wanted = Wanted(settings.images[name], profile_named(profile), settings.platform, timeout)
    done = record(name, settings, wanted, say, known)
    write(files[0], done.model_dump_json(indent=1) + "\n")
    if prefetch_list_file is not None:
        write(prefetch_list_file, prefetch_list(done))
        if lost := unfindable(done):
            say(f"soci will not find {lost} of the listed files: it compares with the tar's names, which begin with ./")
    if picture is not None:
        from experiments.report.plots.trace import draw

        draw(done, picture)
    if as_json:
        sys.stdout.write(done.model_dump_json(indent=1) + "\n")
    else:
        trace_table.show(done)
    for file in files:
        say(f"wrote {file}")


def _check_places(files: list[Path], picture: Path | None) -> None:
    """Before anything is booted: whether the results can be written."""
    if picture is not None and picture.suffix not in PICTURES:
        raise SettingsError(f"--picture {picture}: its name must end with {', '.join(PICTURES)}.")
    if len({file.resolve() for file in files}) < len(files):
        raise SettingsError(f"Two results would go into one file: {', '.join(map(str, files))}. Name another.")
    for file in files:
        if file.is_dir() or not file.resolve().parent.is_dir():
            raise SettingsError(f"{file} cannot be written: name a file in a folder that exists.")
