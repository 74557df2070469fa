"""`sociometer lab-shell` with a stand-in for Docker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.lab_container import context
from tests.support.environments import ROOT
from tests.support.fake_docker import FakeDocker, on_path
from tests.unit.cli.conftest import Sociometer


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return on_path(tmp_path / "bin", monkeypatch)


@pytest.mark.slow
def test_a_command_and_all_its_options_go_to_the_container_and_its_exit_code_comes_back(
    sociometer: Sociometer, docker: FakeDocker, tmp_path: Path
) -> None:
    docker.will(run="echo measured; exit 4")
    done = sociometer("lab-shell", "run", "--image", "a=docker-daemon:web:dev", "--network", "of-the-command")
    assert (done.exit_code, done.stdout) == (4, "measured\n")
    running = docker.calls("run")[-1]
    archive = f"a=docker-archive:/var/lib/sociometer/sent/{'b' * 12}/web.tar"
    words = ["sociometer", "run", "--image", archive, "--network", "of-the-command"]
    assert running[running.index(context.image_name()) + 1 :] == words
    assert f"{tmp_path}:/work" in running
    assert docker.calls("build") == []
    assert "sending web:dev to the lab" in done.stderr


def test_without_a_command_it_is_a_shell(sociometer: Sociometer, docker: FakeDocker) -> None:
    assert sociometer("lab-shell").exit_code == 0
    assert docker.calls("run")[-1][-1] == "bash"


@pytest.mark.slow
def test_an_image_that_is_missing_is_built_first(
    sociometer: Sociometer, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCIOMETER_MIRROR", "https://me:secret@mirror.example")
    docker.will(images={})
    done = sociometer("lab-shell", "--base", "ours:12", "--build-tools", "--network", "host", "doctor")
    assert done.exit_code == 0
    [building] = docker.calls("build")
    given = [building[place + 1] for place, word in enumerate(building) if word == "--build-arg"]
    assert [word for word in given if "PROXY" not in word.upper()] == [
        "BASE=ours:12",
        "TOOLS=--build",
        "SOCIOMETER_MIRROR",
    ]
    assert building[building.index("--network") + 1] == "host"
    assert "secret" not in str(docker.told) + done.stderr
    assert "pyproject.toml" in (docker.folder / "context").read_text().splitlines()


@pytest.mark.slow
def test_a_build_that_fails_is_an_error_and_nothing_runs(sociometer: Sociometer, docker: FakeDocker) -> None:
    docker.will(images={}, build=1)
    done = sociometer("lab-shell", "doctor")
    assert done.exit_code == 1
    assert "error: The lab's image could not be built: docker build failed with exit code 1." in done.stderr
    assert docker.calls("run") == []


def test_an_unknown_image_is_named_before_anything_is_built(sociometer: Sociometer, docker: FakeDocker) -> None:
    docker.will(images={})
    done = sociometer("lab-shell", "trace", "docker-daemon:web:1")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == ("error: The local daemon has no image web:1. `docker images` lists those that it has.\n")
    assert docker.calls("build") == []


def test_a_container_that_does_not_start_is_this_machines_fault(sociometer: Sociometer, docker: FakeDocker) -> None:
    docker.will(run="echo 'docker: Error response from daemon: no privileges.' >&2; exit 125")
    done = sociometer("lab-shell", "doctor")
    assert done.exit_code == 3
    assert done.stderr.splitlines()[-1] == "error: docker could not start the lab's container. It says why above."


def test_without_docker_it_is_one_line(sociometer: Sociometer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = sociometer("lab-shell", "doctor")
    assert (done.exit_code, done.stderr) == (
        3,
        "error: There is no Docker or Podman on PATH. `sociometer help macos` says what to install.\n",
    )


@pytest.mark.slow
def test_it_imports_nothing_that_only_linux_has() -> None:
    """The lab itself: namespaces, mounts, sockets that listen on links."""
    script = "import sys; import sociometer.cli.main; print(*(n for n in sys.modules if n.startswith('infra.lab.')))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
