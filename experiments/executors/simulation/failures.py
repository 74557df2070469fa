"""What a script can make go wrong in a simulated round: the failures that AWS is known for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What goes wrong. Failures of tasks meet the first tasks that a round launches."""

    REPLACED = "a task that has booted is stopped by AWS, and replaced"
    STOPPED_EARLY = "a task's container exits in the middle of its boot, and it is replaced"
    CANNOT_PULL = "the image cannot be pulled"
    NO_CAPACITY = "no capacity: tasks are not launched at all"
    NOT_LAZY = "a lazy form is silently pulled whole"
    NO_REPORT = "the boot report never reaches the log"
    CUT_REPORT = "the boot report is cut"
    FOREIGN_REPORT = "the boot report names another task"
    STUCK = "a task never gets to its boot"
    STALE = "ListTasks still tells tasks of the rounds before as running"
    UNLISTED = "ListTasks leaves a task out"
    MISSING = "DescribeTasks does not know a task"
    FOREIGN_ANSWER = "the load balancer answers in the name of a task of the round before"
    REFUSED = "API calls are refused by throttling, whatever the rate"


ALL = 1_000_000
"""More than any round has tasks."""


@dataclass(frozen=True)
class Failure:
    """One thing that goes wrong: how many tasks (or calls, or answers) it meets, and for how long if it passes."""

    kind: Kind
    count: int = 1
    seconds: float = float("inf")


Script = Mapping[int, Sequence[Sequence[Failure]]]
"""By the round's index in its plan: what goes wrong in its first attempt, its second, …; later attempts go well."""
