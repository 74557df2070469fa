"""The built-in variants: which files each image holds, how large they are, and which of them its boot reads.

This is the one table of it; settings, sources, plans, forecasts and the simulation read it here. The Dockerfiles in
`images/` copy the same files and name those that the boot reads. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from infra.compression import SIZE_SHARES
from infra.forms import FormSpec
from kit.values import Frozen

MEGABYTE = 10**6
Megabytes = Annotated[int, Field(ge=1, le=100_000)]
SizeSetting = Literal["movie_megabytes", "parquet_test_megabytes", "parquet_train_megabytes"]


class PayloadSizes(Frozen):
    """The size of each kind of payload file, in 10⁶ bytes. The defaults are those of the published experiment."""

    movie_megabytes: Megabytes = 725
    parquet_test_megabytes: Megabytes = 100
    parquet_train_megabytes: Megabytes = 200


class PayloadFile(NamedTuple):
    """A file in an image: its name, the setting that holds its size, and whether the boot reads it."""

    name: str
    size_setting: SizeSetting
    read_by_boot: bool

    def size_bytes(self, sizes: PayloadSizes) -> int:
        """Its size; a synthetic file's to the byte or within 2 %, a downloaded one's roughly."""
        megabytes: int = getattr(sizes, self.size_setting)
        return megabytes * MEGABYTE


VARIANTS: Mapping[str, tuple[PayloadFile, ...]] = {
    "movie": (PayloadFile("movie.mov", "movie_megabytes", read_by_boot=True),),
    "parquet": (
        PayloadFile("test.parquet", "parquet_test_megabytes", read_by_boot=True),
        *(PayloadFile(f"train-{n}.parquet", "parquet_train_megabytes", read_by_boot=False) for n in range(3)),
    ),
}

BASE_IMAGE_BYTES = 40_000_000
"""About what the base image and the hasher add to the compressed layers."""


LayerBytes = Mapping[str, int]
"""Bytes of the compressed layers, by variant, where they are known: those of a user's own images must be."""
NONE_KNOWN: LayerBytes = MappingProxyType({})


def image_bytes(variant: str, sizes: PayloadSizes, known: LayerBytes = NONE_KNOWN) -> int:
    """The size of a variant's compressed layers: what is ``known``, else roughly that of the built-in variant."""
    if variant in known:
        return known[variant]
    return BASE_IMAGE_BYTES + sum(file.size_bytes(sizes) for file in VARIANTS[variant])


def delivered_bytes(variant: str, form: str, sizes: PayloadSizes, known: LayerBytes = NONE_KNOWN) -> int:
    """About what a variant's layers weigh in a form. The payload of the built-in variants cannot be compressed."""
    size = image_bytes(variant, sizes, known)
    compression = FormSpec.parse(form).compression
    if compression is None or variant in VARIANTS:
        return size
    return round(size * SIZE_SHARES[compression.kind])


def boot_bytes(variant: str, sizes: PayloadSizes, known: LayerBytes = NONE_KNOWN) -> int:
    """How many bytes a variant's boot reads; of an own image nobody knows before it has run: at most all of it."""
    if variant not in VARIANTS:
        return known[variant]
    return sum(file.size_bytes(sizes) for file in VARIANTS[variant] if file.read_by_boot)
