"""JSON documents that were changed where it counts: a value for another, a key left out, twice, or of somebody else.

A sample is written out once, with the place of each value; a change is then a splice of text, so that what no JSON
writer writes (keys twice, NaN, half a surrogate pair, nesting without end) is as cheap as anything else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.hostile import raw
from benchmarks.hostile.words import RARE, TEXTS, VALUES


@dataclass
class Sample:
    """A document as text; ``values`` are the places of its values, ``members`` those of keys with their values."""

    text: str = ""
    values: list[tuple[int, int]] = field(default_factory=list)
    members: list[tuple[int, int]] = field(default_factory=list)


def sample(value: Any) -> Sample:
    """A value written out with the places of all that is in it."""
    pieces, found, at = list[str](), Sample(), 0

    def put(text: str) -> None:
        nonlocal at
        pieces.append(text)
        at += len(text)

    def write(each: Any) -> None:
        start = at
        if isinstance(each, dict):
            put("{")
            for number, (key, inner) in enumerate(each.items()):
                put("," if number else "")
                begin = at
                put(f"{json.dumps(key)}:")
                write(inner)
                found.members.append((begin, at))
            put("}")
        elif isinstance(each, list | tuple):
            put("[")
            for number, inner in enumerate(each):
                put("," if number else "")
                write(inner)
            put("]")
        else:
            put(json.dumps(each))
        found.values.append((start, at))

    write(value)
    found.text = "".join(pieces)
    return found


def maker(values: Sequence[Any]) -> Callable[[Random], bytes]:
    """What gives changed documents, of the kinds of these."""
    samples = [sample(value) for value in values]
    whole = [each.text.encode() for each in samples]

    def make(random: Random) -> bytes:
        if random.random() < 0.1:
            content = raw.mutated(random, random.choice(whole), whole)
        else:
            content = changed(random, random.choice(samples), samples).encode(errors="surrogatepass")
        return raw.encoded(random, content) if random.random() < 0.02 else content

    return make


def changed(random: Random, one: Sample, samples: Sequence[Sample]) -> str:
    """A document with one to four changes that do not touch each other."""
    text, before = one.text, len(one.text) + 1
    changes = sorted((_change(random, one, samples) for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4)))), reverse=True)
    for start, end, other in changes:
        if end <= before:
            text, before = text[:start] + other + text[end:], start
    return text


def _change(random: Random, one: Sample, samples: Sequence[Sample]) -> tuple[int, int, str]:
    kind = random.random()
    if kind < 0.2 and one.members:
        start, end = random.choice(one.members)
        member = one.text[start:end]
        if random.random() < 0.5:
            return start, end, f'"{random.randrange(9)}":0'  # in place of a key that is wanted
        return start, end, f"{member},{member.partition(':')[0]}:{value(random)}"
    start, end = random.choice(one.values)
    if kind < 0.4:
        other = random.choice(samples)
        begin, finish = random.choice(other.values)
        return start, end, other.text[begin:finish]
    return start, end, value(random)


def value(random: Random) -> str:
    """A value as text, JSON or not."""
    kind = random.random()
    if kind < 0.012:
        return random.choice(RARE)
    if kind < 0.55:
        return random.choice(VALUES)
    if kind < 0.9:
        return json.dumps(random.choice(TEXTS), ensure_ascii=random.random() < 0.7)
    return str(random.randint(-10, 1 << random.randrange(1, 70)))
