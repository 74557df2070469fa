"""Readiness by the image's own HEALTHCHECK, run in the container as Docker would run it."""

from __future__ import annotations

import time

from infra.lab.ctr import Ctr
from infra.lab.probe import Answer
from infra.lab.protocol import LabTask
from infra.lab.reasons import ImageAtFault
from kit.errors import CommandTimeout

LIMIT_SECONDS = 30.0
"""Docker's default time limit of a health check."""


def look(ctr: Ctr, task: LabTask) -> Answer:
    """Whether the check ends with 0 now; raises `ImageAtFault` when the image has none."""
    words = task.container.config.health_command
    if words is None:
        raise ImageAtFault("The image has no HEALTHCHECK, and readiness is to come from it.")
    check = task.container.config.health_check
    limit = (check.timeout_ns / 1e9 if check else 0) or LIMIT_SECONDS
    name = f"health-{time.monotonic_ns()}"
    try:
        done = ctr.tell(["tasks", "exec", "--exec-id", name, task.container_id, *words], limit)
    except CommandTimeout:
        return Answer(ready=False, seen=f"its health check did not end within {limit:g} s")
    return Answer(done.exit_code == 0, f"its health check ended with {done.exit_code}")
