"""What the command of Docker does, as `infra.lab_container.engine` counts on it: for the real one and the fake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.lab_container.engine import Engine
from kit.errors import MachineError


@dataclass(frozen=True)
class Facts:
    """The folder of the command, its daemon's address, and an image that the daemon has."""

    programs: Path
    host: str
    image: str


class EngineContract:
    """Subclasses have a fixture ``facts``."""

    @pytest.fixture
    def command(self, facts: Facts, monkeypatch: pytest.MonkeyPatch) -> Engine:
        monkeypatch.setenv("PATH", f"{facts.programs}:/usr/bin:/bin")
        monkeypatch.setenv("DOCKER_HOST", facts.host)
        return Engine.found("docker")

    def test_a_daemon_that_runs_as_root_is_able(self, command: Engine) -> None:
        command.require_able()

    def test_a_daemon_that_is_not_there_is_named_in_one_line(
        self, command: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        with pytest.raises(MachineError, match=r"^Docker does not answer: .*/nowhere/docker\.sock") as refused:
            command.require_able()
        assert "\n" not in str(refused.value)

    def test_an_image_has_an_id_of_64_digits_and_a_size(self, command: Engine, facts: Facts) -> None:
        found = command.image(facts.image)
        assert found is not None
        assert (len(found.id), int(found.id, 16) > 0, found.size_bytes > 0) == (64, True, True)

    def test_an_image_that_is_not_there_is_none(self, command: Engine) -> None:
        assert command.image("my/other:1") is None

    def test_a_signal_to_a_container_that_is_not_there_says_so(self, command: Engine) -> None:
        assert command.ask("kill", "--signal", "15", "no-such-container").exit_code != 0
