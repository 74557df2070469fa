"""When and how the campaign of `crash.py` ends a command: drawn by a seed, so that a campaign can be run again."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass

SIGNALS = {name: getattr(signal, f"SIG{name}") for name in ("KILL", "TERM", "INT", "HUP")}
"""What the command itself gets: a kill, an orderly end, Ctrl-C, a closed terminal."""

PROGRAMS = {
    "registry": "docker-registry",
    "containerd": "containerd",
    "snapshotter": "soci-snapshotter-grpc",
    "pulumi": "pulumi",
}
"""What gets SIGKILL instead of the command: the lab's registry, a host's daemons, Pulumi; by their programs' names."""

UP, START, REPORT = "up", "start", "report"
PHASES = {
    UP: ("", 9.0, ("pulumi",)),
    START: ("", 4.0, ()),
    "provision": (": preparing", 0.8, ("containerd", "snapshotter", "registry")),
    "pull": (": pulling", 0.5, ("containerd", "snapshotter", "registry")),
    "boot": (": waiting to be ready", 0.4, ("containerd", "snapshotter", "registry")),
    "stop": (": clearing", 0.3, ("registry",)),
    "record": (": clearing", 1.2, ()),
    REPORT: ("", 3.0, ()),
}
"""For each phase: the end of the line that tells of it (none: the command's start), the most seconds that pass from
there to the end, and what can be killed in it beside the command."""


@dataclass(frozen=True)
class Moment:
    """One end: in which phase, of which round from now, by what, and how many seconds after the phase began."""

    phase: str
    round: int
    means: str
    delay: float

    @property
    def told(self) -> str:
        """How the line of standard error ends that says that the phase has begun; empty: it begins with the command."""
        return PHASES[self.phase][0]


def moments(seed: int, episode: int, ups: int, rounds: int) -> Iterator[Moment]:
    """The moments of an episode: ``ups`` while its stack is made, ``rounds`` during its sweep, one while it reports."""
    draw = random.Random(f"{seed}/{episode}")  # noqa: S311 - a draw that can be repeated
    sweeping = [phase for phase in PHASES if phase not in (UP, REPORT)]
    for phases, count in (([UP], ups), (sweeping, rounds), ([REPORT], 1)):
        for phase, means in _ways(seed, phases, count * (episode - 1), count):
            yield Moment(phase, draw.choice([1, 1, 2]), means, draw.uniform(0, PHASES[phase][1]))


def _ways(seed: int, phases: list[str], first: int, count: int) -> list[tuple[str, str]]:
    """The next phases and means: each pair comes once before any comes again, but SIGKILL twice.

    Single draws had left the snapshotter alone in 53 moments.
    """
    ways = [(phase, means) for phase in phases for means in ("KILL", *SIGNALS, *PHASES[phase][2])]
    random.Random(seed).shuffle(ways)  # noqa: S311 - a draw that can be repeated
    return [ways[number % len(ways)] for number in range(first, first + count)]
