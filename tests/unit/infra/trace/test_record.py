"""A boot that stands still, looked at: names in the log, pages in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from infra.lab.fuse_log import Access, accesses
from infra.lab.host import Host
from infra.lab.protocol import TaskRun
from infra.trace import record
from infra.trace.contents import LayerFiles
from infra.trace.record import REQUEST_BYTES, observe
from infra.trace.seen import Observation
from kit.errors import LabError
from tests.unit.infra.trace.test_contents import entries

READY = datetime(2026, 11, 26, 19, 0, 10, tzinfo=UTC)
READY_NS = int(READY.timestamp()) * 10**9
LOWER = entries(("a", "reg", 5_000), ("d/one", "reg", 9_000), ("d/hard", "hardlink", 0, "d/one"), ("big", "reg", 10**6))
UPPER = entries(("a", "reg", 3_000), ("new", "reg", 0))


class FakeLayers:
    """Layers that are folders with real files."""

    def __init__(self, folder: Path, log: str) -> None:
        self._folder, self._log = folder, log

    def accesses(self) -> Iterator[Access]:
        return accesses(self._log)

    def whole_bytes(self) -> int:
        return 100

    def folders(self) -> list[Path]:
        return [self._folder / "lower", self._folder / "upper"]


class FakeHost:
    def __init__(self, folder: Path, log: str) -> None:
        self.layers = FakeLayers(folder, log)
        self.short = False

    def received_bytes(self) -> int:
        return 1_000

    def was_short_of_memory(self) -> bool:
        return self.short


def line(operation: str, path: str, second: int) -> str:
    fields = {"msg": "FUSE operation", "operation": operation, "path": path}
    return json.dumps({**fields, "time": f"2026-11-26T19:00:{second:02}.5Z"}, separators=(",", ":")).replace(
        '"msg":"FUSE operation"', '"level":"debug","msg":"FUSE operation"'
    )


def looked_at(folder: Path, *lines: str, layers: list[LayerFiles | None] | None = None) -> Observation:
    for name, tar in (("lower", LOWER), ("upper", UPPER)):
        for entry in tar:
            if entry.kind == "reg":
                (folder / name / entry.name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name / entry.name).write_bytes(b"x" * entry.size)
    host: Any = FakeHost(folder, "\n".join(lines))
    run = TaskRun(created_ns=0, pull_stopped_ns=READY_NS - 9 * 10**9, ready_ns=READY_NS)
    return observe(cast(Host, host), run, layers or [LayerFiles(0, LOWER), LayerFiles(1, UPPER)])


def found(seen: Observation) -> dict[tuple[int, str], list[tuple[int, int]]]:
    return {(content.layer, content.path): list(ranges) for content, ranges in seen.read.items()}


def test_what_is_opened_after_ready_is_not_part_of_the_boot(tmp_path: Path) -> None:
    seen = looked_at(tmp_path, line("node.Open", "d/one", 1), line("node.Open", "big", 10))
    assert found(seen) == {(0, "d/one"): [(0, 9_000)]}
    assert [at - seen.began_ns for at in seen.first_ns.values()] == [500_000_000]


def test_a_hard_link_is_told_by_its_content_once_with_its_first_access(tmp_path: Path) -> None:
    seen = looked_at(tmp_path, line("node.Open", "d/hard", 2), line("node.Open", "d/one", 3))
    assert list(found(seen)) == [(0, "d/one")]
    assert [at - seen.began_ns for at in seen.first_ns.values()] == [1_500_000_000]


def test_a_name_in_two_layers_is_the_one_of_which_something_is_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = record.page_cache.resident
    monkeypatch.setattr(
        record.page_cache, "resident", lambda it: [] if len(real(it)) and real(it)[0][1] == 3_000 else real(it)
    )
    assert list(found(looked_at(tmp_path, line("node.Open", "a", 1)))) == [(0, "a")]


def test_a_name_in_two_layers_without_pages_is_the_uppermost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record.page_cache, "resident", lambda _descriptor: [])
    assert found(looked_at(tmp_path, line("node.Open", "a", 1))) == {(1, "a"): []}


def test_a_file_that_was_read_and_has_no_pages_counts_by_its_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record.page_cache, "resident", lambda _descriptor: [])
    reads = [line("file.Read", "big", 1), line("file.Read", "big", 2), line("file.Read", "d/one", 3)]
    seen = looked_at(tmp_path, *reads, line("node.Open", "new", 4))
    assert found(seen) == {(0, "big"): [(0, 2 * REQUEST_BYTES)], (0, "d/one"): [(0, 9_000)], (1, "new"): []}
    assert seen.gone == ("big", "d/one")


def test_names_that_no_layer_has_are_told(tmp_path: Path) -> None:
    seen = looked_at(tmp_path, line("node.Open", "absent", 1), line("node.Open", "absent", 2))
    assert (seen.strangers, found(seen)) == (("absent",), {})


def test_a_layer_that_is_not_lazy_is_not_looked_at(tmp_path: Path) -> None:
    seen = looked_at(tmp_path, line("node.Open", "a", 1), layers=[LayerFiles(0, LOWER), None])
    assert list(found(seen)) == [(0, "a")]


def test_another_number_of_layers_than_the_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="has 2 layers, its image 1"):
        looked_at(tmp_path, layers=[LayerFiles(0, LOWER)])


def test_a_file_that_the_layer_does_not_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="absent of layer 0 cannot be looked at: No such file"):
        looked_at(tmp_path, line("node.Open", "absent", 1), layers=[LayerFiles(0, entries(("absent", "reg", 5))), None])
