"""The lab's registry as a Pulumi resource; the work is in `infra.lab.registry`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from infra.lab import registry as lab_registry
from infra.lab.registry import Registry

IMPLEMENTATION = 1
"""Counts up when a registry made by older code must be started anew: Pulumi does not see changes of the code."""


class LabRegistryProvider(ResourceProvider):
    """Starts, finds, restarts and removes one registry; keeps nothing in itself."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Start it, or take over the one that a killed `create` left."""
        registry = lab_registry.ensure(Path(props["folder"]), _port(props))
        return CreateResult(id_=str(registry.folder), outs=_outputs(props, registry))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Moved to another folder it is another one; a dead one, or one on the wrong port, is started again."""
        if _olds["folder"] != _news["folder"]:
            return DiffResult(changes=True, replaces=["folder"], delete_before_replace=True)
        wanted = _port(_news)
        same = _olds["running"] and wanted in (None, _whole(_olds["port"]))
        return DiffResult(changes=not same or _olds["implementation"] != _news["implementation"])

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What is there now; without its storage it is gone."""
        registry = lab_registry.inspect(Path(props["folder"]), _whole(props["port"]))
        if registry is None:
            return ReadResult(id_="", outs={})
        return ReadResult(id_=id_, outs=_outputs(props, registry))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Start it again with its data, on its former port if that is still free and no other is wanted."""
        registry = lab_registry.ensure(Path(_news["folder"]), _port(_news), _whole(_olds["port"]))
        return UpdateResult(outs=_outputs(_news, registry))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Stop it and remove its data."""
        lab_registry.remove(Path(_props["folder"]))


class LabRegistry(Resource, module="sociometer", name="LabRegistry"):
    """A registry process on this machine with storage of its own."""

    address: pulumi.Output[str]
    storage: pulumi.Output[str]
    storage_id: pulumi.Output[str]
    running: pulumi.Output[bool]

    def __init__(self, name: str, folder: Path, port: int | None, opts: pulumi.ResourceOptions | None = None) -> None:
        props: dict[str, Any] = {
            "folder": str(folder),
            "wanted_port": port,
            "implementation": IMPLEMENTATION,
            "address": None,
            "storage": None,
            "storage_id": None,
            "running": None,
            "port": None,
        }
        super().__init__(LabRegistryProvider(), name, props, opts)


def _outputs(props: dict[str, Any], registry: Registry) -> dict[str, Any]:
    inputs = {key: props.get(key) for key in ("folder", "wanted_port", "implementation")}
    return inputs | {
        "address": registry.address,
        "port": registry.port,
        "storage": str(registry.storage),
        "storage_id": registry.storage_id,
        "running": registry.running,
    }


def _port(props: dict[str, Any]) -> int | None:
    wanted = props.get("wanted_port")
    return None if wanted is None else _whole(wanted)


def _whole(number: float) -> int:
    """Pulumi hands whole numbers over as floats."""
    return int(number)
