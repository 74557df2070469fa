"""Property values between the engine's protobuf structs and plain Python, and what a preview cannot know yet."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.rpc import UNKNOWN

Properties = dict[str, Any]


def plain(message: Struct) -> Properties:
    """The properties that are set; whole numbers, which protobuf knows as floats only, are ints again."""
    tidied = _tidied(MessageToDict(message))
    assert isinstance(tidied, dict)
    return tidied


def struct(properties: Properties) -> Struct:
    """Properties for the engine."""
    message = Struct()
    message.update(properties)
    return message


def is_known(value: Any) -> bool:
    """Whether no part of a value waits for a resource that is yet to be made."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    if isinstance(value, list):
        return all(map(is_known, value))
    return bool(value != UNKNOWN)


def changed(old: Properties, new: Properties) -> set[str]:
    """Inputs that differ; what Pulumi keeps beside them (``__defaults``) is none."""
    keys = {key for key in old.keys() | new.keys() if not key.startswith("__")}
    return {key for key in keys if old.get(key) != new.get(key)}


def words(text: str) -> frozenset[str]:
    """Property names, written with spaces between them."""
    return frozenset(text.split())


def _tidied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tidied(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_tidied(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
