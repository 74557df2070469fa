"""The disk under what images are made in really has no room, or runs full: one line says which place it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.lab import registry
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


def test_a_registry_s_disk_that_runs_full_under_a_stack_is_told_and_costs_no_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pulumi itself would put a cut state in the place of the whole one."""

    def sociometer(*words: str) -> tuple[int, str]:
        argv = [Path(sys.executable).with_name("sociometer"), *words, "--stack", "full"]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
        return done.returncode, done.stderr.splitlines()[-1]

    up = ["up"]
    for setting in ("movieMegabytes=24", 'variants=["movie"]', 'forms=["plain"]', "base=debian"):
        up += ["--set", setting]
    with small_disk(tmp_path / "data", 32) as place, ExitStack() as at_the_end:
        monkeypatch.setenv("SOCIOMETER_DATA", str(place))
        at_the_end.callback(registry.remove, registry.registry_folder("full"))
        way_out = "Make room, or move it with SOCIOMETER_DATA, and try again."
        assert sociometer(*up) == (3, f"error: The disk with {place} was full. {way_out}")
        state = place / "pulumi" / ".pulumi" / "stacks" / "sociometer" / "full.json"
        assert json.loads(state.read_text())
        with (place / "others").open("wb", buffering=0) as others, pytest.raises(OSError, match="No space left"):
            while True:
                others.write(b"x" * 4096)
        code, said = sociometer("down")
        assert (code, said.startswith(f"error: The disk with {place}/pulumi is full: 0 MiB are free")) == (3, True)
        (place / "others").unlink()
        assert sociometer("down") == (0, "Nothing of stack full is left.")
