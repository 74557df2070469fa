"""A fake executor for tests and demonstrations of what lies above it: seeded times, scripted outcomes, no waiting.

Its records name the target `fake`, so that they can never be pooled with measurements. Times are log-normal around
what the model says of the form; nothing about a real machine may be concluded from them.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from experiments.executors.protocol import NotifyPhase, RoundAborted
from experiments.records.model import HostLoad, Outcome, Round, RoundObservation, TaskObservation, TaskTimes
from infra.forms import is_lazy
from infra.outputs import StackOutputs
from kit.errors import SociometerError

PULL_SECONDS = {"plain": 6.6, "soci-v1": 0.4, "soci-v2": 0.3}
BOOT_SECONDS = {"movie": {"plain": 15.0, "soci-v1": 16.5, "soci-v2": 16.0}, "parquet": {"plain": 2.4}}
SPREAD = 0.05
"""Standard deviation of the logarithm of a time: about 5 %."""
EPOCH_NS = 1_700_000_000_000_000_000

Event = Outcome | SociometerError | KeyboardInterrupt


def _nothing(_: Round) -> None:
    """What happens during a round unless told otherwise."""


class FakeExecutor:
    """An `Executor` whose n-th attempt at a round ends as ``script[round.index][n]`` says, and `booted` without.

    An exception in the script is raised: a `KeyboardInterrupt` as Ctrl-C would be in the middle of the round.
    ``during`` is called in the middle of every round. ``factors`` multiply what a form's pull and boot work take.
    """

    def __init__(
        self,
        outputs: StackOutputs,
        *,
        seed: int = 0,
        script: Mapping[int, Sequence[Event]] | None = None,
        during: Callable[[Round], None] = _nothing,
        metadata: Mapping[str, str] | None = None,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        self._outputs = outputs
        self._random = random.Random(seed)
        self._script = {index: list(events) for index, events in (script or {}).items()}
        self._during = during
        self._metadata = dict(metadata or {})
        self._factors = dict(factors or {})
        self._now_ns = EPOCH_NS
        self.entered = False

    def key_metadata(self) -> dict[str, str]:
        """The target and profile `fake`, and what the caller added."""
        return {"target": "fake", "profile": "fake", **self._metadata}

    def check(self, rounds: Sequence[Round]) -> None:
        """Every round can run."""

    def run_round(self, round_: Round, notify: NotifyPhase) -> RoundObservation:
        """One observation per task, as scripted; raises what the script holds."""
        notify("preparing")
        event = self._next_event(round_)
        if isinstance(event, SociometerError):
            raise event
        notify("measuring")
        self._during(round_)
        if isinstance(event, KeyboardInterrupt):
            raise RoundAborted(self._observe(round_, Outcome.ABORTED)) from event
        notify("clearing")
        return self._observe(round_, event)

    def __enter__(self) -> Self:
        self.entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.entered = False

    def _next_event(self, round_: Round) -> Event:
        events = self._script.get(round_.index)
        return events.pop(0) if events else Outcome.BOOTED

    def _observe(self, round_: Round, outcome: Outcome) -> RoundObservation:
        created_ns = self._now_ns
        tasks = tuple(self._task(round_, number, created_ns, outcome) for number in range(round_.task_count))
        ends = (value for task in tasks for value in task.times.model_dump().values() if value is not None)
        self._now_ns = max(ends)
        return RoundObservation(
            tasks=tasks,
            started_ns=created_ns,
            finished_ns=self._now_ns,
            prepare_seconds=0.5,
            clear_seconds=0.5,
            load=HostLoad(cpu_pressure=0.0, steal=0.0),
        )

    def _task(self, round_: Round, number: int, created_ns: int, outcome: Outcome) -> TaskObservation:
        booted = outcome in (Outcome.BOOTED, Outcome.NOT_LAZY)
        lazy = is_lazy(round_.form) and outcome is not Outcome.NOT_LAZY
        return TaskObservation(
            task_id=f"fake/{secrets.token_hex(8)}/{number}",
            image_digest=self._outputs.variants[round_.variant].treatments[round_.form].image_digest,
            times=self._times(round_, created_ns, "plain" if outcome is Outcome.NOT_LAZY else round_.form)
            if booted
            else TaskTimes(created_ns=created_ns),
            outcome=outcome,
            reason=None if outcome is Outcome.BOOTED else f"scripted: {outcome.value}",
            snapshotter="soci" if lazy else "overlayfs",
            lazy_layers=1 if lazy else 0,
        )

    def _times(self, round_: Round, created_ns: int, form: str) -> TaskTimes:
        factor = self._factors.get(form, 1.0)
        boot = BOOT_SECONDS.get(round_.variant, BOOT_SECONDS["movie"])
        connected_ns = created_ns + self._nanoseconds(0.1)
        pulled_ns = connected_ns + self._nanoseconds(factor * PULL_SECONDS.get(form, PULL_SECONDS["plain"]))
        started_ns = pulled_ns + self._nanoseconds(0.2)
        boot_started_ns = started_ns + self._nanoseconds(0.1)
        return TaskTimes(
            created_ns=created_ns,
            connected_ns=connected_ns,
            pull_started_ns=connected_ns,
            pull_stopped_ns=pulled_ns,
            started_ns=started_ns,
            ready_ns=boot_started_ns + self._nanoseconds(0.1),
            boot_started_ns=boot_started_ns,
            boot_finished_ns=boot_started_ns + self._nanoseconds(factor * boot.get(form, boot["plain"])),
        )

    def _nanoseconds(self, median_seconds: float) -> int:
        return round(median_seconds * self._random.lognormvariate(0, SPREAD) * 10**9)
