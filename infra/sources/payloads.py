"""The payload files of the workload images: downloaded, or synthetic of the same shape. Made once, in a cache.

Next to each file is `<file>.stat`, with what `stat` prints for it in the image.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from infra.variants import MEGABYTE, VARIANTS, PayloadFile, PayloadSizes
from kit.errors import MachineError, SettingsError
from kit.files import made_once
from kit.values import Frozen, Notify

FORMAT = 1
"""Counts up when the same spec gives other bytes, so that files in a cache are made anew."""

FOLDER_IN_IMAGE = "/srv/www/payload"
SPARE = 1.03
"""A Parquet file may be 2 % larger than asked for."""

BIG_BUCK_BUNNY = "https://download.blender.org/peach/bigbuckbunny_movies/big_buck_bunny_1080p_h264.mov"
SMOLTALK = "https://huggingface.co/datasets/HuggingFaceTB/smoltalk/resolve/main/data/all"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Origin(Frozen):
    """Where the files come from. A class of its own, so that the JSON in the stacks' state keeps its order."""

    kind: Literal["synthetic", "download"] = "synthetic"
    seed: int = Field(default=1, ge=0, lt=2**63)


class PayloadSpec(PayloadSizes, _Origin):
    """What to put into the images. Seed and sizes count for synthetic files only, addresses for downloads only.

    ``parquet_urls`` are the test file and the three train files, ``parquet_sha256`` their checksums, if known.
    """

    movie_url: str = BIG_BUCK_BUNNY
    movie_sha256: Sha256 | None = None
    parquet_urls: tuple[str, str, str, str] = (
        f"{SMOLTALK}/test-00000-of-00001.parquet",
        f"{SMOLTALK}/train-00000-of-00009.parquet",
        f"{SMOLTALK}/train-00001-of-00009.parquet",
        f"{SMOLTALK}/train-00002-of-00009.parquet",
    )
    parquet_sha256: tuple[Sha256 | None, Sha256 | None, Sha256 | None, Sha256 | None] = (None, None, None, None)

    def key(self, variant: str) -> str:
        """A digest of everything that decides the content of a variant's files; `SettingsError` if it has none."""
        decisive: dict[str, Any] = {"format": FORMAT, "variant": variant, "kind": self.kind}
        if self.kind == "download":
            decisive["sources"] = self.sources(variant)
        else:
            decisive |= {"seed": self.seed, "sizes": self.sizes_bytes(variant), "writer": _writer_version(variant)}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def sizes_bytes(self, variant: str) -> dict[str, int]:
        """How large each synthetic file of a variant is."""
        return {file.name: file.size_bytes(self) for file in _files(variant)}

    def sources(self, variant: str) -> dict[str, tuple[str, str | None]]:
        """Where each file of a variant is downloaded from, and its SHA-256 if one is given."""
        parquet = zip(self.parquet_urls, self.parquet_sha256, strict=True)
        sources = parquet if variant == "parquet" else [(self.movie_url, self.movie_sha256)]
        return dict(zip((file.name for file in _files(variant)), sources, strict=True))


def prepare(variant: str, spec: PayloadSpec, cache: Path, notify: Notify | None = None) -> Path:
    """A folder in ``cache`` with the variant's files and their `.stat` files; ``notify`` gets the progress.

    Raises `SettingsError` for a variant without payload, `MachineError` when the disk has no room for it, and
    `DownloadError` when a download fails; what was downloaded is kept for the next call.
    """
    place = cache / "payloads" / f"{variant}-{spec.key(variant)[:32]}"
    try:
        return made_once(place, partial(_fill, variant, spec, notify or _silent))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MachineError(f"The disk became full while the payload was made in {cache}.") from error


def _fill(variant: str, spec: PayloadSpec, notify: Notify, folder: Path) -> None:
    if spec.kind == "download":
        _download(spec.sources(variant), folder, notify)
    else:
        _synthesise(spec.sizes_bytes(variant), spec.seed, folder, notify)
    for file in _files(variant):
        _finish(folder / file.name)


def _download(sources: dict[str, tuple[str, str | None]], folder: Path, notify: Notify) -> None:
    from kit.download import download  # with httpx, and most payloads are made here

    for name, (url, sha256) in sources.items():
        notify(f"{name}: {url}")
        download(url, folder / name, sha256, notify)


def _synthesise(sizes_bytes: dict[str, int], seed: int, folder: Path, notify: Notify) -> None:
    from infra.sources.synthetic import write_movie, write_parquet  # NumPy and pyarrow take half a second

    _require_room(folder, sum(sizes_bytes.values()))
    for name, size_bytes in sizes_bytes.items():
        notify(f"{name}: {size_bytes // MEGABYTE} MB, synthetic")
        write = write_parquet if name.endswith(".parquet") else write_movie
        write(folder / name, size_bytes, seed)


def _require_room(folder: Path, size_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < size_bytes * SPARE:
        raise MachineError(
            f"The payload needs {size_bytes / 1e9:.1f} GB in {folder}, which has {free_bytes / 1e9:.1f} GB free. "
            "Free some, set smaller sizes, or move the cache with SOCIOMETER_CACHE."
        )


def _finish(path: Path) -> None:
    """The same mode and time on every machine, so that an image's digest depends on contents alone."""
    stat = path.with_name(f"{path.name}.stat")
    stat.write_text(_stat_text(path.name, path.stat().st_size))
    for file in (path, stat):
        file.chmod(0o644)
        os.utime(file, (0, 0))


def _stat_text(name: str, size_bytes: int) -> str:
    """As GNU stat prints it, without what an image does not carry: device, inode, blocks, access and birth time."""
    return (
        f"  File: {FOLDER_IN_IMAGE}/{name}\n"
        f"  Size: {size_bytes}\tregular file\n"
        "Access: (0644/-rw-r--r--)  Uid: (    0/    root)   Gid: (    0/    root)\n"
        "Modify: 1970-01-01 00:00:00.000000000 +0000\n"
    )


def _files(variant: str) -> tuple[PayloadFile, ...]:
    if variant not in VARIANTS:
        raise SettingsError(f"There is no payload for variant {variant!r}; there is one for {', '.join(VARIANTS)}.")
    return VARIANTS[variant]


def _writer_version(variant: str) -> str | None:
    """Each version of pyarrow may lay out a Parquet file differently."""
    return version("pyarrow") if variant == "parquet" else None


def _silent(_message: str) -> None:
    return
