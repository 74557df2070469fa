"""References of images as the containers tools write them: in a registry, a local daemon, an archive or a folder. Pure.

Sources: containers-transports(5) for the prefixes; distribution's `reference` package for names in registries, with
Docker's rule for the host (a first part with a dot or a colon, or ``localhost``).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

from kit.errors import SettingsError

Transport = Literal["registry", "docker-daemon", "docker-archive", "oci", "oci-archive"]
KINDS = "host/repo:tag, host/repo@sha256:…, docker-daemon:web:dev, docker-archive:FILE, oci:DIR[:tag], oci-archive:FILE"
DOCKER_HUB = "docker.io"
_FILES: tuple[Transport, ...] = ("docker-archive", "oci", "oci-archive")
_HOST = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?|\[[0-9a-fA-F:]+\](?::[0-9]+)?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class ImageName:
    """A reference. ``place`` is the repository with its host, the daemon's name for the image, a file or a folder.

    In a registry there is a ``tag``, a ``digest``, or both, and then the digest counts.
    """

    transport: Transport
    place: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        """The text that `parse` reads."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        prefix = "" if self.transport == "registry" else f"{self.transport}:"
        return f"{prefix}{self.place}{tag}{digest}"

    @property
    def host(self) -> str:
        """The registry's host and port."""
        return self.place.partition("/")[0]


def parse(text: str) -> ImageName:
    """Read a reference; raises `SettingsError` that says what is wrong with it."""
    bare = text.strip().removeprefix("docker://")
    if "://" in bare:
        raise _wrong(text, f"leave out {bare.partition('://')[0]}://")
    transport, colon, rest = bare.partition(":")
    if transport == "docker-daemon" and colon:
        return ImageName("docker-daemon", _daemon_name(text, rest))
    for kind in _FILES:
        if transport == kind and colon:
            file, _, tag = rest.partition(":")
            if not file:
                raise _wrong(text, "the file is missing")
            if file != file.strip():  # it would not be the same name when it is read again
                raise _wrong(text, f"the file {file!r} begins or ends with white space")
            if kind == "docker-archive" and tag and ":" not in tag.rpartition("/")[2]:
                tag = f"{tag}:latest"
            return ImageName(kind, file, tag or None)
    return _in_registry(text, bare)


def absolute(name: ImageName, folder: str) -> ImageName:
    """The same with a file's path seen from ``folder``: a program that reads it later may stand elsewhere."""
    if name.transport not in _FILES:
        return name
    place = os.path.normpath(os.path.join(folder, os.path.expanduser(name.place)))  # noqa: PTH111, PTH118 - text alone
    return ImageName(name.transport, place, name.tag)


def _in_registry(text: str, bare: str) -> ImageName:
    named, at, digest = bare.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _wrong(text, f"{digest!r} is not a digest (sha256: and 64 hexadecimal digits)")
    head, slash, last = named.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _wrong(text, f"{tag!r} is not a tag")
    host, path = _host_and_path(f"{head}{slash}{last}")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path):
        raise _wrong(text, f"{path!r} is not a repository's name (lower case, digits, . _ - and /)")
    return ImageName("registry", f"{host}/{path}", tag or (None if digest else "latest"), digest or None)


def _host_and_path(named: str) -> tuple[str, str]:
    """As Docker reads it: a name without a host is one of Docker Hub, whose own images lie in ``library``."""
    named = named.removeprefix(f"index.{DOCKER_HUB}/").removeprefix(f"{DOCKER_HUB}/")
    first, slash, rest = named.partition("/")
    if slash and (first == "localhost" or re.search(r"[.:]", first)):
        return first, rest
    return DOCKER_HUB, named if slash else f"library/{named}"


def _daemon_name(text: str, rest: str) -> str:
    """The name as the daemon knows it: nothing that would be another path of its API."""
    if _DIGEST.fullmatch(rest):
        return rest
    if not rest:
        raise _wrong(text, "the image's name is missing")
    named = _in_registry(text, rest)
    return rest if named.digest or rest.endswith(f":{named.tag}") else f"{rest}:latest"


def _wrong(text: str, why: str) -> SettingsError:
    return SettingsError(f"image {text!r}: {why}. An image is named like this: {KINDS}.")
