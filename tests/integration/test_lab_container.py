"""`sociometer lab-shell` with a real Docker: the image is built, measures one of the daemon, and leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.records.model import Outcome
from experiments.store.store import Store
from infra.lab_container import context
from infra.lab_container.session import VOLUME
from kit.machine import mountinfo
from tests.contracts.container_engine import EngineContract, Facts
from tests.support import lab_image
from tests.support.docker import Docker
from tests.support.programs import SOCIOMETER
from tests.support.traced import busybox

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
NOBODY = 65534
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),  # this project may lie in root's home
)
APP = (
    *("FROM scratch", "COPY busybox /bin/busybox", "COPY index.html /", "EXPOSE 8080"),
    'CMD ["/bin/busybox", "httpd", "-f", "-p", "8080"]',
)
RUN = ("run", "--image", "app=docker-daemon:my/app:1", "--ready", "http:8080/", "--counts", "1")


@dataclass(frozen=True)
class Shell:
    """`lab-shell` of a checkout, for a user who is not root, in a folder of theirs."""

    engine: Docker
    programs: Path
    checkout: Path
    mirror: str
    folder: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "DOCKER_HOST": self.engine.host,
            "PYTHONPATH": str(self.checkout),
            "SOCIOMETER_MIRROR": self.mirror,
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
        }
        return subprocess.Popen(
            [*AS_NOBODY, *SOCIOMETER, "lab-shell", "--network", "host", *words],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        with self.start(*words) as process:
            stdout, stderr = process.communicate()
        return process.returncode, stdout, stderr


@pytest.fixture(scope="module")
def engine() -> Iterator[Docker]:
    with lab_image.kept_docker() as running:
        running.socket.parent.chmod(0o755)
        running.socket.chmod(0o666)
        yield running
        assert running("ps", "--all", "--quiet") == ""
        running("volume", "rm", VOLUME)
        for name in running("images", "--format", "{{.Repository}}:{{.Tag}}", context.REPOSITORY).splitlines():
            running("rmi", name)
        running("image", "prune", "--force")


@pytest.fixture(scope="module")
def shell(engine: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    room = tmp_path_factory.mktemp("lab-container")
    for folder in (room, *room.parents[:2]):
        folder.chmod(0o755)
    folder = room / "theirs"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    with lab_image.published(room / "checkout") as (checkout, mirror):
        lab_image.prepare(engine, checkout, room)
        engine.build("my/app:1", APP, {"busybox": busybox(), "index.html": b"here"})
        (room / "bin").mkdir()
        shutil.copy(engine.programs / "docker", room / "bin")  # the cache may lie where nobody looks for programs
        yield Shell(engine, room / "bin", checkout, mirror, folder)


@pytest.fixture(autouse=True)
def nothing_is_left(engine: Docker) -> Iterator[None]:
    """No container, cgroup or mount of one."""
    yield
    assert engine("ps", "--all", "--quiet") == ""
    assert [path for group in engine.cgroups() for path in group.iterdir() if path.is_dir()] == []
    root = engine.socket.parent
    assert [each for each in mountinfo.of() if each.point.is_relative_to(root) and each.point.name != "default"] == []


def test_it_measures_an_image_of_the_daemon_and_brings_records_and_report_out_to_their_user(shell: Shell) -> None:
    words = (*RUN, "--forms", "plain,soci-v2(min-layer=0)", "--blocks", "1")
    code, told, progress = shell.run("--base", lab_image.BASE, *words)
    assert code == 0, progress
    assert "target lab, 2 of 2 rounds complete" in told
    assert "sending my/app:1 to the lab" in progress
    results = shell.folder / "results"
    assert [path.name for path in results.glob("*/report.html")] == ["report.html"]
    with Store(results / "store.sqlite") as store:
        tasks = [task for record in store.rounds(store.sweep().id) for task in record.observation.tasks]
    assert [(task.outcome, task.reason) for task in tasks] == [(Outcome.BOOTED, None)] * 2
    assert {task.snapshotter for task in tasks} == {"overlayfs", "soci"}
    made = [path for path in shell.folder.rglob("*") if not path.name.startswith("store.sqlite-")]
    assert len(made) > 5
    assert {path.stat().st_uid for path in made} == {NOBODY}


def test_a_signal_ends_the_sweep_inside_and_what_was_measured_comes_out(shell: Shell) -> None:
    with shell.start(*RUN, "--forms", "plain", "--blocks", "20") as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("[2/20]"):
                break
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        lines += process.communicate()[1].splitlines(keepends=True)
    assert process.returncode == 128 + signal.SIGINT, "".join(lines)
    assert time.monotonic() - began < 60
    assert any("of 20 rounds are kept" in line for line in lines), "".join(lines)
    with Store(shell.folder / "results" / "store.sqlite") as store:
        assert len(store.rounds(store.sweep().id)) >= 1


def test_an_image_that_the_daemon_does_not_have_is_named_in_one_line(shell: Shell) -> None:
    code, told, progress = shell.run("trace", "docker-daemon:my/other")
    assert (code, told) == (1, "")
    [line] = progress.splitlines()
    assert line == ("error: The local daemon has no image my/other:latest. `docker images` lists those that it has.")


def test_the_exit_code_is_that_of_the_command_inside(shell: Shell) -> None:
    code, told, progress = shell.run("outputs", "--stack", "none")
    assert (code, told) == (1, "")
    assert progress.startswith("error: ")


class TestDocker(EngineContract):
    """What the tests' stand-in does as well."""

    @pytest.fixture
    def facts(self, shell: Shell) -> Facts:
        return Facts(shell.programs, shell.engine.host, "my/app:1")
