"""Simulated CloudWatch Logs: the boot reports of one service, found late and out of order, in pages.

The simulation's tasks log nothing but their boot reports. A page holds 10,000 events or 1 MB, and may be empty while
more follow (API reference, FilterLogEvents); a reader misses events that are ingested after he has passed their time.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from typing import NamedTuple

from experiments.executors.fargate.aws import Document, Page
from experiments.executors.simulation.documents import NS_PER_MS, log_stream, report_line
from experiments.executors.simulation.task import SimulatedTask

PAGE_BYTES = 1 << 20
PAGE_EVENTS = 10_000
EVENT_BYTES = 26
"""Each event counts this much more than its message (API reference, PutLogEvents)."""


class _Logged(NamedTuple):
    timestamp_ms: int
    rank: float
    task: SimulatedTask


class BootLog:
    """The events of one service, in the order of their time stamps."""

    def __init__(self) -> None:
        self._events: list[_Logged] = []

    def add(self, task: SimulatedTask) -> None:
        """Add a task's report: it is found once it is ingested, unless the task is stopped before it has booted."""
        if task.boot_finished_ns is not None and task.ingested_ns is not None:
            insort(self._events, _Logged(task.boot_finished_ns // NS_PER_MS, task.rank, task), key=_order)

    def page(self, prefix: str, pattern: str, start_ms: int, token: str | None, now_ns: int) -> Page:
        """The matching events from ``start_ms`` on, or from where the last page ended."""
        start = _parse(token or self.first_token(start_ms))
        items: list[Document] = []
        size = 0
        for logged in self._events[bisect_left(self._events, start, key=_order) :]:
            if not _found(logged.task, now_ns) or not log_stream(logged.task).startswith(prefix):
                continue
            message = report_line(logged.task)
            if not matches(pattern, message):
                continue
            size += len(message) + EVENT_BYTES
            if len(items) == PAGE_EVENTS or size > PAGE_BYTES:
                return Page(items, json.dumps(_order(logged)))
            items.append(_event(logged, message))
        return Page(items, None)

    @staticmethod
    def first_token(start_ms: int) -> str:
        """The token of the first page."""
        return json.dumps((start_ms, -1.0))

    def forget(self, tasks: list[SimulatedTask]) -> None:
        """Drop the events of tasks that ECS has forgotten."""
        gone = {task.arn for task in tasks}
        self._events = [logged for logged in self._events if logged.task.arn not in gone]


def matches(pattern: str, message: str) -> bool:
    """Whether a message has every term of a filter pattern, quoted or bare; raises for other kinds of patterns."""
    terms = pattern.split()
    if any(character in pattern for character in "{}[]?-%"):
        raise NotImplementedError(f"The simulation knows terms alone as filter patterns, not {pattern!r}.")
    return all(term.strip('"') in message for term in terms)


def _found(task: SimulatedTask, now_ns: int) -> bool:
    return (
        task.ingested_ns is not None
        and task.ingested_ns <= now_ns
        and task.time("boot_finished_ns", now_ns) is not None
    )


def _event(logged: _Logged, message: str) -> Document:
    return {
        "logStreamName": log_stream(logged.task),
        "timestamp": logged.timestamp_ms,
        "message": message,
        "ingestionTime": (logged.task.ingested_ns or 0) // NS_PER_MS,
        "eventId": f"{logged.timestamp_ms}{logged.task.id}",
    }


def _order(logged: _Logged) -> tuple[int, float]:
    return logged.timestamp_ms, logged.rank


def _parse(token: str) -> tuple[int, float]:
    timestamp_ms, rank = json.loads(token)
    return timestamp_ms, rank
