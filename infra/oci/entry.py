"""Access to a registry: ECR with a fresh token, one on this machine over plain HTTP, any other as Docker does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infra.oci import ecr
from infra.oci.regctl import Access

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@contextmanager
def entered(registry: str, ecr_region: str | None = None) -> Iterator[Access]:
    """Access to ``registry`` (host or host:port) for as long as the block lasts.

    With ``ecr_region`` a token of that region is fetched; raises as `ecr.auth_file` does.
    """
    plain_http = on_this_machine(registry)
    if ecr_region is None:
        yield Access(plain_http)
        return
    with ecr.auth_file(registry, ecr_region) as auth_file:
        yield Access(plain_http, auth_file)


def on_this_machine(registry: str) -> bool:
    """Whether a registry is spoken to over plain HTTP: as in Docker, if nothing leaves this machine."""
    return registry.rsplit(":", 1)[0] in LOOPBACK or registry in LOOPBACK
