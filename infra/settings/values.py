"""Parse settings from text: Pulumi passes every value as text, and so does ``--set key=value``."""

from __future__ import annotations

import platform
import re
import shlex
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from kit.documents import Unreadable, of_json

Value = TypeVar("Value")

_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_MARK = re.compile(r"([(),])")
_MACHINES = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}


class SettingsModel(BaseModel):
    """Settings that are frozen, reject unknown keys, and have the configuration's camelCase names."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


def machine_platform() -> str:
    """The platform whose images run on this machine without emulation."""
    return _MACHINES.get(platform.machine(), "linux/amd64")


def parse_size(value: Any) -> Any:
    """Bytes from ``4194304``, ``"4194304"`` or ``"4MiB"`` (B, KiB, MiB, GiB)."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"([0-9]{1,18})\s*([A-Za-z]*)", value.strip())
    if match is None or match[2] not in _UNITS:
        raise ValueError('write a number of bytes, or a number with the unit B, KiB, MiB or GiB: 4194304, "4MiB"')
    return int(match[1]) * _UNITS[match[2]]


def size_text(size_bytes: int) -> str:
    """Bytes as `parse_size` reads them, in the largest unit that leaves a whole number: ``4MiB``."""
    unit = next((unit for unit in ("GiB", "MiB", "KiB") if size_bytes and size_bytes % _UNITS[unit] == 0), "")
    return f"{size_bytes // _UNITS[unit]}{unit}"


def parse_list(value: Any) -> Any:
    """A list from JSON text (as Pulumi passes it) or from words between commas; anything but text is unchanged."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    return parse_json(text) if text.startswith("[") else words_of(text)


def words_of(text: str) -> list[str]:
    """The words between commas. Those inside parentheses separate nothing: ``plain,soci-v2(span=1MiB,min-layer=0)``."""
    words, is_inside = [""], False
    for piece in _MARK.split(text):
        if piece == "," and not is_inside:
            words.append("")
            continue
        is_inside = piece == "(" or (is_inside and piece != ")")
        words[-1] += piece
    return [word.strip() for word in words if word.strip()]


def parse_words(value: Any) -> Any:
    """A command's words: a list as it is, as JSON text, or as a shell would split them."""
    if not isinstance(value, str):
        return value
    if value.strip().startswith("["):
        return parse_json(value)
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ValueError(f"the words cannot be told apart: {error}") from error


def parse_json(value: Any) -> Any:
    """The value of a JSON text; anything but text is unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return of_json(value)
    except Unreadable as error:
        raise ValueError(str(error)) from error


def parse_cidr(value: Any) -> Any:
    """An IPv4 network as CIDR text, ``203.0.113.0/24``; an address alone is a network of one."""
    if not isinstance(value, str):
        return value
    try:
        return str(IPv4Network(value.strip()))
    except ValueError as error:
        raise ValueError(f"this is not an IPv4 range such as 203.0.113.0/24: {error}") from error


def keyed(text: str | None, readers: Mapping[str, Callable[[str], Value]], owner: str) -> dict[str, Value]:
    """What ``key=value,key=value`` gives, each value read by its key's reader; None is no settings at all.

    Raises `ValueError` with what is allowed for a key that ``owner`` does not have, one that is given twice or has no
    value, and a value that its reader refuses with a `ValueError`.
    """
    given: dict[str, Value] = {}
    for word in text.split(",") if text is not None else ():
        key, equals, value = (part.strip() for part in word.partition("="))
        if key not in readers:
            allowed = f"allowed: {', '.join(readers)}" if readers else "it has none"
            raise ValueError(f"{owner} has no setting '{key}'; {allowed}")
        if key in given:
            raise ValueError(f"{key} is given twice")
        if not equals or not value:
            raise ValueError(f"{key} has no value; write {key}=…")
        try:
            given[key] = readers[key](value)
        except ValueError as error:
            raise ValueError(f"{key} cannot be '{value}': {error}") from error
    return given


Size = Annotated[int, BeforeValidator(parse_size)]
Cidr = Annotated[str, BeforeValidator(parse_cidr)]
