"""The clocks of a round on Fargate: this machine's, AWS's, and what is known of the difference.

ECS stamps a task's life on AWS's clock. What this machine sees (the load balancer's answers) it can stamp only on its
own. The difference is not assumed but bounded: what we caused happens after we asked for it, what we are told happened
before we hear of it, and a dated answer was written between our asking and our hearing. Each such fact narrows the
interval; when they contradict each other, the difference is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from experiments.executors.fargate.aws import Clock, Described, Page
from experiments.records.model import ClockOffset
from experiments.records.phases import NS_PER_MS

NS_PER_SECOND = 1_000_000_000
STAMP_NS = NS_PER_MS
"""ECS's times are cut to the millisecond: the event was at most so much later."""
SECOND_STAMP_NS = NS_PER_SECOND
"""A time that shows no fraction of a second may have been cut to it, as stand-ins for ECS do."""
DATE_NS = NS_PER_SECOND
"""An HTTP date is cut to the second (RFC 9110, 5.6.7)."""
Answer = TypeVar("Answer", Page, Described)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since the epoch, exactly: a float could not hold them."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def on_aws_clock(local_ns: int, offset: ClockOffset | None) -> int:
    """A local time as AWS's clock showed it, within the offset's error; as it is when the offset is unknown."""
    return local_ns if offset is None else local_ns + round(offset.offset_ms * NS_PER_MS)


class AwsTime:
    """This machine's time during one round, and what the round has learnt of AWS's clock so far.

    Local times count from the round's start by the monotonic clock, so that a clock set in the middle of a round
    moves nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origin_ns = clock.time_ns() - self._monotonic_ns()
        self._least_ns: int | None = None
        self._most_ns: int | None = None

    def now_ns(self) -> int:
        """This machine's time, nanoseconds since the epoch."""
        return self._origin_ns + self._monotonic_ns()

    def caused(self, stamp_ns: int, asked_ns: int) -> None:
        """AWS stamped something that happened because of what we asked at ``asked_ns``."""
        cut_ns = SECOND_STAMP_NS if stamp_ns % SECOND_STAMP_NS == 0 else STAMP_NS
        self._at_most(stamp_ns + cut_ns - asked_ns)

    def heard(self, stamp_ns: int, heard_ns: int) -> None:
        """At ``heard_ns`` we knew of something that AWS stamped."""
        self._at_least(stamp_ns - heard_ns)

    def dated(self, ask: Callable[[], Answer]) -> Answer:
        """Ask AWS something; the date of its answer lies between our asking and our hearing."""
        asked_ns = self.now_ns()
        answer = ask()
        if answer.date is not None:
            self.heard(nanoseconds(answer.date), self.now_ns())
            self._at_most(nanoseconds(answer.date) + DATE_NS - asked_ns)
        return answer

    def offset(self) -> ClockOffset | None:
        """AWS's clock minus this machine's; None when nothing or nothing consistent is known."""
        if self._least_ns is None or self._most_ns is None or self._least_ns > self._most_ns:
            return None
        return ClockOffset(
            offset_ms=(self._least_ns + self._most_ns) / 2 / NS_PER_MS,
            error_ms=(self._most_ns - self._least_ns) / 2 / NS_PER_MS,
        )

    def _at_least(self, offset_ns: int) -> None:
        self._least_ns = offset_ns if self._least_ns is None else max(self._least_ns, offset_ns)

    def _at_most(self, offset_ns: int) -> None:
        self._most_ns = offset_ns if self._most_ns is None else min(self._most_ns, offset_ns)

    def _monotonic_ns(self) -> int:
        return round(self._clock.monotonic() * NS_PER_SECOND)
