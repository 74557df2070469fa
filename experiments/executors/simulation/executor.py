"""The target `sim`: the executor of real Fargate rounds, on a region that is simulated and a clock that jumps."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from types import TracebackType
from typing import Self

from experiments.executors.fargate.executor import FargateExecutor
from experiments.executors.protocol import Executor, NotifyPhase
from experiments.executors.simulation.aws import SimulatedAws
from experiments.executors.simulation.clock import EPOCH_NS, SimulatedClock
from experiments.executors.simulation.failures import Script
from experiments.executors.simulation.parameters import Parameters
from experiments.executors.simulation.world import SimulatedRegion
from experiments.records.model import Round, RoundObservation
from experiments.records.phases import NS_PER_SECOND
from infra.outputs import StackOutputs

SECONDS_PER_ROUND = 3600
"""The first round that runs begins this long after the epoch for each round before it in the plan, so that the times of
a resumed sweep follow those of its earlier rounds."""


class SimulatedExecutor:
    """An `experiments.executors.protocol.Executor`; ``region`` holds the truth, ``aws`` counts what was asked.

    The same seed gives the same times. A task that has not booted after ``timeout_seconds`` of simulated time gets that
    outcome. ``script``: what goes wrong.
    """

    def __init__(
        self,
        outputs: StackOutputs,
        parameters: Parameters,
        *,
        seed: int,
        timeout_seconds: float,
        script: Script | None = None,
    ) -> None:
        self._parameters, self._seed = parameters, seed
        ahead_ns = round(parameters.asker_clock_ahead_seconds * NS_PER_SECOND)
        self.clock = SimulatedClock(EPOCH_NS, ahead_ns=ahead_ns)
        self.region = SimulatedRegion(outputs, parameters, seed=seed, clock=self.clock, script=script)
        self.aws = SimulatedAws(self.region)
        self._fargate: Executor = FargateExecutor(
            outputs,
            aws=self.aws,
            clock=self.clock,
            timeout_seconds=timeout_seconds,
            random=Random(f"{seed}/polls"),  # noqa: S311 - a reproducible simulation, not secrets
        )
        self._begun = False

    def key_metadata(self) -> dict[str, str]:
        """Fargate's metadata, the target `sim`, the seed and every parameter: only equal simulations are pooled."""
        return {
            **self._fargate.key_metadata(),
            "target": "sim",
            "simulated": "true",
            "seed": str(self._seed),
            **self._parameters.metadata(),
        }

    def check(self, rounds: Sequence[Round]) -> None:
        """As on Fargate."""
        self._fargate.check(rounds)

    def run_round(self, round_: Round, notify: NotifyPhase) -> RoundObservation:
        """Simulate a round; however long it takes in simulated time, nothing waits."""
        if not self._begun:
            self._begun = True
            self.clock.advance_to(max(self.clock.now_ns, _first_ns(round_)))
        self.region.begin_round(round_)
        return self._fargate.run_round(round_, notify)

    def __enter__(self) -> Self:
        self._fargate.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fargate.__exit__(kind, error, trace)


def _first_ns(round_: Round) -> int:
    return EPOCH_NS + round_.index * SECONDS_PER_ROUND * NS_PER_SECOND
