"""A state is not written where it would be cut, and a cut one is told with the way back."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from infra.automation import state
from infra.settings.model import NAMESPACE
from kit import full_disk
from kit.errors import MachineError, StackError


class Usage(NamedTuple):
    free: int


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / ".pulumi" / "stacks" / NAMESPACE / "it.json"
    place.parent.mkdir(parents=True)
    place.write_text('{"version": 3')
    return place


def test_a_cut_state_is_told_with_the_command_that_brings_the_last_one_back(tmp_path: Path, file: Path) -> None:
    file.with_name("it.json.bak").write_text('{"version": 3}')
    with pytest.raises(StackError, match="is cut") as refused:
        state.refuse_cut("it", tmp_path.as_uri())
    command = re.search("`(.*)`", str(refused.value))
    assert command is not None
    subprocess.run(shlex.split(command[1]), check=True)
    state.refuse_cut("it", tmp_path.as_uri())


@pytest.mark.parametrize("before", [None, "", "{"])
def test_without_a_whole_one_before_it_that_is_said(tmp_path: Path, file: Path, before: str | None) -> None:
    if before is not None:
        file.with_name("it.json.bak").write_text(before)
    with pytest.raises(StackError, match=r"Without .*it\.json\.bak, .* it cannot be read\."):
        state.refuse_cut("it", tmp_path.as_uri())


@pytest.mark.parametrize("backend", [None, "s3://bucket", "https://api.pulumi.com"])
def test_a_state_that_is_elsewhere_is_left_to_pulumi(backend: str | None) -> None:
    state.refuse_cut("it", backend)
    state.demand_room(backend)


def test_no_change_is_begun_without_room_for_the_state(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(full_disk.RESERVE_BYTES - 1))
    with pytest.raises(MachineError, match=rf"^The disk with {tmp_path} is full: 7 MiB are free, 8 MiB are needed\."):
        state.demand_room(tmp_path.as_uri())
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(full_disk.RESERVE_BYTES))
    state.demand_room(tmp_path.as_uri())
