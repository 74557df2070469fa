"""A simulated ECS Fargate: the target `sim`, where neither lab nor AWS is at hand, for planning and for tests.

It drives the executor of real Fargate rounds against an API that is paged, throttled, late and sometimes wrong, on a
clock on which hours pass at once. Its figures follow from its parameters and are never measurements: every record,
table and report of it says SIMULATED, and nothing pools or compares it with what was measured.
"""

from __future__ import annotations

from experiments.executors.simulation.executor import SimulatedExecutor
from experiments.executors.simulation.parameters import Parameters
from experiments.executors.simulation.stack_outputs import outputs, parameters

__all__ = ["Parameters", "SimulatedExecutor", "outputs", "parameters"]
