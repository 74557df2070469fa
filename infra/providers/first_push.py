"""The tag of a source image as a Pulumi resource: a key of its content, and the time of its first push.

An unchanged program must keep its tag, so the time is decided once and kept in the state. Tags in ECR are immutable:
whatever makes pulumi-docker push again must also change the tag, through ``key``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider

from infra.oci.entry import entered
from infra.oci.regctl import Deadline, Regctl
from infra.providers import reach

ASK_SECONDS = 60.0
KEY_LENGTH = 16
INPUTS = ("key", "repository", "ecr_region")


class FirstPushProvider(ResourceProvider):
    """Names a tag once, and notices when the image behind it is gone; keeps nothing in itself."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Name the tag; its id is the tag in its repository."""
        tag = tag_of(props["key"], datetime.now(UTC))
        return CreateResult(id_=f"{props['repository']}:{tag}", outs=_outputs(props, tag))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Another content, or another place, is another image with a first push of its own."""
        changed = [key for key in INPUTS if _olds.get(key) != _news.get(key)]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=False)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Gone when the image is, which pulumi-docker does not notice: the next `up` then pushes it anew."""

        def is_there() -> bool:
            with entered(props["repository"].partition("/")[0], props["ecr_region"]) as access:
                return Regctl(access, Deadline(ASK_SECONDS)).digest(props["repository"], props["tag"]) is not None

        return reach.read(id_, props, is_there)


class FirstPush(Resource, module="sociometer", name="FirstPush"):
    """The tag under which an image is pushed, as long as ``key`` (of its content) and ``repository`` are the same."""

    tag: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        key: str,
        repository: pulumi.Input[str],
        ecr_region: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: dict[str, Any] = {"key": key, "repository": repository, "ecr_region": ecr_region, "tag": None}
        super().__init__(FirstPushProvider(), name, props, opts)


def tag_of(key: str, moment: datetime) -> str:
    """A tag from a content key and a moment: ``3f2a9c01d4e5b6a7-20261125-031500``, UTC."""
    return f"{key[:KEY_LENGTH]}-{moment.astimezone(UTC):%Y%m%d-%H%M%S}"


def _outputs(props: dict[str, Any], tag: str) -> dict[str, Any]:
    return {key: props[key] for key in INPUTS} | {"tag": tag}
