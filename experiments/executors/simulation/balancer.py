"""The simulated load balancer in front of one service: a random healthy task answers each request."""

from __future__ import annotations

import json
from bisect import bisect_right, insort
from random import Random
from typing import NamedTuple

from experiments.executors.fargate.aws import Answer
from experiments.executors.simulation import documents
from experiments.executors.simulation.task import SimulatedTask
from infra import boot_report

OK, NOT_FOUND, BAD_GATEWAY, UNAVAILABLE = 200, 404, 502, 503
HEALTH_PATH, STATUS_PATH = "/", "/status"
DRAWS = 20
"""How often a task is drawn at random before all are searched for one that is still healthy."""


class _Target(NamedTuple):
    healthy_ns: int
    task: SimulatedTask


class Balancer:
    """The targets of one service. ``random`` decides who answers."""

    def __init__(self, random: Random, bad_gateway_share: float) -> None:
        self._random, self._bad_gateway_share = random, bad_gateway_share
        self._targets: list[_Target] = []

    def add(self, task: SimulatedTask) -> None:
        """Register a task; it serves requests once it is healthy."""
        if task.healthy_ns is not None:
            insort(self._targets, _Target(task.healthy_ns, task), key=_healthy)

    def clear(self) -> None:
        """Forget all targets: a new round begins."""
        self._targets = []

    def answer(self, path: str, now_ns: int, stranger: str | None) -> Answer:
        """The answer to a GET; ``stranger``: the ARN of a task of another round that answers instead."""
        if self._random.random() < self._bad_gateway_share:
            return Answer(BAD_GATEWAY, b"<html><h1>502 Bad Gateway</h1></html>")
        task = self._pick(now_ns)
        if task is None:
            return Answer(UNAVAILABLE, b"<html><h1>503 Service Temporarily Unavailable</h1></html>")
        return _serve(task, path, now_ns, stranger)

    def _pick(self, now_ns: int) -> SimulatedTask | None:
        known = bisect_right(self._targets, now_ns, key=_healthy)
        for _ in range(DRAWS if known else 0):
            task = self._targets[int(self._random.random() * known)].task
            if task.serves(now_ns):
                return task
        return next((target.task for target in self._targets[:known] if target.task.serves(now_ns)), None)


def _serve(task: SimulatedTask, path: str, now_ns: int, stranger: str | None) -> Answer:
    if path == HEALTH_PATH:
        return Answer(OK, b"ok\n")
    if path == STATUS_PATH:
        return Answer(OK, json.dumps({"TaskARN": stranger or task.arn}).encode())
    if path != boot_report.PATH or task.time("boot_finished_ns", now_ns) is None:
        return Answer(NOT_FOUND, b"404 Not Found")
    text = documents.report_line(task)
    return Answer(OK, (text if stranger is None else text.replace(task.arn, stranger)).encode())


def _healthy(target: _Target) -> int:
    return target.healthy_ns
