"""The table of the built-in variants agrees with the images that are built from it."""

from __future__ import annotations

import fnmatch
import re

import pytest

from infra.settings.model import Settings
from infra.sources.images import recipe
from infra.variants import BASE_IMAGE_BYTES, VARIANTS, PayloadSizes, boot_bytes, image_bytes
from kit.paths import asset

SIZES = PayloadSizes(movie_megabytes=9, parquet_test_megabytes=1, parquet_train_megabytes=2)
PAYLOADS = {
    "movie": '{"kind":"synthetic","seed":1,"movie_megabytes":9,"parquet_test_megabytes":100,'
    '"parquet_train_megabytes":200,"movie_url":',
    "parquet": '{"kind":"synthetic","seed":1,"movie_megabytes":725,"parquet_test_megabytes":1,'
    '"parquet_train_megabytes":2,"movie_url":',
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_dockerfile_copies_the_files_of_the_table_and_its_boot_reads_those_marked(variant: str) -> None:
    dockerfile = (asset("images") / variant / "Dockerfile").read_text()
    copied = re.findall(r"^COPY --from=payload \S+ (\S+) ", dockerfile, re.MULTILINE)
    files = VARIANTS[variant]
    assert [name for name in copied if not name.endswith(".stat")] == [file.name for file in files]
    pattern = re.findall(r'WORKLOAD_FILES="/srv/www/payload/(.*)"', dockerfile)[0]
    assert all(fnmatch.fnmatch(file.name, pattern) == file.read_by_boot for file in files)


@pytest.mark.parametrize(("variant", "whole", "read"), [("movie", 9, 9), ("parquet", 7, 1)])
def test_sizes_are_summed_from_the_table(variant: str, whole: int, read: int) -> None:
    assert image_bytes(variant, SIZES) == BASE_IMAGE_BYTES + whole * 10**6
    assert boot_bytes(variant, SIZES) == read * 10**6


def test_what_is_known_of_an_image_counts_and_an_own_one_may_be_read_whole() -> None:
    known = {"own": 12, "movie": 7}
    assert (image_bytes("own", SIZES, known), boot_bytes("own", SIZES, known)) == (12, 12)
    assert (image_bytes("movie", SIZES, known), boot_bytes("movie", SIZES, known)) == (7, 9 * 10**6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_recipe_in_the_state_keeps_its_text(variant: str) -> None:
    settings = Settings.parse({"movieMegabytes": 9, "parquetTestMegabytes": 1, "parquetTrainMegabytes": 2})
    assert recipe(variant, settings, {})["payload"].startswith(PAYLOADS[variant])
