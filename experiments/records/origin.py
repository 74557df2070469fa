"""The target of a task, from its id: so a simulated record stays marked wherever it is copied. Pure."""

from __future__ import annotations

import re

_IDS = (
    ("lab", re.compile(r"arn:lab:")),
    ("sim", re.compile(r"arn:aws:ecs:sim:")),
    ("fargate", re.compile(r"arn:aws[a-z-]*:ecs:")),
    ("fake", re.compile(r"fake/")),
)
"""The prefix of each target's task ids; the first match counts."""
NOT_MEASURED = ("sim", "fake")
"""Targets whose figures are computed and not measured."""

ON_AWS_CLOCK = ("sim", "fargate")
"""Targets whose tasks' times are AWS's, while the round's request is a moment of the measuring machine."""


def target_of(task_id: str) -> str | None:
    """The target that a task ran on; `None` if no target issues such ids."""
    return next((target for target, pattern in _IDS if pattern.match(task_id)), None)


def is_simulated(task_id: str) -> bool:
    """Whether the task ran in a simulation or on the fake executor."""
    return target_of(task_id) in NOT_MEASURED
