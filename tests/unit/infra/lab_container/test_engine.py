from __future__ import annotations

from pathlib import Path

import pytest

from infra.lab_container.engine import Engine
from kit.errors import CommandFailed, MachineError, SettingsError
from tests.contracts.container_engine import EngineContract, Facts
from tests.support.fake_docker import HOST, INFO, FakeDocker, fake_docker, image
from tests.support.programs import script


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return fake_docker(tmp_path)


class TestFakeDocker(EngineContract):
    @pytest.fixture
    def facts(self, docker: FakeDocker) -> Facts:
        docker.will(images={"my/app:1": image()})
        return Facts(docker.folder, HOST, "my/app:1")


def podman(folder: Path, info: str) -> Engine:
    return Engine("podman", str(script(folder / "podman", f"echo '{info}'")))


def test_without_docker_and_podman_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="There is no Docker or Podman on PATH"):
        Engine.found()
    with pytest.raises(MachineError, match="There is no Podman on PATH"):
        Engine.found("podman")


def test_podman_is_used_where_there_is_no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    script(tmp_path / "podman", "true")
    assert Engine.found() == Engine("podman", str(tmp_path / "podman"))


def test_another_engine_is_refused(docker: FakeDocker) -> None:
    with pytest.raises(SettingsError, match="--engine 'nerdctl' is not known"):
        Engine.found("nerdctl")


def test_a_docker_without_root_is_refused_with_what_to_do(docker: FakeDocker) -> None:
    docker.will(info={**INFO, "SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]})
    with pytest.raises(MachineError, match=r"Docker runs without root here, .*`docker context use default`"):
        Engine.found().require_able()


def test_a_podman_without_root_is_refused_with_what_to_do(tmp_path: Path) -> None:
    refused = podman(tmp_path, '{"host": {"security": {"rootless": true}, "memTotal": 8000000000}}')
    with pytest.raises(MachineError, match="podman machine set --rootful"):
        refused.require_able()
    podman(tmp_path, '{"host": {"security": {"rootless": false}, "memTotal": 8000000000}}').require_able()


def test_a_machine_with_too_little_memory_is_refused(docker: FakeDocker, tmp_path: Path) -> None:
    docker.will(info={**INFO, "MemTotal": 1_900_000_000})
    with pytest.raises(MachineError, match=r"The machine of Docker has 1\.9 GB of memory, and the lab needs 2 GB"):
        Engine.found().require_able()
    with pytest.raises(MachineError, match=r"The machine of Podman has 1\.0 GB"):
        podman(tmp_path, '{"host": {"memTotal": 1000000000}}').require_able()


def test_a_daemon_that_nobody_may_use_is_told_in_its_own_words(tmp_path: Path) -> None:
    said = "permission denied while trying to connect to the Docker daemon socket"
    refused = Engine("docker", str(script(tmp_path / "docker", f"echo '{said}' >&2; exit 1")))
    with pytest.raises(MachineError, match=f"^Docker does not answer: {said}. Start it"):
        refused.require_able()


def test_a_build_that_fails_is_told_with_its_last_lines_and_each_line_is_noted(
    docker: FakeDocker, tmp_path: Path
) -> None:
    noted: list[str] = []
    Engine.found().build(tmp_path, Path("Dockerfile"), "one:1", ["--build-arg", "BASE=two"], noted.append)
    assert docker.calls("build") == [
        ["build", "--file", f"{tmp_path}/Dockerfile", "--tag", "one:1", "--build-arg", "BASE=two", str(tmp_path)]
    ]
    assert noted == ["Step 1/2 : FROM debian"]
    docker.will(build=3)
    with pytest.raises(CommandFailed, match=r"docker build failed with exit code 3. It said:\n  Step 1/2"):
        Engine.found().build(tmp_path, Path("Dockerfile"), "one:1", [], noted.append)
