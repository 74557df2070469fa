"""The disk under what images are made in really has no room, or runs full: one line says which place it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.automation import stack
from infra.sources import base
from kit.command import run
from kit.errors import MachineError
from kit.scratch import scratch
from kit.toolchain import toolbox
from tests.support.small_disk import small_disk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


@pytest.fixture
def small_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of 100 MB that has the tools, and nothing else."""
    tools = toolbox.tools_dir()
    with small_disk(tmp_path / "cache", 100) as place:
        (place / "tools").symlink_to(tools)
        monkeypatch.setenv("SOCIOMETER_CACHE", str(place))
        yield place


def test_a_base_is_not_begun_where_it_has_no_room(small_cache: Path) -> None:
    with pytest.raises(MachineError, match=rf"^{small_cache}/scratch needs 0\.3 GiB .* SOCIOMETER_CACHE\.$"):
        base.prepare(base.resolve("debian", "linux/amd64"))
    made = small_cache / "bases" / base.resolve("debian", "linux/amd64").key
    assert made.with_name(f"{made.name}.partial").is_dir()
    assert not made.exists()


def test_a_tool_that_fills_the_disk_of_the_cache_is_told_as_a_full_disk(small_cache: Path) -> None:
    said = rf"^The disk with {small_cache} was full\. .* SOCIOMETER_CACHE"
    with pytest.raises(MachineError, match=said), scratch("test") as room:
        run(["dd", "if=/dev/zero", f"of={room / 'file'}", "bs=1M"], timeout_seconds=60)
    assert list((small_cache / "scratch").iterdir()) == [small_cache / "scratch" / "in-use"]


def test_a_stack_whose_registry_s_disk_runs_full_is_told_and_made_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"movieMegabytes": 24, "variants": ["movie"], "forms": ["plain"], "base": "debian"}
    with small_disk(tmp_path / "data", 48) as place:
        monkeypatch.setenv("SOCIOMETER_DATA", str(place))
        try:
            with pytest.raises(MachineError, match=rf"The disk with {place} was full.* SOCIOMETER_DATA"):
                stack.up("full", settings, lambda _line: None)
            run(["mount", "-o", "remount,size=400m", place], timeout_seconds=10)
            outputs = stack.up("full", settings, lambda _line: None)
            assert outputs.variants["movie"].image_bytes > 24_000_000
        finally:
            stack.down("full", lambda _line: None)
