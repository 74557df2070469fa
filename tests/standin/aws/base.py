"""What all stand-ins of AWS resources share: tags, and words for AWS's answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError
from pulumi.runtime.rpc import UNKNOWN

from tests.standin.aws.client import Aws
from tests.standin.provider import Unsupported
from tests.standin.resource import Resource
from tests.standin.values import Properties, changed


class AwsResource(Resource):
    """A type of one AWS service. Tags are those of the program over the provider's default ones (``tagsAll``)."""

    service: ClassVar[str]
    tagged: ClassVar[bool] = True
    gone: ClassVar[tuple[str, ...]] = ()
    """Error codes that say that it, or what it is part of, does not exist."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    @property
    def client(self) -> Any:
        """The boto3 client of the service."""
        return self.aws.client(self.service)

    def check(self, inputs: Properties, olds: Properties) -> Properties:
        if not self.tagged:
            return inputs
        own = inputs.get("tags", {})
        return inputs | {"tagsAll": own if own == UNKNOWN else self.aws.default_tags | own}

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        identity = self.make(inputs)
        if tags := inputs.get("tagsAll"):
            self.tag(identity, tags)
        return identity, {}

    def update(self, identity: str, old: Properties, new: Properties) -> Properties:
        before, after = old.get("tagsAll", {}), new.get("tagsAll", {})
        if dropped := sorted(before.keys() - after.keys()):
            self.untag(identity, dropped)
        if before != after:
            self.tag(identity, after)
        if rest := changed(old, new) - {"tags", "tagsAll"}:
            self.change(identity, new, rest)
        return {}

    def delete(self, identity: str, known: Properties) -> None:
        self.unless_gone(lambda: self.unmake(identity, known))

    @abstractmethod
    def make(self, inputs: Properties) -> str:
        """Make it without tags; gives its id."""

    @abstractmethod
    def unmake(self, identity: str, known: Properties) -> None:
        """Unmake it; may fail with one of `gone`."""

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        """Bring AWS to the new inputs, of which those in ``changed`` are new."""
        raise Unsupported(f"The stand-in cannot change {', '.join(sorted(changed))} of {identity} in place.")

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        raise Unsupported(f"The stand-in sets no tags on {identity}.")

    def untag(self, identity: str, keys: list[str]) -> None:
        """Take tags away."""
        raise Unsupported(f"The stand-in takes no tags from {identity}.")

    def unless_gone(self, call: Callable[[], Any]) -> Any:
        """The answer of a call; None when AWS says that there is no such thing."""
        try:
            return call()
        except ClientError as error:
            if error.response["Error"]["Code"] in self.gone:
                return None
            raise


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most AWS services write them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(entries: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags as Pulumi writes them."""
    return {entry["Key"]: entry["Value"] for entry in entries}


def pascal(value: Any) -> Any:
    """Property names as AWS writes them: ``healthyThreshold`` becomes ``HealthyThreshold``."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(inner) for key, inner in value.items()}
    return [pascal(inner) for inner in value] if isinstance(value, list) else value


def picked(inputs: Properties, names: Mapping[str, str]) -> dict[str, Any]:
    """Those of the inputs that are set, under AWS's names."""
    return {theirs: inputs[ours] for ours, theirs in names.items() if ours in inputs}


def same_set(given: Any, live: list[Any]) -> list[Any]:
    """AWS's answer in the order in which it was given, when both hold the same."""
    return given if isinstance(given, list) and sorted(given) == sorted(live) else live
