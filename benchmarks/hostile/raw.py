"""Bytes that were changed: bits, cuts, splices, numbers at the edge, other encodings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from benchmarks.hostile.words import NUMBERS, TEXTS

MOST_BYTES = 1 << 20
"""What splicing may grow an input to."""
WORDS = tuple(text.encode(errors="surrogatepass") for text in TEXTS)


def mutated(random: Random, sample: bytes, samples: Sequence[bytes], words: Sequence[bytes] = WORDS) -> bytes:
    """A sample with a few changes; ``words`` are what is put into it besides."""
    content = bytearray(sample)
    for _ in range(_few(random)):
        random.choice(_CHANGES)(random, content, samples, words)
    return bytes(content[:MOST_BYTES])


def encoded(random: Random, content: bytes) -> bytes:
    """The text in another encoding than it should have, or with a mark in front."""
    text = content.decode(errors="surrogateescape")
    kind = random.randrange(5)
    if kind == 0:
        return b"\xef\xbb\xbf" + content
    if kind == 1:
        return text.encode("utf-16", errors="surrogatepass")
    if kind == 2:
        return text.encode("utf-32-be", errors="surrogatepass")
    if kind == 3:
        return text.encode("latin-1", errors="replace")
    return content + b"\xff\xfe\x80"


def _few(random: Random) -> int:
    """One change most of the time, now and then many."""
    return min(1 + int(random.expovariate(0.7)), 12)


def _place(random: Random, content: bytearray) -> int:
    return random.randrange(len(content) + 1)


def _flip(random: Random, content: bytearray, *_: object) -> None:
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def _byte(random: Random, content: bytearray, *_: object) -> None:
    if content:
        content[random.randrange(len(content))] = random.choice((0, 10, 13, 32, 127, 128, 255, random.randrange(256)))


def _cut(random: Random, content: bytearray, *_: object) -> None:
    del content[_place(random, content) :]


def _remove(random: Random, content: bytearray, *_: object) -> None:
    start = _place(random, content)
    del content[start : start + random.choice((1, 1, 2, 4, 16, 512))]


def _repeat(random: Random, content: bytearray, *_: object) -> None:
    start = _place(random, content)
    piece = content[start : start + random.choice((1, 2, 8, 64, 512, 4096))]
    content[start:start] = piece * random.choice((1, 1, 2, 30))


def _word(random: Random, content: bytearray, _: Sequence[bytes], words: Sequence[bytes]) -> None:
    start = _place(random, content)
    word = random.choice(words)
    content[start : start + random.choice((0, 0, len(word)))] = word


def _splice(random: Random, content: bytearray, samples: Sequence[bytes], *_: object) -> None:
    other = random.choice(samples)
    start, begin = _place(random, content), random.randrange(len(other) + 1)
    length = random.choice((1, 8, 64, 512, len(other)))
    content[start : start + random.choice((0, length))] = other[begin : begin + length]


def _number(random: Random, content: bytearray, *_: object) -> None:
    size = random.choice((1, 2, 4, 4, 8, 8))
    if len(content) < size:
        return
    at = random.randrange(len(content) - size + 1)
    if random.random() < 0.7:
        at -= at % size
    number = random.choice(NUMBERS) % (1 << (8 * size))
    content[at : at + size] = number.to_bytes(size, random.choice(("little", "big")))


_CHANGES: tuple[Callable[..., None], ...] = (
    _flip,
    _flip,
    _byte,
    _cut,
    _remove,
    _repeat,
    _word,
    _word,
    _splice,
    _number,
)
