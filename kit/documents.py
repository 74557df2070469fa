"""Documents from elsewhere: JSON and YAML, read so that what is accepted can be counted on by whoever reads it.

Python's reader takes more than JSON (NaN, halves of surrogate pairs, numbers without end), and gives up on deep nesting
with an error of its own. What is accepted here can be walked, shown, written again and put into a database. All
documents that others may have written are read here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kit.values import first_fault
from kit.visible import is_utf8

MOST_BYTES = 128 << 20
"""Of one document; the trace of an image with 50,000 files has some ten megabytes."""
MOST_DEPTH = 100
"""Levels of nesting. The deepest document that tools write here has about ten."""
LEAST_INTEGER, MOST_INTEGER = -(1 << 63), (1 << 63) - 1
"""What SQLite, Go and data frames hold."""
MOST_YAML_BYTES = 1 << 20
MOST_YAML_VALUES = 100_000
"""With every alias written out: a file of some hundred bytes can stand for more than any machine holds."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
_NO_BRACKET = re.compile(r"[^][{}]+")

Model = TypeVar("Model", bound=BaseModel)


class Unreadable(ValueError):
    """Why a document cannot be used, in words that follow a colon."""


def read(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """A document's bytes, from a file or a pipe; raises `OSError`, and `Unreadable` when there are too many."""
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise Unreadable(f"it has more than {most_bytes} bytes")
    return content


def of_json(text: str | bytes) -> Any:
    """The value of a JSON document (RFC 8259); raises `Unreadable`.

    Besides what JSON does not allow, numbers are refused that need more than 64 bits, and nesting beyond `MOST_DEPTH`.
    Of a key that is given twice the last value counts, as for Go.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        value = json.loads(decoded, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error
    if _may_be_deep(decoded) and _depth(decoded) > MOST_DEPTH:
        raise Unreadable(f"it is nested more than {MOST_DEPTH} levels deep")
    if not is_utf8(decoded) or ("\\u" in decoded and not is_utf8(json.dumps(value, ensure_ascii=False))):
        raise Unreadable("it has half a surrogate pair, which is no character")
    return value


def checked(value: Any) -> Any:
    """A value that another reader made of a document, as it would be by `of_json`; what JSON does not know is text."""
    try:
        return of_json(json.dumps(value, default=str))
    except (RecursionError, TypeError) as error:
        raise Unreadable("it is nested too deeply, or has keys that are no text") from error


def object_of(text: str | bytes) -> dict[str, Any]:
    """The members of a JSON document that is an object; raises `Unreadable`."""
    value = of_json(text)
    if not isinstance(value, dict):
        raise Unreadable("it is no JSON object")
    return value


def model_of(kind: type[Model], text: str | bytes) -> Model:
    """A JSON document as a model; raises `Unreadable` with the first fault."""
    try:
        return as_model(kind, of_json(text))
    except ValidationError as error:
        raise Unreadable(first_fault(error)) from error


def as_model(kind: type[Model], value: Any) -> Model:
    """A value of a document as a model; raises `ValidationError`, and `Unreadable` for a number that could not be
    written again: pydantic takes a text of any length for one."""
    found = kind.model_validate(value)
    _require_counted(found)
    return found


def of_yaml(text: str | bytes) -> Any:
    """The value of a YAML document; raises `Unreadable`, also for one that aliases make larger than it looks."""
    import yaml  # slow, and needed by files of stacks alone

    if len(text) > MOST_YAML_BYTES:
        raise Unreadable(f"it has {len(text)} bytes, more than {MOST_YAML_BYTES}")
    try:
        value = _shallow(text.decode() if isinstance(text, bytes) else text)
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise Unreadable(f"it is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error
    _require_small(value)
    return value


def _shallow(text: str) -> Any:
    """The value of a YAML text; raises `RecursionError` early: the reader takes time by the square of the levels."""
    import yaml

    class Loader(yaml.SafeLoader):
        def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: N803 - the name there
            if self.flow_level > MOST_DEPTH:
                raise RecursionError
            super().fetch_flow_collection_start(TokenClass)

    return Loader(text).get_single_data()


def _no_constant(name: str) -> float:
    raise Unreadable(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable(f"{text[:40]} is too large a number")
    return number


def _integer(text: str) -> int:
    if len(text) > len(str(LEAST_INTEGER)) or not LEAST_INTEGER <= (number := int(text)) <= MOST_INTEGER:
        raise Unreadable(f"{text[:40]} needs more than 64 bits")
    return number


def _may_be_deep(text: str) -> bool:
    return text.count("[") + text.count("{") > MOST_DEPTH


def _depth(text: str) -> int:
    """Of a text that is JSON."""
    brackets = _NO_BRACKET.sub("", _STRING.sub("", text))
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _require_small(value: Any) -> None:
    """Count the values, aliases written out, each alias once; what contains itself has no end."""
    sizes: dict[int, int] = {}

    def size(each: Any, depth: int) -> int:
        if depth > MOST_DEPTH:
            raise Unreadable(f"it is nested more than {MOST_DEPTH} levels deep, or contains itself")
        if isinstance(each, str) and not is_utf8(each):
            raise Unreadable("it has half a surrogate pair, which is no character")
        if isinstance(each, float) and not math.isfinite(each):
            raise Unreadable(f"{each} is no number")
        if isinstance(each, int) and not LEAST_INTEGER <= each <= MOST_INTEGER:
            raise Unreadable("a number needs more than 64 bits")
        if not isinstance(each, dict | list | set | tuple):
            return 1
        if id(each) not in sizes:
            sizes[id(each)] = 1 + sum(size(inner, depth + 1) for inner in _inner(each))
        if sizes[id(each)] > MOST_YAML_VALUES:
            raise Unreadable(f"its aliases stand for more than {MOST_YAML_VALUES} values")
        return sizes[id(each)]

    size(value, 0)


def _require_counted(value: Any) -> None:
    """Look at each number of a model."""
    if isinstance(value, BaseModel):
        value = value.__dict__
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple | set | frozenset):
        if isinstance(value, int) and not LEAST_INTEGER <= value <= MOST_INTEGER:
            raise Unreadable(f"{str(value)[:40]} needs more than 64 bits")
        return
    for each in value:
        _require_counted(each)


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    else:
        yield from value
