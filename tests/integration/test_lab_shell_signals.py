"""`sociometer lab-shell` in a process of its own, with a stand-in for Docker, met by real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.environments import ROOT
from tests.support.fake_docker import FakeDocker, on_path
from tests.support.programs import SOCIOMETER


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return on_path(tmp_path / "bin", monkeypatch)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_inside_and_the_container_is_removed(
    docker: FakeDocker, tmp_path: Path, number: signal.Signals
) -> None:
    docker.will(run=f"trap 'echo cleared; exit {128 + number}' {int(number)}; touch up; while :; do sleep 0.01; done")
    words = [*SOCIOMETER, "lab-shell", "run"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "up").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        assert process.communicate(timeout=30)[0] == "cleared\n"
    assert process.returncode == 128 + number
    name = docker.calls("run")[-1][docker.calls("run")[-1].index("--name") + 1]
    assert docker.calls("kill") == [["kill", "--signal", str(int(number)), name]]
    assert docker.told[-2:] == [["wait", name], ["rm", "--force", name]]
