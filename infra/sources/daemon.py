"""The local Docker or Podman, through its socket: which image a name means, and the image as an archive.

Source: Docker Engine API v1.41 (`ImageInspect`, `ImageGet`), which Podman serves too.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, model_validator

from infra.oci.config import ImageConfig
from kit.documents import Unreadable, model_of
from kit.errors import ImageError, MachineError

if TYPE_CHECKING:
    import httpx

ASK_SECONDS = 10.0
DOCKER_SOCKET = "/var/run/docker.sock"
READ_SECONDS = 600.0
"""A daemon is silent for long before the first byte of a large image."""


def socket_path() -> Path | None:
    """The socket of the daemon: ``DOCKER_HOST``, else the first of Docker's and Podman's usual ones that is there."""
    host = os.environ.get("DOCKER_HOST", "")
    if host:
        if not host.startswith("unix://"):
            raise MachineError(f"DOCKER_HOST is {host}: images are read from a daemon on this machine, over unix://.")
        return Path(host.removeprefix("unix://"))
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    docker, podman = (DOCKER_SOCKET, f"{runtime}/docker.sock"), "podman/podman.sock"
    usual = (*docker, f"{runtime}/{podman}", f"/run/{podman}")
    return next((Path(path) for path in usual if Path(path).is_socket()), None)


class DaemonImage(BaseModel):
    """What the daemon says of an image; ``id`` is a digest."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(alias="Id", pattern="^sha256:[0-9a-f]{64}$")
    size_bytes: int | None = Field(default=None, ge=0, alias="Size", description="of the layers, not compressed")
    config: ImageConfig

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_specification(cls, answer: Any) -> Any:
        """The daemon spreads an image's configuration over its answer."""
        if not isinstance(answer, dict):
            return answer
        names = {"os": "Os", "architecture": "Architecture", "config": "Config"}
        config = {name: answer[key] for name, key in names.items() if answer.get(key) is not None}
        return {**answer, "config": {"config": {}, **config}}


def inspect(name: str) -> DaemonImage | None:
    """The image that a name means, None where the daemon has none; raises `MachineError` without a daemon."""
    with _client() as client:
        answer = client.get(f"/images/{quote(name, safe='/:@')}/json")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        return described(name, _checked(answer).content)


def described(name: str, answer: bytes) -> DaemonImage:
    """What the daemon's answer says of an image; raises `ImageError`."""
    try:
        return model_of(DaemonImage, answer)
    except Unreadable as error:
        raise ImageError(f"The local daemon says of {name} what nobody can read: {error}.") from error


def save(name: str, archive: Path) -> None:
    """Write an image as ``docker save`` does; raises `ImageError` when the daemon does not give it whole."""
    with _client() as client, client.stream("GET", f"/images/{quote(name, safe='/:@')}/get") as answer:
        if answer.status_code != HTTPStatus.OK:
            answer.read()
            _checked(answer)
        with archive.open("wb") as file:
            for piece in answer.iter_raw():
                file.write(piece)


def accepts(path: Path) -> bool:
    """Whether somebody listens at a socket, and lets this user in."""
    try:
        knock(path, ASK_SECONDS)
    except OSError:
        return False
    return True


def knock(path: Path, seconds: float) -> None:
    """Connect to a socket and hang up; raises `OSError`. httpx leaves a socket open that it cannot connect."""
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(seconds)
        tried.connect(str(path))


@contextmanager
def _client() -> Iterator[httpx.Client]:
    import httpx  # takes as long to import as all that a provider needs beside

    path = socket_path()
    if path is None:
        raise MachineError("There is no Docker or Podman daemon on this machine. Start it, or name it in DOCKER_HOST.")
    if not path.is_socket():
        raise MachineError(f"There is no daemon at {path}: DOCKER_HOST names a socket that is not there.")
    if not accepts(path):
        raise MachineError(f"The daemon at {path} does not answer. Does it run, and may you use it?")
    transport = httpx.HTTPTransport(uds=str(path))
    timeout = httpx.Timeout(ASK_SECONDS, read=READ_SECONDS)
    try:
        with httpx.Client(transport=transport, base_url="http://docker/v1.41", timeout=timeout) as client:
            yield client
    except httpx.RequestError as error:
        raise MachineError(
            f"The daemon at {path} does not answer: {error}. Does it run, and may you use it?"
        ) from error


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code == HTTPStatus.OK:
        return answer
    raise ImageError(f"The local daemon answered {answer.status_code}: {answer.text.strip()[:200]}.")
