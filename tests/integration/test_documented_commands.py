"""What the docs tell people to type, run as the user whom they tell to."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kit.paths import asset
from tests.support.registry import free_port

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
START_SECONDS = 300.0
"""The first time, Jupyter is installed."""


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[str]:
    """The documented command, with what a test needs besides; gives its address."""
    [command] = re.findall(r"^    (uv run .*?)(?:  +#|$)", asset("notebooks/README.md").read_text(), re.MULTILINE)
    uv = subprocess.run(["sh", asset("tools/uv.sh")], capture_output=True, text=True, check=True).stdout.strip()
    port, log = free_port(), tmp_path / "log"
    words = [uv, *shlex.split(command)[1:], "--no-browser", f"--port={port}", "--IdentityProvider.token=a-token"]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, cwd=asset("Pulumi.yaml").parent, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}/api/contents/experiment.ipynb?token=a-token"
        assert answers(address, process), log.read_text()
        yield address
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            return httpx.get(address, trust_env=False).is_success
        except httpx.TransportError:
            time.sleep(0.2)
    return False


def test_the_notebook_opens_as_root_by_the_documented_command(notebook: str) -> None:
    assert os.geteuid() == 0  # as after `make lab`
    assert httpx.get(notebook, trust_env=False).json()["name"] == "experiment.ipynb"
