"""What is computed from the rounds of the benchmarks of forms, and the page that is written of them."""

from __future__ import annotations

import itertools
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from benchmarks import bench_forms, choosing, choosing_plot, choosing_text, grid, points, synthetic, web_images
from benchmarks.points import Facts, Point, Row
from infra.lab.profiles import profile

FORMS = ("plain", "soci-v2", "soci-v2-exact", "soci-v2-layout")
DRIFT = (1.0, 1.3, 0.9, 1.1, 1.2, 0.8)


def point(seconds: dict[str, float], vcpu: str = "", jitter: float = 0.01) -> Point:
    """A point whose forms take so many seconds, times the drift of each block."""
    rows = [
        Row(form, block, 1.0, seconds[form] * drift * (1 + jitter * ((block + place) % 2)), 10.0, 0.1)
        for block, drift in enumerate(DRIFT)
        for place, form in enumerate(seconds)
    ]
    return Point(Facts("python-web", 1000, 300, 40_000, 0.1), grid.BASE_PROFILE + vcpu, "2026-01-02", tuple(rows))


def test_ratios_are_paired_by_block_so_that_drift_does_not_widen_them() -> None:
    ratio = point({"plain": 20, "soci-v2": 10}).ratio("soci-v2", "plain")
    assert ratio is not None
    assert ratio.interval is not None
    assert ratio.ratio == pytest.approx(0.5, rel=0.01)
    assert 0.48 < ratio.interval.low < ratio.interval.high < 0.52
    assert point({"plain": 20, "soci-v2": 10}).ratio("zstd", "plain") is None


@pytest.mark.parametrize(
    ("exact", "layout", "met"),
    [(8.0, 7.0, [True, True, True]), (9.0, 7.0, [False, True, True]), (8.0, 7.5, [True, False, True])],
)
def test_the_bars_at_1_vcpu_are_judged_by_ratio_and_interval(exact: float, layout: float, met: list[bool]) -> None:
    found = point(dict(zip(FORMS, (30.0, 10.0, exact, layout), strict=True)))
    assert [is_met for _, is_met in bench_forms.bars(found)] == met


def test_below_1_vcpu_only_what_is_slower_beyond_its_interval_misses() -> None:
    slow = point(dict(zip(FORMS, (30.0, 10.0, 10.02, 10.5), strict=True)), "(vcpu=0.25)", jitter=0.02)
    assert [met for _, met in bench_forms.bars(slow)] == [True, False]


def test_a_data_file_gives_back_its_points() -> None:
    kept = point(dict(zip(FORMS, (30.25, 10.5, 8.0, 7.0), strict=True)), jitter=0)
    read, machine = points.read(points.written([kept], {"machine.cpu": "one"}))
    assert machine == {"machine.cpu": "one"}
    assert [(row.form, row.block, round(row.ready_seconds, 3)) for row in read[0].rows] == [
        (row.form, row.block, round(row.ready_seconds, 3)) for row in kept.rows
    ]


@pytest.mark.slow
def test_the_committed_page_is_what_the_command_writes_from_the_committed_data() -> None:
    found, machine = points.read(choosing.DATA.read_text())
    assert choosing.TEXT.read_text() == choosing_text.text(found, machine)
    picture = choosing.PICTURE.read_text()
    assert picture.count('aria-roledescription="point"') == len(list(choosing_plot.rows(found)))


def test_every_point_of_the_grid_has_a_profile_that_can_be() -> None:
    keys = [(place.image.name, profile(place.profile).name) for place in grid.PLACES]
    assert len(set(keys)) == len(keys)
    assert [name for _, name in keys] == [place.profile for place in grid.PLACES], "a data file has canonical texts"


@pytest.mark.slow
def test_a_boot_reads_its_share_in_whole_folders() -> None:
    image = synthetic.Synthetic(megabytes=30, files=1200, share=0.1)
    folders = list(synthetic.folders(image))
    sizes = dict(itertools.chain.from_iterable(folders))
    reads = list(synthetic.reads_of(image, folders))
    assert len(sizes) == image.files
    assert sum(sizes.values()) == pytest.approx(image.megabytes * 1e6, rel=0.01)
    assert sum(sizes[path] for path in reads) == pytest.approx(0.1 * image.megabytes * 1e6, rel=0.05)
    assert len({path.rpartition("/")[0] for path in reads}) == pytest.approx(0.1 * synthetic.PACKAGES, abs=1)


def test_an_interpreters_layer_has_what_the_base_has_not_or_otherwise(tmp_path: Path) -> None:
    lower, whole, upper = (tmp_path / name for name in ("lower", "whole", "upper"))
    tar(lower, {"etc/same": b"1", "etc/other": b"2"})
    tar(whole, {"etc/same": b"1", "etc/other": b"3", "bin/new": b"4"})
    web_images.added(lower, whole, upper)
    with tarfile.open(upper) as layer:
        assert layer.getnames() == ["etc/other", "bin/new"]


def tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as made:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, BytesIO(content))
