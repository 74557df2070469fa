"""One task of default soci-v2 in the lab, without stack, sweep or store: for `bench_trace` and `bench_sampling`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.lab_forms import TIMEOUT_SECONDS, Measured
from benchmarks.points import Facts, Point, Row
from infra.lab.cluster import Cluster
from infra.lab.daemons import PullModes
from infra.lab.profiles import profile as profile_named
from infra.lab.protocol import Ending
from infra.settings.model import Settings
from infra.trace.prepare import FORM, Prepared, fetch, index
from infra.trace.record import Wanted, task_of
from kit.errors import LabError
from kit.scratch import scratch
from kit.values import Notify
from sociometer.cli.images import settings_of


@dataclass(frozen=True)
class Startable:
    """An image in a registry as default soci-v2, and how its tasks run."""

    name: str
    image: Prepared
    wanted: Wanted

    def open(self) -> Cluster:
        """A lab for its tasks."""
        return Cluster.open(self.image.storage, self.wanted.profile, self.wanted.platform)

    def start(self, cluster: Cluster, notify: Notify = lambda _step: None) -> float:
        """Seconds of a fresh task on a fresh host, from its release until it is ready. Raises `LabError` where it
        never is, or was not loaded lazily."""
        with cluster.lives([task_of(self.image, self.wanted)], PullModes.of(FORM)) as (life,):
            notify("start")
            cluster.live([life], lambda: None)
            notify("clearing")
        run = life.run
        if run.ending is not Ending.BOOTED or run.ready_ns is None:
            raise LabError(f"A start of {self.name} ended as {run.ending}: {run.reason}")
        return (run.ready_ns - run.created_ns) / 1e9


@contextmanager
def startable(image: Measured, profile: str, notify: Notify) -> Iterator[Startable]:
    """Copy and index the image; the registry is gone after the block."""
    settings = Settings.parse(settings_of({image.name: image.reference}, {"ready": image.ready}))
    wanted = Wanted(settings.images[image.name], profile_named(profile), settings.platform, TIMEOUT_SECONDS)
    with scratch("start") as room:
        yield Startable(image.name, index(fetch(image.name, settings, room, notify), settings, room, notify), wanted)


@dataclass
class Turns:
    """What was measured in turn; ``rows`` has a row for each run, its block the turn."""

    name: str
    profile: str
    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, turn: int, seconds: float) -> None:
        """One run."""
        self.rows.append(Row(what, turn, 0.0, seconds, 0.0, None))

    @property
    def point(self) -> Point:
        """For ratios paired by turn."""
        return Point(Facts(self.name, 0, 0, 0, 0), self.profile, "", tuple(self.rows))
