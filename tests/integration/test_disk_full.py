"""The disk under the registry, or under what images are made in, really runs full while a stack is made: one line says
which place it was, and once there is room the same command goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.automation import stack
from infra.sources import base
from kit.command import run
from kit.errors import MachineError
from kit.scratch import scratch
from kit.toolchain import toolbox
from tests.integration.test_lab import lab_of, round_of, silent
from tests.support.aws.command import sociometer
from tests.support.leftovers import left_on_the_machine
from tests.support.small_disk import enlarge, small_disk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

FORMS = ("plain", "soci-v2")
SMALL = ("--variants", "movie", "--forms", ",".join(FORMS), "--set", "movieMegabytes=48", "--set", "base=debian")


@pytest.fixture
def small_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of 100 MB that has the tools, and nothing else."""
    tools = toolbox.tools_dir()
    with small_disk(tmp_path / "cache", 100) as place:
        (place / "tools").symlink_to(tools)
        monkeypatch.setenv("SOCIOMETER_CACHE", str(place))
        yield place


def test_a_registry_whose_disk_runs_full_is_named_and_up_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test-full-{os.getpid()}"
    with small_disk(tmp_path / "data", 40) as place:
        monkeypatch.setenv("SOCIOMETER_DATA", str(place))
        try:
            done = sociometer("up", "--stack", name, *SMALL, "--yes", exit_code=MachineError.exit_code)
            assert done.stderr.splitlines()[-1] == (
                f"error: The disk with {place} was full. Make room, or move it with SOCIOMETER_DATA, and try again."
            )
            enlarge(place, 1000)
            sociometer("up", "--stack", name, "--yes")
            with lab_of(stack.outputs(name)) as lab:
                for form in FORMS:
                    [task] = lab.run_round(round_of(form, variant="movie"), silent).tasks
                    assert (task.outcome, task.reason) == ("booted", None)
        finally:
            stack.down(name, silent)
        assert left_on_the_machine() == []


def test_a_base_is_not_begun_where_it_has_no_room(small_cache: Path) -> None:
    with pytest.raises(MachineError, match=rf"^{small_cache}/scratch needs 0\.3 GiB .* SOCIOMETER_CACHE\.$"):
        base.prepare(base.resolve("debian", "linux/amd64"))
    assert [path.name for path in small_cache.rglob("*") if path.is_file() and path.name != "in-use"] == []


def test_a_tool_that_fills_the_disk_of_the_cache_is_told_as_a_full_disk(small_cache: Path) -> None:
    said = rf"^The disk with {small_cache} was full\. .* SOCIOMETER_CACHE"
    with pytest.raises(MachineError, match=said), scratch("test") as room:
        run(["dd", "if=/dev/zero", f"of={room / 'file'}", "bs=1M"], timeout_seconds=60)
    assert list((small_cache / "scratch").iterdir()) == [small_cache / "scratch" / "in-use"]
