"""A variant's source image as a Pulumi resource; the work is in `infra.sources.images`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from infra.oci.entry import entered
from infra.providers import reach
from infra.sources import images
from infra.sources.images import Destination, SourceImage
from kit import full_disk

IMPLEMENTATION = 1
"""Counts up when images made by older code must be made anew: Pulumi does not see changes of the code."""

INPUTS = ("recipe", "registry", "storage_id", "repository", "wanted_tag", "ecr_region", "implementation")


class SourceImageProvider(ResourceProvider):
    """Makes, finds and removes one source image; keeps nothing in itself."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Build or copy the image and push it; its id is its repository without the registry."""
        with full_disk.reserve(), _place(props) as place:
            made = images.make(props["recipe"], place, reach.tell)
        return CreateResult(id_=place.repository.partition("/")[2], outs=_outputs(props, made))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Only the inputs count: what the base's tag has become meanwhile does not change an unchanged program."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in INPUTS))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Gone when the registry says so."""

        def is_there() -> bool:
            with _place(props) as place:
                return images.is_there(place, props["digest"])

        return reach.read(id_, props, is_there)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Make the new image; the old one goes unless it is the same."""
        with full_disk.reserve(), _place(_news) as place:
            made = images.make(_news["recipe"], place, reach.tell)
            if made.digest != _olds["digest"] and _news.get("storage_id") == _olds.get("storage_id"):
                images.remove(place, _olds["digest"])
        return UpdateResult(outs=_outputs(_news, made))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the image."""

        def remove() -> None:
            with _place(_props) as place:
                images.remove(place, _props["digest"])

        reach.delete(_id, remove)


class SourceImageResource(Resource, module="sociometer", name="SourceImage"):
    """A variant's source image in the lab's registry, or with ``ecr_region`` in ECR: a ``repository`` and a ``tag``."""

    image: pulumi.Output[str]
    digest: pulumi.Output[str]
    layer_bytes: pulumi.Output[float]

    def __init__(
        self,
        name: str,
        recipe: Mapping[str, str],
        registry: pulumi.Input[str],
        storage_id: pulumi.Input[str] | None = None,
        *,
        repository: pulumi.Input[str] | None = None,
        tag: pulumi.Input[str] | None = None,
        ecr_region: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: dict[str, Any] = {
            "recipe": dict(recipe),
            "registry": registry,
            "storage_id": storage_id,
            "repository": repository,
            "wanted_tag": tag,
            "ecr_region": ecr_region,
            "implementation": IMPLEMENTATION,
            "image": None,
            "digest": None,
            "layer_bytes": None,
        }
        super().__init__(SourceImageProvider(), name, props, opts)


@contextmanager
def _place(props: dict[str, Any]) -> Iterator[Destination]:
    registry, variant = props["registry"], props["recipe"]["variant"]
    reach.demand_its_registry(registry, props)
    with entered(registry, props.get("ecr_region")) as access:
        repository = props.get("repository") or f"{registry}/{images.source_repository(variant)}"
        yield Destination(repository, access, props.get("wanted_tag"))


def _outputs(props: dict[str, Any], made: SourceImage) -> dict[str, Any]:
    return {key: props.get(key) for key in INPUTS} | {
        "image": made.image,
        "digest": made.digest,
        "tag": made.tag,
        "layer_bytes": made.layer_bytes,
    }
