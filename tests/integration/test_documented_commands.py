"""What the docs tell people to type, run as the user whom they tell to: root, or the user of a CI job."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from kit.paths import asset
from tests.support.programs import script
from tests.support.registry import free_port
from tests.support.workflow import steps, variables

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
USER = "nobody"
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


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment of the job in docs/ci.md, whose folders lie where the test has room."""
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    (tmp_path / "var" / "cache").mkdir(parents=True)
    (tmp_path / "var" / "lib").mkdir()
    script(tmp_path / "bin" / "sudo", 'test "$1" != --preserve-env || shift; exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    ours = {name: str(tmp_path) + value for name, value in variables().items() if value.startswith("/var/")}
    return {**os.environ, **ours, "USER": USER, "WORKSPACE": str(tmp_path)}


def run(step: str, job: Mapping[str, str]) -> None:
    """A step that changes to root for all that it does; this test is root."""
    subprocess.run(["bash", "-e", "-c", "\n".join(lines(step))], env=job, cwd=Path(job["WORKSPACE"]), check=True)


def lines(step: str) -> list[str]:
    return str(steps()[step]["run"]).splitlines()


def as_the_jobs_user(*words: str) -> int:
    user = pwd.getpwnam(USER)
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return subprocess.run([*become, *words], capture_output=True, check=False).returncode


def test_the_jobs_user_may_unpack_the_cache_and_pack_it_again(job: Mapping[str, str], tmp_path: Path) -> None:
    order = list(steps())
    cached = Path(str(tmp_path) + steps()["Keep the built tools between runs"]["with"]["path"])
    assert cached == Path(job["SOCIOMETER_CACHE"]) / "tools"
    assert order.index("Make folders that the job's user may write") < order.index("Keep the built tools between runs")
    run("Make folders that the job's user may write", job)
    assert as_the_jobs_user("mkdir", str(cached)) == 0
    (cached / "answers.json").touch(0o600)  # by root, as the lab's tools are
    (Path(job["SOCIOMETER_DATA"]) / "store.sqlite").touch(0o600)
    assert as_the_jobs_user("cat", str(cached / "answers.json")) != 0
    (results := tmp_path / "start-time" / "sweep").mkdir(0o700)  # by root, as `sociometer run` makes it
    assert as_the_jobs_user("ls", str(results)) != 0
    [give_back] = [line for line in lines("Show the report, and keep the records") if line.startswith("sudo chown")]
    subprocess.run(["bash", "-e", "-c", give_back], env=job, cwd=tmp_path, check=True)
    assert as_the_jobs_user("ls", str(results)) == 0
    assert as_the_jobs_user("tar", "--create", "--file=/dev/null", str(cached)) == 0
    assert as_the_jobs_user("cat", str(Path(job["SOCIOMETER_DATA"]) / "store.sqlite")) == 0
