"""One container of the lab: its name, its volume and folders, and the commands that start and end it."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from infra.lab_container import inside
from infra.lab_container.engine import Engine
from kit.errors import CommandTimeout

VOLUME = "sociometer-lab"
"""What is kept between commands: records, registries, payloads and base images. Not on overlayfs, which cannot carry
the lab's own."""
MOUNTED = "/var/lib/sociometer"
SENT = f"{MOUNTED}/sent"
"""Where images of the local daemon lie for a command, each in a folder named after its content."""
WORK = "/work"
DESKTOP = "Docker Desktop"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
HANDED_DOWN = ("SOCIOMETER_DEBUG", "NO_COLOR", *PROXIES)
"""Variables of the caller that the command in the container gets, too."""


@dataclass(frozen=True)
class Session:
    """A container that is to run one command in the folder ``work`` of this machine.

    ``network`` is as ``docker run --network`` takes it; None leaves it to the engine. ``owner`` is to whom new files in
    that folder are given, ``UID:GID``; None where they need not be.
    """

    engine: Engine
    image: str
    work: Path
    network: str | None = None
    owner: str | None = None
    volume: str = VOLUME
    name: str = field(default_factory=lambda: f"sociometer-lab-{secrets.token_hex(4)}")

    def running(
        self, command: Sequence[str], *, terminal: bool, environment: Mapping[str, str] = os.environ
    ) -> list[str]:
        """The words that run a command in the container; ``terminal`` gives it this one."""
        return [
            *(self.engine.program, "run", "--rm", "--name", self.name, "--privileged"),
            *(("--interactive", "--tty") if terminal else ("--interactive",)),
            *(word for name in HANDED_DOWN if name in environment for word in ("--env", name)),
            *(("--env", f"{inside.OWNER}={self.owner}") if self.owner else ()),
            *("--volume", f"{self.volume}:{MOUNTED}", "--volume", f"{self.work}:{WORK}"),
            *self.network_words,
            *(self.image, *command),
        ]

    def receiving(self, file: str) -> list[str]:
        """The words that keep standard input as a file on the volume."""
        words = ("run", "--rm", "--interactive", "--network", "none", "--volume", f"{self.volume}:{MOUNTED}")
        return [self.engine.program, *words, self.image, inside.RECEIVE, file]

    @property
    def network_words(self) -> tuple[str, ...]:
        """Also those of a build."""
        return () if self.network is None else ("--network", self.network)

    def signal(self, number: int) -> bool:
        """Send a signal to the command; whether the container runs yet."""
        return self.engine.ask("kill", "--signal", str(number), self.name).exit_code == 0

    def end(self, *, at_once: bool = False) -> None:
        """Wait for the command's end, unless that is to be at once, and remove the container if it is still there."""
        if not at_once:
            with suppress(CommandTimeout):
                self.engine.ask("wait", self.name)
        self.engine.ask("rm", "--force", self.name)


def owner_of_new_files(system: str) -> str | None:
    """To whom new files in the caller's folder are to be given, by what the engine runs on.

    Nobody, where root inside is the caller: on a Mac, whose folders are shared with a machine that writes to them as
    the caller, and in Docker Desktop for Linux, which maps them so.
    """
    if platform.system() != "Linux" or system == DESKTOP or os.getuid() == 0:
        return None
    return f"{os.getuid()}:{os.getgid()}"
