"""Who holds a stack is told before anything of it is touched."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from infra.automation import lock

HERE = socket.gethostname()


def write(folder: Path, pid: int, host: str = HERE) -> str:
    """A lock as Pulumi writes it; gives the backend's URL."""
    place = folder / ".pulumi/locks/organization/sociometer/dev"
    place.mkdir(parents=True)
    known = {"pid": pid, "username": "ann", "hostname": host, "timestamp": "2026-11-27T12:00:00Z"}
    (place / "one.json").write_text(json.dumps(known))
    return folder.as_uri()


def gone() -> int:
    process = subprocess.Popen(["true"])
    process.wait(30)
    return process.pid


def test_a_process_that_runs_is_named_and_waited_for(tmp_path: Path) -> None:
    held = lock.held("dev", write(tmp_path, os.getpid()))
    assert held is not None and not held.is_stale
    assert f"locked by ann@{HERE}, process {os.getpid()}, since 2026-11-27" in held.message("dev")
    assert held.message("dev").endswith("wait for it to end.")


def test_a_lock_of_a_process_that_is_gone_is_stale_and_the_way_out_is_named(tmp_path: Path) -> None:
    held = lock.held("dev", write(tmp_path, gone()))
    assert held is not None and held.is_stale
    assert "pulumi cancel --yes --stack dev" in held.message("dev")


def test_of_another_machine_s_process_nobody_here_knows_whether_it_runs(tmp_path: Path) -> None:
    held = lock.held("dev", write(tmp_path, gone(), host="elsewhere"))
    assert held is not None and not held.is_stale


@pytest.mark.parametrize("text", ["", "{}", "no json"])
def test_a_lock_that_is_just_being_written_is_none(tmp_path: Path, text: str) -> None:
    backend = write(tmp_path, os.getpid())
    next(tmp_path.rglob("one.json")).write_text(text)
    assert lock.held("dev", backend) is None


@pytest.mark.parametrize("backend", [None, "https://api.pulumi.com", "s3://bucket"])
def test_a_backend_that_is_not_a_folder_is_not_looked_at(backend: str | None) -> None:
    assert lock.held("dev", backend) is None
