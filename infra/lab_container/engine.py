"""Docker or Podman, by their command: what runs on this machine, which images it has, and how one is built.

The command and not its socket, because on a Mac only the command knows where the machine with the daemon is.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any

from kit import child
from kit.command import LAST_LINES, Completed, last_lines, run
from kit.documents import Unreadable, object_of
from kit.errors import CommandFailed, ImageError, MachineError, SettingsError
from kit.machine.resources import GB, MEMORY_BYTES
from kit.values import Notify
from kit.visible import visible

PROGRAMS = {"docker": "Docker", "podman": "Podman"}
ASK_SECONDS = 60.0
"""The daemon's machine may just be waking up."""
_START = {
    "Darwin": "Start it: Docker Desktop, `colima start`, `limactl start`, or `podman machine start`.",
    "Linux": "Start it (`sudo systemctl start docker`), or run this with sudo if you may not use it.",
}
_NO_SUCH_IMAGE = ("no such image", "not known", "no such object")
"""In what Docker and Podman say of a name that they do not know."""


@dataclass(frozen=True)
class LocalImage:
    """An image that the daemon has: the 64 digits of its id, and about how large its archive is."""

    id: str
    size_bytes: int


@dataclass(frozen=True)
class Engine:
    """A command that runs containers: ``docker`` or ``podman``, and its path."""

    name: str
    program: str

    @classmethod
    def found(cls, wanted: str | None = None) -> Engine:
        """The one that is wanted, else the first that is on PATH; raises `MachineError` when there is none."""
        if wanted is not None and wanted not in PROGRAMS:
            raise SettingsError(f"--engine {wanted!r} is not known. Allowed: {', '.join(PROGRAMS)}.")
        for name in PROGRAMS if wanted is None else (wanted,):
            if program := shutil.which(name):
                return cls(name, program)
        looked_for = "Docker or Podman" if wanted is None else PROGRAMS[wanted]
        raise MachineError(f"There is no {looked_for} on PATH. `sociometer help macos` says what to install.")

    def require_able(self) -> str:
        """Raise `MachineError` unless the daemon answers, runs as root, and has enough memory for one task.

        Gives what it says that it runs on, such as ``Docker Desktop``; nothing where it does not say.
        """
        done = self.ask("info", "--format", "{{json .}}")
        try:
            info = object_of(done.stdout.encode())
        except Unreadable:
            info = {}
        refused = info.get("ServerErrors") or []
        if done.exit_code or refused or not info:
            said = refused[0] if refused else (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            start = _START.get(platform.system(), _START["Linux"])
            raise MachineError(f"{PROGRAMS[self.name]} does not answer: {visible(str(said)).rstrip('.')}. {start}")
        if _is_rootless(info):
            raise MachineError(
                f"{PROGRAMS[self.name]} runs without root here, and then a container may not limit a task's CPU and "
                f"memory. {_WITH_ROOT[self.name]}"
            )
        memory = _memory_bytes(info)
        if memory is not None and memory < MEMORY_BYTES[0]:
            raise MachineError(
                f"The machine of {PROGRAMS[self.name]} has {memory / GB:.1f} GB of memory, and the lab needs "
                f"{MEMORY_BYTES[0] / GB:.0f} GB. `sociometer help macos` says how to give it more."
            )
        return str(info.get("OperatingSystem") or "")

    def image(self, reference: str) -> LocalImage | None:
        """What the daemon says of an image; None when it has none of this name. Raises `ImageError`."""
        done = self.ask("image", "inspect", "--format", "{{json .}}", "--", reference)
        if done.exit_code:
            if any(words in done.stderr.lower() for words in _NO_SUCH_IMAGE):
                return None
            raise ImageError(f"{self.name} says nothing of the image {reference}.{last_lines('', done.stderr)}")
        try:
            about = object_of(done.stdout.encode())
            return LocalImage(str(about["Id"]).removeprefix("sha256:"), int(about.get("Size") or 0))
        except (Unreadable, LookupError, ValueError, TypeError) as error:
            raise ImageError(f"{self.name} says of the image {reference} what nobody can read: {error}.") from error

    def build(self, folder: Path, dockerfile: Path, name: str, options: Sequence[str], notify: Notify) -> None:
        """Build an image from a folder; ``notify`` is told each line. Raises `CommandFailed` with the last ones."""
        words = [self.program, "build", "--file", str(folder / dockerfile), "--tag", name, *options, str(folder)]
        lines: deque[str] = deque(maxlen=LAST_LINES)
        with child.start(
            words, stdout=PIPE, stderr=STDOUT, text=True, errors="replace", env=dict(os.environ)
        ) as process:
            try:
                for line in process.stdout or ():
                    if line.strip():
                        lines.append(line.rstrip())
                        notify(visible(line.strip()))
            except BaseException:
                child.kill(process)
                raise
        code = process.returncode
        if code:
            raise CommandFailed(
                f"The lab's image could not be built: {self.name} build failed with exit code {code}."
                f"{last_lines(chr(10).join(lines), '')}"
            )

    def ask(self, *words: str) -> Completed:
        """Run a short command, whatever comes of it."""
        return run([self.program, *words], timeout_seconds=ASK_SECONDS, check=False, trusted=True)


_WITH_ROOT = {
    "docker": "Use a Docker that runs as root: `docker context use default`, or sudo.",
    "podman": "On a Mac: `podman machine stop && podman machine set --rootful && podman machine start`. "
    "On Linux: run this with sudo.",
}


def _is_rootless(info: Mapping[str, Any]) -> bool:
    """Docker names it among its security options; Podman has a flag."""
    host = info.get("host")
    if isinstance(host, dict):
        return bool((host.get("security") or {}).get("rootless"))
    return any("rootless" in str(option) for option in info.get("SecurityOptions") or ())


def _memory_bytes(info: Mapping[str, Any]) -> int | None:
    host = info.get("host")
    told = host.get("memTotal") if isinstance(host, dict) else info.get("MemTotal")
    return told if isinstance(told, int) and told > 0 else None
