"""One input: given to its parser within a time limit, and what came of it in a word."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from benchmarks.hostile.parser import Parser
from benchmarks.hostile.sandbox import Escaped
from kit.errors import SociometerError
from kit.visible import visible

SECONDS = 2.0
"""Of CPU time, for one input: the machine may be busy with something else."""
MOST_CHARACTERS = 2500
"""Of a refusal: it is one line."""
ROOT = Path(__file__).parents[2]


class Hung(BaseException):
    """The time is over."""


@dataclass(frozen=True)
class Verdict:
    """``kind``: accepted, refused, traceback, unclear, hang, outside. ``place`` tells faults apart: the exception and
    the last lines of the project's code that it came through."""

    kind: str
    place: str = ""
    said: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it may not be."""
        return self.kind not in ("accepted", "refused")


def tried(parser: Parser, content: bytes, seconds: float = SECONDS) -> Verdict:
    """Give an input to a parser."""
    signal.signal(signal.SIGPROF, _over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        try:
            parser.take(content)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except SociometerError as error:
        return _told(error)
    except Hung as error:
        return _fault("hang", error)
    except Escaped as error:
        return _fault("outside", error)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return _fault("traceback", error)
    return Verdict("accepted")


def _told(error: SociometerError) -> Verdict:
    text = str(error)
    if text and visible(text) == text and "\t" not in text and len(text) <= MOST_CHARACTERS:
        return Verdict("refused")
    why = "empty" if not text else "long" if len(text) > MOST_CHARACTERS else "not one printable line"
    return Verdict("unclear", f"{why} {_way(error)}", repr(text)[:300])


def _fault(kind: str, error: BaseException) -> Verdict:
    return Verdict(kind, f"{type(error).__name__} {_way(error)}", repr(error)[:300])


def _way(error: BaseException) -> str:
    """Where it was raised, by the last two places in the project's own code."""
    frames = [
        f"{Path(each.f_code.co_filename).relative_to(ROOT)}:{each.f_code.co_name}"
        for each, _ in traceback.walk_tb(error.__traceback__)
        if each.f_code.co_filename.startswith(str(ROOT)) and "/.venv/" not in each.f_code.co_filename
    ]
    own = [frame for frame in frames if not frame.startswith("benchmarks/")] or frames
    return " < ".join(dict.fromkeys(reversed(own[-2:])))


def _over(_: int, __: FrameType | None) -> None:
    raise Hung


def smallest(parser: Parser, content: bytes, verdict: Verdict, tries: int = 400) -> bytes:
    """A smaller input that shows the same fault at the same place, found by leaving out pieces."""

    def same(other: bytes) -> bool:
        found = tried(parser, other)
        return (found.kind, found.place) == (verdict.kind, verdict.place)

    return _without(content, same, tries if verdict.kind != "hang" else 25)


def _without(content: bytes, same: Callable[[bytes], bool], tries: int) -> bytes:
    size = max(len(content) // 2, 1)
    while size and tries > 0:
        at = 0
        while at < len(content) and tries > 0:
            tries -= 1
            less = content[:at] + content[at + size :]
            if same(less):
                content = less
            else:
                at += size
        size //= 2
    return content
