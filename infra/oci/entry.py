"""Access to a registry: ECR with a fresh token, one on this machine over plain HTTP, any other as Docker does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.oci import ecr
from infra.oci.regctl import Access
from kit.command import run
from kit.toolchain.toolbox import tool

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@contextmanager
def entered(registry: str, ecr_region: str | None = None, base: Path | None = None) -> Iterator[Access]:
    """Access to ``registry`` (host or host:port) for as long as the block lasts.

    With ``ecr_region`` a token of that region is fetched; raises as `ecr.auth_file` does. ``base`` is a Docker
    configuration to use instead of the user's own, such as one that enters another registry too.
    """
    plain_http = on_this_machine(registry)
    if ecr_region is None:
        yield Access(plain_http, base)
        return
    with ecr.auth_file(registry, ecr_region, base) as auth_file:
        yield Access(plain_http, auth_file)


def regctl_across(*words: str, access: Access, seconds: float) -> None:
    """Run regctl on references of several registries, each reached in its own way. Raises as `run` does."""
    hosts = dict.fromkeys(word.partition("/")[0] for word in words)
    plain = [word for host in hosts if on_this_machine(host) for word in ("--host", f"reg={host},tls=disabled")]
    command: list[str | Path] = [tool("regctl"), *words, *plain]
    run(command, timeout_seconds=seconds, env=access.environment(), trusted=True)


def on_this_machine(registry: str) -> bool:
    """Whether a registry is spoken to over plain HTTP: as in Docker, if nothing leaves this machine."""
    return registry.rsplit(":", 1)[0] in LOOPBACK or registry in LOOPBACK
