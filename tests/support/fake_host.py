"""A lab host without namespaces, daemons or root: answers a task at once, unless it is told otherwise."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from infra.lab.container_spec import Container
from infra.lab.probe import Answer
from infra.lab.protocol import End, LabTask
from infra.lab.snapshotter_log import Loading
from infra.oci.config import ImageConfig
from infra.readiness import Ready
from kit.errors import CommandFailed

TASK_ARN = "arn:lab:ecs:local:000000000000:task/sociometer/one"


READY = Answer(ready=True, seen="answered 200")
FAILED = End(1)
NOTHING = Loading()


@dataclass
class FakeLayers:
    """Two layers that are lazy, unless told otherwise."""

    root: str | None = "soci"
    count: int = 2
    loaded: Loading = NOTHING
    fallen_back: str = ""

    def snapshotter(self) -> str | None:
        return self.root

    def lazy(self) -> int:
        return self.count

    def loading(self) -> Loading:
        return self.loaded

    def why_not_lazy(self) -> str:
        return self.fallen_back


@dataclass
class FakeHost:
    """A host whose task boots lazily; every field may be changed before, or while, the task lives."""

    reachable: bool = True
    pull_error: Exception | None = None
    start_error: Exception | None = None
    pull_hangs: bool = False
    answer: Answer = READY
    report: dict[str, Any] | None = field(default_factory=lambda: boot_document())
    stopped: bool = False
    ended: End = FAILED
    layers: FakeLayers = field(default_factory=FakeLayers)
    dead: str | None = None
    words: str = "It said nothing."
    memory_limit: int | None = None
    environment: dict[str, str] | None = None
    killed: threading.Event = field(default_factory=threading.Event)

    def reaches_registry(self) -> bool:
        return self.reachable

    def pull(self, image: str, snapshotter: str, *, timeout_seconds: float) -> None:
        if self.pull_hangs:
            assert self.killed.wait(timeout_seconds)
            raise CommandFailed("ctr was killed.")
        if self.pull_error:
            raise self.pull_error

    def start(self, task: LabTask, environment: dict[str, str]) -> None:
        self.environment = environment
        if self.start_error:
            raise self.start_error

    def look(self, task: LabTask) -> Answer:
        return self.answer

    def boot_report(self, port: int) -> bytes | None:
        return None if self.report is None else json.dumps(self.report).encode()

    def has_stopped(self) -> bool:
        return self.stopped

    def end(self, container_id: str) -> End:
        return self.ended

    def killed_for_memory(self) -> int | None:
        return self.memory_limit

    def received_bytes(self) -> int:
        return 1000

    def trouble(self) -> str | None:
        return self.dead

    def last_words(self) -> str:
        return self.words

    def kill(self) -> None:
        self.killed.set()


def boot_document(**changes: Any) -> dict[str, Any]:
    """What a task answers at /boot.json."""
    now = time.time_ns()
    document: dict[str, Any] = {
        "schema_version": 1,
        "variant": "movie",
        "task_arn": TASK_ARN,
        "snapshotter": "soci",
        "clock_error_bound_ms": 0.5,
        "started_ns": now - 2,
        "finished_ns": now - 1,
        "files": [],
    }
    return document | changes


def lab_task(**changes: Any) -> LabTask:
    """The task of a lazy image, which answers at port 8080."""
    values: dict[str, Any] = {
        "task_arn": TASK_ARN,
        "container_id": "one",
        "image": "10.213.0.1:5000/movie@sha256:1",
        "image_digest": "sha256:1",
        "snapshotter": "soci",
        "lazy_layers": 2,
        "container": Container(ImageConfig()),
        "ready": Ready("http", 8080),
        "has_boot_report": True,
        "timeout_seconds": 10.0,
    }
    return LabTask(**values | changes)
