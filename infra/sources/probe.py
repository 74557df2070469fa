"""The image of the probe, which stands beside an unchanged image in its task: one static program and nothing else."""

from __future__ import annotations

import tarfile
from functools import partial
from pathlib import Path

from infra.oci.buildkit import ImageInLayout
from infra.oci.layout import only_digest
from infra.sources import base, programs
from kit.files import made_once
from kit.scratch import scratch

NAME = "probe"
IMAGE_VERSION = 1
"""Counts up when the making of the image changes, so that an older one in the cache is not used."""


def image_key(platform: str) -> str:
    """What decides the image's content."""
    return f"{platform.partition('/')[2]}-{programs.source_key(NAME)[:32]}-{IMAGE_VERSION}"


def prepare(platform: str, cache: Path) -> ImageInLayout:
    """The probe's image as an OCI layout in ``cache``, made if it is not there yet; errors as `programs.build`."""
    architecture = platform.partition("/")[2]
    program = programs.build(NAME, architecture, cache) / NAME
    place = made_once(cache / "probe-images" / image_key(platform), partial(_make, program, architecture))
    return ImageInLayout(place, only_digest(place))


def _make(program: Path, architecture: str, layout: Path) -> None:
    with scratch("probe") as room:
        layer = room / "layer.tar"
        with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as tar, program.open("rb") as content:
            entry = tarfile.TarInfo(NAME)
            entry.size, entry.mode, entry.mtime = program.stat().st_size, 0o755, base.EPOCH
            tar.addfile(entry, content)
        base.write_single_layer(layout, layer, architecture, {"Entrypoint": [f"/{NAME}"], "User": "65534:65534"})
