"""What is tried: a parser of the project by name, how its inputs are made, and how one is given to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

from benchmarks.hostile import raw

Make = Callable[[Random], bytes]
_NUMBERS = count()


@dataclass(frozen=True)
class Parser:
    """``make`` gives an input; ``take`` gives it to the parser and raises what the parser raises, or `AssertionError`
    where something that was accepted is not as it must be. ``what`` says where such input comes from. ``prepare`` is
    done once, before anything is watched."""

    name: str
    what: str
    make: Make
    take: Callable[[bytes], object]
    prepare: Callable[[], object] = tuple


def text_of(content: bytes) -> str:
    """As arguments of commands are read."""
    return content.decode(errors="surrogateescape")


def new_folder(name: str) -> Path:
    """One that no input has had before; the campaign removes them many at a time, unwatched."""
    folder = next(place for number in _NUMBERS if not (place := Path(f"{name}-{number}")).exists())
    folder.mkdir()
    return folder


def texts(samples: Sequence[str], words: Sequence[str] = ()) -> Make:
    """Inputs of these samples, spliced with these words."""
    whole = [sample.encode() for sample in samples]
    pieces = _pieces(words)

    def make(random: Random) -> bytes:
        content = raw.mutated(random, random.choice(whole), whole, pieces)
        return raw.encoded(random, content) if random.random() < 0.02 else content

    return make


def _pieces(words: Sequence[str]) -> list[bytes]:
    """The words of a grammar come as often as what breaks all readers."""
    own = [word.encode() for word in words]
    return [*raw.WORDS, *(own * (len(raw.WORDS) // len(own) + 1) if own else ())]
