"""What the image providers share: how they look, delete and speak when their registry may not let them in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pulumi.dynamic import ReadResult

from infra.lab import registry_identity
from kit.errors import CredentialsError, RegistryUnreachable


def tell(message: str) -> None:
    """Print a line; Pulumi shows it beside the resource."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201 — Pulumi shows what a provider prints


def demand_its_registry(address: str, props: dict[str, Any]) -> None:
    """Raise `RegistryUnreachable` unless the lab's registry of this resource is what answers at ``address``."""
    if (storage_id := props.get("storage_id")) is not None:
        registry_identity.demand(address, storage_id)


def read(id_: str, props: dict[str, Any], is_there: Callable[[], bool]) -> ReadResult:
    """The resource as it was, or none when it is gone. Without an answer from the registry, nothing is known of it."""
    try:
        there = is_there()
    except (RegistryUnreachable, CredentialsError) as error:
        tell(f"{id_} could not be looked at, its state is kept: {error}")
        there = True
    return ReadResult(id_=id_ if there else "", outs=dict(props) if there else {})


def delete(id_: str, remove: Callable[[], None]) -> None:
    """Delete an image. A registry that cannot be reached does not stop the rest; the user is told what stays."""
    try:
        remove()
    except RegistryUnreachable as error:
        tell(f"{id_} was not deleted, its registry is gone: {error}")
    except CredentialsError as error:
        tell(f"{id_} was not deleted, its registry lets nobody in: {error}")
