"""What ECS says of one task, as compact facts: times on AWS's clock, its status, why it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.executors.fargate.clocks import nanoseconds

TIMES = {
    "created_ns": "createdAt",
    "connected_ns": "connectivityAt",
    "pull_started_ns": "pullStartedAt",
    "pull_stopped_ns": "pullStoppedAt",
    "started_ns": "startedAt",
}
"""The times of a task's start, as records and as DescribeTasks name them."""
NEVER_RAN = "TaskFailedToStart"
STOPPED_BY_ITSELF = (NEVER_RAN, "EssentialContainerExited", "SpotInterruption", "TerminationNotice")
"""Stop codes that scaling down does not give (API reference of Amazon ECS, Task)."""
UNHEALTHY = "health checks"
CANNOT_PULL = "CannotPull"
NO_CAPACITY = ("RESOURCE:", "Capacity is unavailable", "ResourceInitializationError")
"""Parts of stop reasons that the round's other tasks will not escape either (Amazon ECS, "Stopped tasks errors")."""


@dataclass(slots=True)
class TaskFacts:
    """A task as DescribeTasks last described it; times in ns since the epoch."""

    arn: str
    created_ns: int | None = None
    connected_ns: int | None = None
    pull_started_ns: int | None = None
    pull_stopped_ns: int | None = None
    started_ns: int | None = None
    stopped_ns: int | None = None
    stopping: bool = False
    stopped: bool = False
    stop_code: str = ""
    stop_reason: str = ""
    started_by: str = ""
    task_definition: str = ""
    missing: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all times of its start are known: there is nothing left to ask before it stops."""
        return None not in (getattr(self, name) for name in TIMES)

    @property
    def gone(self) -> bool:
        """Whether it has stopped, or ECS has forgotten it already."""
        return self.stopped or self.missing is not None

    @property
    def stopped_by_itself(self) -> bool:
        """Whether it stopped for another reason than being scaled down."""
        return self.stop_code in STOPPED_BY_ITSELF or UNHEALTHY in self.stop_reason

    @property
    def hopeless(self) -> bool:
        """Whether it never ran, for a reason that ends the whole round: its image, its network, or AWS's capacity."""
        return self.stop_code == NEVER_RAN or any(part in self.stop_reason for part in (CANNOT_PULL, *NO_CAPACITY))

    def learn(self, document: Mapping[str, Any]) -> None:
        """Take in an answer; what is known stays known, since a later answer may come from an older copy."""
        for name, key in TIMES.items():
            setattr(self, name, _time(document.get(key)) or getattr(self, name))
        self.stopped_ns = _time(document.get("stoppedAt")) or self.stopped_ns
        self.stopping = self.stopping or document.get("desiredStatus") == "STOPPED"
        self.stopped = self.stopped or document.get("lastStatus") == "STOPPED"
        self.stop_code = document.get("stopCode") or self.stop_code
        self.stop_reason = _reason(document) or self.stop_reason
        self.started_by = document.get("startedBy") or self.started_by
        self.task_definition = document.get("taskDefinitionArn") or self.task_definition
        self.missing = None

    def stamps(self) -> tuple[int, ...]:
        """Every time that is known."""
        values = (*(getattr(self, name) for name in TIMES), self.stopped_ns)
        return tuple(value for value in values if value is not None)


def task_id(arn: str) -> str:
    """The last part of a task's ARN; its log stream ends with it."""
    return arn.rpartition("/")[2]


def _time(moment: datetime | None) -> int | None:
    return None if moment is None else nanoseconds(moment)


def _reason(document: Mapping[str, Any]) -> str:
    """Why it stopped, in one line: ECS's words, and what its container adds."""
    parts = [document.get("stoppedReason") or ""]
    for container in document.get("containers", ()):
        parts.append(container.get("reason") or "")
        if (code := container.get("exitCode")) and document.get("stoppedReason"):
            parts.append(f"exit code {code}")
    return " ".join("; ".join(dict.fromkeys(part for part in parts if part)).split())
