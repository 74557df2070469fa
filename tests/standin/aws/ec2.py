"""What the types of EC2 have in common: ids, tags by id, and descriptions by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standin.aws.base import AwsResource, pairs, tags_of
from tests.standin.values import Properties


class Ec2Resource(AwsResource):
    """A type whose instances have an id and are described by it: ``describe_vpcs(VpcIds=[…])["Vpcs"]``."""

    service = "ec2"
    described: ClassVar[tuple[str, str, str]]
    """The operation, its parameter with the ids, and the key of its answer."""

    def describe(self, identity: str) -> dict[str, Any] | None:
        """AWS's description; None when there is none."""
        operation, parameter, key = self.described
        answer = self.unless_gone(lambda: getattr(self.client, operation)(**{parameter: [identity]}))
        return next(iter(answer[key]), None) if answer else None

    def read(self, identity: str, known: Properties) -> Properties | None:
        found = self.describe(identity)
        if found is None:
            return None
        tags = {"tagsAll": tags_of(found.get("Tags", []))} if self.tagged else {}
        return tags | self.properties(identity, found, known)

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        """AWS's description in the properties of the Pulumi schema."""
        raise NotImplementedError

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        self.client.create_tags(Resources=[identity], Tags=pairs(tags))

    def untag(self, identity: str, keys: list[str]) -> None:
        self.client.delete_tags(Resources=[identity], Tags=[{"Key": key} for key in keys])
