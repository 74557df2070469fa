"""A stack on AWS is used by one machine at a time: a tag on its cluster says by whom, and until when.

A lock file keeps the sweeps of one machine apart; another machine does not see it. ECS cannot set a tag only if there
is none. So a lease is written and then read again: of two machines that take it at the same moment, the one that wrote
last keeps it, and the other one sees so.
"""

from __future__ import annotations

import os
import re
import socket
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from getpass import getuser

from experiments.executors.fargate.aws import Aws, Clock
from kit.errors import StoreError
from kit.files import write
from kit.paths import data_dir

TAG = "sociometer:lease"
APART_SECONDS = 600.0
"""So much may the clocks of two machines differ: AWS refuses a request whose time is wrong by more than five minutes
(Signature Version 4). Another machine's lease counts as long after its end."""
SETTLE_SECONDS = 3.0
"""Between writing and reading again: longer than the time between somebody else's reading and writing."""
ACTIVE = "ACTIVE"
_VALUE = re.compile(r"(?P<id>[0-9a-f]{32}) (?P<who>.*) until (?P<until>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9 +\-=._:/@]")
"""In the value of an ECS tag (API reference of Amazon ECS, Tag)."""


@dataclass(frozen=True)
class Holder:
    """Who uses a stack: the machine's id, how people know it, and until when, unless it is renewed."""

    id: str
    who: str
    until: datetime

    @classmethod
    def parse(cls, value: str) -> Holder | None:
        """A tag's value; None when it is no lease of ours."""
        if (match := _VALUE.fullmatch(value)) is None:
            return None
        try:
            until = datetime.strptime(match["until"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:  # a 31st of February
            return None
        return cls(match["id"], match["who"], until)

    def __str__(self) -> str:
        who = _NOT_ALLOWED.sub("_", self.who)[:120]
        return f"{self.id} {who} until {self.until:%Y-%m-%dT%H:%M:%SZ}"


class Lease:
    """The lease of one cluster: `take` it, `renew` it before each round, and `give_back`."""

    def __init__(self, aws: Aws, clock: Clock, cluster: str, seconds: float) -> None:
        self._aws, self._clock, self._cluster, self._seconds = aws, clock, cluster, seconds
        self._id = machine_id()

    def take(self) -> None:
        """Raise `StoreError` that names the machine that uses the stack; its lease counts until it has run out."""
        self._write()
        self._clock.sleep(SETTLE_SECONDS)
        self._refuse_other(self._tags())

    def renew(self) -> None:
        """Go on holding it; raise `StoreError` when somebody else has it now, because ours had run out."""
        self._write()

    def is_lost(self) -> bool:
        """Whether somebody else has it."""
        return (holder := _holder(self._tags())) is not None and holder.id != self._id

    def give_back(self) -> None:
        """Free the stack, if it is ours and still there."""
        if (holder := _holder(self._tags())) is not None and holder.id == self._id:
            self._aws.untag_resource(self._cluster, [TAG])

    def _write(self) -> None:
        tags = self._tags()
        self._refuse_other(tags)
        if tags is not None:
            who = f"{getuser()}@{socket.gethostname()}, process {os.getpid()}".replace(",", "")
            ours = Holder(self._id, who, self._now() + timedelta(seconds=self._seconds))
            self._aws.tag_resource(self._cluster, {TAG: str(ours)})

    def _refuse_other(self, tags: dict[str, str] | None) -> None:
        if (holder := _holder(tags)) is None or holder.id == self._id:
            return
        until = holder.until + timedelta(seconds=APART_SECONDS)
        if until < self._now():
            return
        raise StoreError(
            f"The stack on {self._cluster} is in use by {holder.who}, on another machine or with another data folder, "
            f"until {until:%Y-%m-%d %H:%M:%S} UTC unless it goes on. Wait for it, or end it there with Ctrl-C. "
            f"If that machine is gone: `aws ecs untag-resource --resource-arn {self._cluster} --tag-keys {TAG}`."
        )

    def _tags(self) -> dict[str, str] | None:
        """The cluster's tags; None when there is no such cluster."""
        for cluster in self._aws.describe_clusters([self._cluster]):
            if cluster.get("status", ACTIVE) == ACTIVE:
                return {tag["key"]: tag.get("value", "") for tag in cluster.get("tags", ())}
        return None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time_ns() / 1e9, UTC)


def _holder(tags: dict[str, str] | None) -> Holder | None:
    return Holder.parse((tags or {}).get(TAG, ""))


def machine_id() -> str:
    """What tells this machine's user from others: made once, and kept beside the locks that keep its sweeps apart."""
    path = data_dir() / "locks" / "machine-id"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, uuid.uuid4().hex)
    return path.read_text().strip()
