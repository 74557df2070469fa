"""Where a task ran, as its id tells: a record cannot lose the mark of a simulation, whatever it is copied to. Pure."""

from __future__ import annotations

import re

_IDS = (
    ("lab", re.compile(r"arn:lab:")),
    ("sim", re.compile(r"arn:aws:ecs:sim:")),
    ("fargate", re.compile(r"arn:aws[a-z-]*:ecs:")),
    ("fake", re.compile(r"fake/")),
)
"""How the ids of a target's tasks begin; the first that fits."""
NOT_MEASURED = ("sim", "fake")
"""Targets whose figures come out of a program and are no measurements."""


def target_of(task_id: str) -> str | None:
    """The target that a task ran on; None for an id that no target gives."""
    return next((target for target, pattern in _IDS if pattern.match(task_id)), None)


def is_simulated(task_id: str) -> bool:
    """Whether the task is a simulation's or a fake's."""
    return target_of(task_id) in NOT_MEASURED
