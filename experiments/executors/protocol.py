"""The protocol between a sweep and the place where its tasks run; nothing above it knows which place that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from experiments.records.model import Round, RoundObservation

NotifyPhase = Callable[[str], None]
"""Is told the phase that a round has reached ("preparing", "pulling 2/8", "clearing"): for display only."""


class RoundAborted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM met a running round: its tasks are stopped, and this is what was seen of them."""

    def __init__(self, observation: RoundObservation) -> None:
        super().__init__("the round was aborted")
        self.observation = observation


class Executor(Protocol):
    """Runs one round at a time, from no task to no task.

    Entering it verifies that the target is empty and clears orphans of ours; leaving it, in whatever way,
    stops every task and verifies that none is left.
    """

    def key_metadata(self) -> dict[str, str]:
        """What must be equal for two sweeps to be pooled: target, profile, tool versions, machine.

        Has at least the keys ``target`` and ``profile``. Can be called before the executor is entered, as `check` can.
        """
        ...

    def check(self, rounds: Sequence[Round]) -> None:
        """Raise `SociometerError` now, before the first round, when the target cannot run them (disk, credentials)."""
        ...

    def run_round(self, round_: Round, notify: NotifyPhase) -> RoundObservation:
        """Run one round and return one observation per task, whatever became of it.

        What goes wrong with a task becomes its outcome. Raises `SociometerError` only when the round could not run at
        all: `MachineError` and `CredentialsError` end the sweep, any other is kept as the reason of a failed round,
        which is tried again.
        A `KeyboardInterrupt` is raised on after the round's tasks are stopped, as `RoundAborted` when any were seen.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
