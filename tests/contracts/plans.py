"""Small plans for tests."""

from __future__ import annotations

from experiments.plan.plan import Design, Plan, make_plan
from experiments.plan.presets import PRESETS


def small_design(**changes: object) -> Design:
    """One variant, plain and soci-v2, one and two tasks, two blocks: eight rounds; any part can be changed."""
    small = {"name": "small", "variants": ("movie",), "forms": ("plain", "soci-v2"), "task_counts": (1, 2), "blocks": 2}
    return Design.model_validate({**PRESETS["default"].design.model_dump(), **small, **changes})


def small_plan(**changes: object) -> Plan:
    """The plan of `small_design`."""
    return make_plan(small_design(**changes))
