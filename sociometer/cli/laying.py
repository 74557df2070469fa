"""`sociometer relayout`: an image laid out by what its boot reads, as a folder that registries take.

It parses options, calls `infra.relayout`, and prints; the result on standard output, progress on standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from infra.oci.names import ImageName, parse
from infra.settings.values import Size
from kit.errors import SettingsError
from kit.values import first_fault
from sociometer.cli import commands
from sociometer.cli.columns import plain_table, short, size
from sociometer.cli.images import seen_from_anywhere
from sociometer.cli.options import AsJson
from sociometer.cli.progress import say

if TYPE_CHECKING:
    from infra.relayout.report import LayerReport, RelayoutReport

PANEL = "Images"
WHAT_THE_DIGEST_MEANS = (
    "It is another image for every tool that goes by digests: signatures (cosign, Notation) and attestations (SBOM, "
    "provenance) of the former digest do not hold for it. Sign it anew, and build it into the pipeline behind the "
    "build: its labels, history, entry point and files are the same."
)
WHAT_THE_LIST_MEANS = (
    "What is listed to be fetched first counts where the soci-snapshotter has [prefetch] enable = true; whether "
    "Fargate does is not documented. Elsewhere the list costs nothing."
)
WHAT_THE_INDEX_MEANS = (
    "No layer has changed, and the configuration is the same; the image's manifest has one annotation more, the index, "
    "and so another digest. Sign that one; attestations of the layers' contents still hold."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    commands.add(app, relayout, PANEL)


def relayout(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="host/repo:tag, docker-daemon:web:dev, docker-archive:FILE, oci:DIR.")
    ],
    trace: Annotated[
        list[Path],
        typer.Option("--trace", help="What its boot reads, from `sociometer trace`. Repeat to unite several boots."),
    ],
    output: Annotated[str, typer.Option("--output", metavar="oci:DIR[:TAG]", help="A new folder for the result.")],
    keep_layers: Annotated[
        bool, typer.Option("--keep-layers", help="Leave the layers as they are; only the index knows what boot reads.")
    ] = False,
    own_layer: Annotated[
        bool, typer.Option("--own-layer", help="Move what boot reads into a layer of its own, on top of the others.")
    ] = False,
    prefetch: Annotated[
        bool,
        typer.Option("--prefetch/--no-prefetch", help="Whether the index lists what is fetched before the start."),
    ] = True,
    span_size: Annotated[
        str, typer.Option("--span-size", metavar="SIZE", help="Size of a span: what is fetched at once.")
    ] = "4MiB",
    min_layer_size: Annotated[
        str, typer.Option("--min-layer-size", metavar="SIZE", help="Smaller layers are loaded whole.")
    ] = "10MiB",
    as_json: AsJson = False,
) -> None:
    """Reorder an image by what its boot reads, so that lazy loading fetches less; the file system stays the same.

    In each layer, the files that the boot reads come first, in order of first access, or with --own-layer they are
    moved into one more on top; the index lists exactly the spans that hold them, which are fetched while the image is
    mounted. Both file systems are compared before anything is written: content, mode, owner, times, extended
    attributes, links.

    The result is an ordinary OCI image with its SOCI v2 index, in one folder of OCI layout. Its digest is another.
    """
    from infra.oci.soci import IndexOptions
    from infra.relayout.make import Request
    from infra.relayout.make import relayout as make
    from infra.sources import own
    from infra.trace import model
    from infra.trace.unite import unite

    if keep_layers and (own_layer or not prefetch):
        other = "--own-layer" if own_layer else "--no-prefetch"
        raise SettingsError(f"--keep-layers and {other} exclude each other: leave out one of them.")
    target = _target(output)
    traced = unite([model.read(file) for file in trace])
    sizes = (_size("--span-size", span_size, least=1), _size("--min-layer-size", min_layer_size, least=0))
    options = IndexOptions(*sizes, traced.platform)
    found = own.resolve(parse(seen_from_anywhere(image)), traced.platform)
    report = make(
        Request(found, traced, options, Path(target.place), target.tag, keep_layers, own_layer, prefetch), say
    )
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        _show(report)


def _target(text: str) -> ImageName:
    name = parse(text)
    if name.transport != "oci":
        raise SettingsError(f"--output {text!r} cannot be written to. Allowed: oci:DIR, oci:DIR:TAG.")
    return name


def _size(option: str, text: str, *, least: int) -> int:
    try:
        found = TypeAdapter(Size).validate_python(text)
    except ValidationError as error:
        raise SettingsError(f"{option} {text!r} cannot be used: {first_fault(error).partition(': ')[2]}.") from error
    if found < least:
        raise SettingsError(f"{option} {text!r} cannot be used. Allowed: at least {least} bytes.")
    return int(found)


def _show(report: RelayoutReport) -> None:
    shown = plain_table("Layer", "Digest", ">Size", ">New size", ">First", ">Size", ">Spans", ">Fetched")
    for place, layer in enumerate(report.layers):
        shown.add_row(str(place), *_row(layer))
    Console().print(shown)
    sys.stdout.write("".join(f"{line}\n" for line in _said(report)))


def _said(report: RelayoutReport) -> Iterator[str]:
    """What the table does not say, line by line."""
    from infra.relayout.report import AS_ASKED

    yield (
        "\nFirst: files that came to the front, and their size; spans: how many hold what the boot reads, before → "
        "after, of all; fetched: what those weigh."
    )
    for place, layer in enumerate(report.layers):
        if layer.kept_because is not None and layer.kept_because != AS_ASKED:
            yield f"Layer {place} stays as it is: {layer.kept_because}."
        if layer.is_own and layer.new_span_count is None:
            yield f"Layer {place} is the new one; it is too small for the index (--min-layer-size) and loaded whole."
        elif layer.is_own:
            yield f"Layer {place} is the new one, of what the boot reads."
        for text in layer.stay:
            yield f"Of layer {place}, {text}."
        if layer.not_found:
            yield f"Layer {place} does not have {layer.not_found} of the traced files: they were left out."
    if report.changed:
        yield f"{report.paths} paths are equal in content, mode, owner, times, attributes and links: {report.proof}."
        yield f"The image {report.digest} became {report.new_digest}. {WHAT_THE_DIGEST_MEANS}"
    else:
        yield WHAT_THE_INDEX_MEANS
    if report.prefetch:
        yield WHAT_THE_LIST_MEANS
    else:
        yield "The index lists nothing that is to be fetched first, as asked."
    yield f"{report.output} holds {report.output_digest}. Into a registry:"
    yield f"  regctl image copy ocidir://{report.output}@{report.output_digest} HOST/REPO:TAG"


def _row(layer: LayerReport) -> tuple[str, ...]:
    is_new = layer.kept_because is None
    return (
        *(short(layer.digest), "" if layer.is_own else size(layer.size_bytes)),
        *((size(layer.new_size_bytes), str(layer.files_first), size(layer.bytes_first)) if is_new else ("", "", "")),
        _change(layer),
        size(layer.new_touched_bytes),
    )


def _change(layer: LayerReport) -> str:
    before, after = layer.spans_touched, layer.new_spans_touched
    if after is None or (before is None and not layer.is_own):
        return ""
    if before is None:
        return f"{after} of {layer.new_span_count}"
    changed = f"{before} → {after}" if layer.kept_because is None else str(before)
    return f"{changed} of {layer.new_span_count}"
