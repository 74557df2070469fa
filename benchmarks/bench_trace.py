"""`sociometer trace` against one start of the same image: is a trace under twice a start?

    python benchmarks/bench_trace.py [IMAGE …] [--pairs 3] [--profile fargate-1024-2048]
    python benchmarks/bench_trace.py --ready http:8080/health web=oci:FOLDER        (an image of your own, in a layout)

IMAGE is `python-web` or `node-web` (`web_images.py`); both, if none is named. In turn, so that a busy hour meets both:

* trace: the command as a user runs it, with its default profile, from its first line to its last, with where its
  seconds go; the first of an image, of which no index is kept, and one more after it;
* start: one task of default soci-v2, from its release until it is ready, on a host that is there already, its image in
  the registry already. Beside it, what a user waits for such a start where nothing is prepared: the copy of the image,
  its index, a lab, the start, and clearing up.

Prints every run, medians, and ratios with 95 % intervals paired by turn (from three on). Exits with 1 when the trace
takes twice the start or more.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import bench_forms, web_images
from benchmarks.lab_forms import TIMEOUT_SECONDS, Measured
from benchmarks.lab_starts import Turns, startable
from benchmarks.points import Point
from kit.command import run
from kit.errors import LabError, SociometerError
from kit.paths import cache_dir
from kit.scratch import scratch

PROFILE = "fargate-1024-2048"
BAR = 2.0
BEGAN, ENDED = "began", "ended"
TRACE, AGAIN, START, WHOLE = "trace", "trace again", "start", "whole start"


@dataclass
class Clock:
    """Seconds from the first moment, each with what began then."""

    began: float = field(default_factory=time.monotonic)
    moments: list[tuple[str, float]] = field(default_factory=lambda: [(BEGAN, 0.0)])

    def __call__(self, step: str) -> None:
        """A step begins now."""
        self.moments.append((step, time.monotonic() - self.began))

    @property
    def seconds(self) -> float:
        """Until the last step."""
        return self.moments[-1][1]

    @property
    def text(self) -> str:
        """How long each step took."""
        pairs = zip(self.moments, self.moments[1:], strict=False)
        return ", ".join(f"{step} {until - since:.1f}" for (step, since), (_, until) in pairs)


def sociometer() -> str:
    """The command of this environment."""
    return str(Path(sys.executable).parent / "sociometer")


def traced(image: Measured) -> Clock:
    """Run the command; its lines on standard error are its steps."""
    with scratch("bench-trace") as room:
        words = [sociometer(), "trace", image.reference, "--ready", image.ready]
        words += ["--output", str(room / "trace.json")]
        clock, said = Clock(), list[str]()
        with subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=_installed()
        ) as running:
            assert running.stderr is not None
            for line in running.stderr:
                said.append(line.rstrip())
                clock(line.strip().partition(": ")[2] or line.strip())
        clock(ENDED)
        if running.returncode != 0:
            raise LabError(f"The trace of {image.name} failed: {' / '.join(said[-3:])}")
        return clock


def _installed() -> dict[str, str]:
    """As a user has it: with compiled files, which an environment may forbid to write."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def started(image: Measured, profile: str) -> tuple[float, Clock]:
    """Seconds until a fresh task is ready, and the steps around it."""
    clock = Clock()
    with startable(image, profile, lambda line: clock(line.partition(": ")[2])) as here:
        clock("lab")
        with closing(here.open()) as cluster:
            seconds = here.start(cluster, clock)
    clock(ENDED)
    return seconds, clock


def forget_indexes() -> None:
    """As on a machine that never indexed the image; they are made again when they are needed."""
    for kept in (cache_dir() / "indexes").glob("*.tar"):
        kept.unlink()


def measured(image: Measured, profile: str, pairs: int) -> Point:
    """Both in turn, so often; every other time the start first."""
    turns = Turns(image.name, profile)
    run([sociometer(), "--version"], timeout_seconds=TIMEOUT_SECONDS, env=_installed())  # compiles, the first time
    for turn in range(pairs):
        for what in (TRACE, START) if turn % 2 == 0 else (START, TRACE):
            forget_indexes()
            if what == TRACE:
                clock = traced(image)
                seconds = {TRACE: clock.seconds, AGAIN: traced(image).seconds}
            else:
                ready, clock = started(image, profile)
                seconds = {START: ready, WHOLE: clock.seconds}
            for form, each in seconds.items():
                turns.add(form, turn, each)
            told = ", ".join(f"{form} {each:.1f} s" for form, each in seconds.items())
            print(f"  {image.name}, turn {turn + 1}: {told} ({clock.text})", flush=True)
    return turns.point


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    parser.add_argument("--ready")
    parser.add_argument("--profile", default=PROFILE)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    missed = False
    for word in options.images or web_images.WEB_IMAGES:
        found = measured(bench_forms.image_of(word, options.ready), options.profile, options.pairs)
        for what, control in ((TRACE, START), (AGAIN, START), (TRACE, WHOLE)):
            text = bench_forms.text(found.ratio(what, control))
            print(f"{word}: {what} {found.median_seconds(what):.1f} s ÷ {control}: {text}")
        ratio = found.ratio(TRACE, START)
        missed |= ratio is None or ratio.ratio >= BAR
    print(f"{'MISSED' if missed else 'met'}: trace ÷ start < {BAR:g}")
    return int(missed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SociometerError as error:
        sys.exit(str(error))
