"""A variant's source image as a Pulumi resource; the work is in `sociometer.infra.images`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from sociometer.errors import RegistryUnreachable
from sociometer.infra import images
from sociometer.infra.images import SourceImage

IMPLEMENTATION = 1
"""Counts up when images made by older code must be made anew: Pulumi does not see changes of the code."""

INPUTS = ("recipe", "registry", "storage_id", "implementation")


class SourceImageProvider(ResourceProvider):
    """Makes, finds and removes one source image; keeps nothing in itself."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Build or copy the image and push it; its id is its repository without the registry."""
        made = images.make(props["recipe"], props["registry"], _tell)
        return CreateResult(id_=images.source_repository(props["recipe"]["variant"]), outs=_outputs(props, made))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Only the inputs count: what the base's tag has become meanwhile does not change an unchanged program."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in INPUTS))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Gone when the registry says so; a registry that does not answer says nothing of the image."""
        try:
            there = images.find(props["registry"], id_, props["digest"]) is not None
        except RegistryUnreachable as error:
            _tell(f"{id_} could not be looked at, its state is kept: {error}")
            there = True
        return ReadResult(id_=id_ if there else "", outs=dict(props) if there else {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Make the new image; the old one goes unless it is the same."""
        made = images.make(_news["recipe"], _news["registry"], _tell)
        if made.digest != _olds["digest"] and _news["storage_id"] == _olds["storage_id"]:
            images.remove(_news["registry"], _id, _olds["digest"])
        return UpdateResult(outs=_outputs(_news, made))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove the image; a registry that is gone holds nothing that could be removed."""
        try:
            images.remove(_props["registry"], _id, _props["digest"])
        except RegistryUnreachable as error:
            _tell(f"{_id} was not removed, its registry is gone: {error}")


class SourceImageResource(Resource, module="sociometer", name="SourceImage"):
    """A variant's source image in the lab's registry."""

    image: pulumi.Output[str]
    digest: pulumi.Output[str]
    layer_bytes: pulumi.Output[float]

    def __init__(
        self,
        name: str,
        recipe: Mapping[str, str],
        registry: pulumi.Input[str],
        storage_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: dict[str, Any] = {
            "recipe": dict(recipe),
            "registry": registry,
            "storage_id": storage_id,
            "implementation": IMPLEMENTATION,
            "image": None,
            "digest": None,
            "layer_bytes": None,
        }
        super().__init__(SourceImageProvider(), name, props, opts)


def _outputs(props: dict[str, Any], made: SourceImage) -> dict[str, Any]:
    return {key: props[key] for key in INPUTS} | {
        "image": made.image,
        "digest": made.digest,
        "tag": made.tag,
        "layer_bytes": made.layer_bytes,
    }


def _tell(phase: str) -> None:
    """Pulumi shows what a provider prints beside its resource."""
    sys.stderr.write(f"{phase}\n")
    sys.stderr.flush()
