"""A sweep: runs a plan round by round with an executor, and commits each round before the next one starts.

Faces the command line and notebooks above, executor and store below. It prints nothing: a listener is told the
progress. All it decides follows from the store (`schedule`), so a killed sweep resumes where it was. With a stopping
rule (`until`) it checks before each block whether that block is still wanted; in a race, which rounds of it are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import Field

from experiments.executors.protocol import Executor, NotifyPhase, RoundAborted
from experiments.forecast import history
from experiments.forecast.duration import model_of, total_seconds
from experiments.plan import schedule
from experiments.plan.plan import Look, Plan, Stopping, check_against_stack
from experiments.records.model import Outcome, Round, RoundObservation, RoundRecord, RoundStatus, round_status
from experiments.records.phases import wall_seconds
from experiments.resuming import check_same
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from infra.outputs import StackOutputs
from kit.errors import CredentialsError, MachineError, SettingsError, SociometerError, StoreError, SweepError
from kit.machine.clock import Steady
from kit.values import Frozen

MAX_LOST_ROUNDS = 3
"""After so many rounds in a row that could not run at all the target is taken to be broken, and the sweep ends."""


class Progress(Frozen):
    """How far a sweep is; ``seconds_left`` counts from the start of this round."""

    sweep_id: str
    round: Round
    attempt: int
    rounds_done: int
    rounds_total: int
    phase: str
    seconds_left: float
    look: Look | None = Field(default=None, description="of a sweep until some precision: how narrow it is by now")


Listener = Callable[[Progress], None]
"""Told the progress of a sweep, from the thread that runs it."""


def start(store: Store, executor: Executor, plan: Plan, stack: str, outputs: StackOutputs, listener: Listener) -> Sweep:
    """Run a plan from its beginning; returns the finished sweep.

    Raises `SettingsError` or `MachineError` before anything runs, `SweepError` when the target does not work, and
    lets `KeyboardInterrupt` through; every finished round is in the store in any case.
    """
    check_against_stack(plan, outputs)
    with store.sweeping(max(plan.design.task_counts)):
        executor.check(plan.rounds)
        with executor:
            sweep = store.begin_sweep(plan, stack, executor.key_metadata(), outputs)
            return _run(store, executor, sweep, listener)


def resume(store: Store, executor: Executor, sweep: Sweep, outputs: StackOutputs, listener: Listener) -> Sweep:
    """Go on with a sweep at the first round that is not committed; returns the finished sweep.

    Raises `SweepError` that names every difference when what would be measured now is not what was measured then.
    """
    check_same(sweep, executor.key_metadata(), outputs)
    with store.sweeping(max(sweep.plan.design.task_counts)):
        executor.check(list(schedule.remaining(sweep.plan, store.rounds(sweep.id))))
        with executor:
            store.set_status(sweep.id, "running")
            return _run(store, executor, sweep, listener)


def _run(store: Store, executor: Executor, sweep: Sweep, listener: Listener) -> Sweep:
    """Run what is left of a sweep; its status in the store tells how it ended."""
    try:
        _Runner(store, executor, sweep, listener).run()
    except KeyboardInterrupt:
        store.set_status(sweep.id, "interrupted")
        raise
    except BaseException:
        store.set_status(sweep.id, "failed")
        raise
    store.set_status(sweep.id, "finished")
    return store.sweep(sweep.id)


class _Runner:
    """The loop over the rounds of one sweep."""

    def __init__(self, store: Store, executor: Executor, sweep: Sweep, listener: Listener) -> None:
        self._store, self._executor, self._sweep, self._listener = store, executor, sweep, listener
        target, profile = (sweep.key_metadata.get(key, "") for key in ("target", "profile"))
        self._layer_bytes, payload = sweep.outputs.layer_bytes, sweep.plan.design.payload
        self._known_seconds = history.known_seconds(store, payload, target, profile, self._layer_bytes)
        self._records = store.rounds(sweep.id)
        self._lost = 0
        self._look: Look | None = None

    def run(self) -> None:
        """Run every round that is left, or until the stopping rule has enough."""
        while (round_ := schedule.next_round(self._wanted(), self._records)) is not None:
            if self._has_enough(round_):
                return
            record = self._attempt(round_)
            self._records.append(record)
            self._stop_when_lost(record)
            self._stop_when_nothing_boots(round_.block)

    def _wanted(self) -> Plan:
        """The rounds that the sweep has by now: all of the plan's, or in a race those up to its next block."""
        plan = self._sweep.plan
        if plan.race is None:
            return plan
        from experiments.analysis import race  # its statistics are slow to import

        return race.due(plan, plan.race, self._records)

    def _has_enough(self, round_: Round) -> bool:
        """Whether the stopping rule ends the sweep before this round: never within a block, nor before the first."""
        rule = self._sweep.plan.stopping
        begun = {record.round.block for record in self._records}
        if rule is None or not begun or round_.block in begun:
            return False
        from experiments.analysis import effects, precision  # pandas is slow to import
        from experiments.store import frames

        design, tasks = self._sweep.plan.design, frames.tasks(self._store, self._sweep.id)
        compared = effects.pairs(design, effects.round_medians(tasks))
        self._look = precision.look(design, rule, compared, len(begun))
        return self._look.narrow_enough or self._is_over_budget(rule, round_.block)

    def _is_over_budget(self, rule: Stopping, block: int) -> bool:
        """Whether the next block would end after the budget, which counts rounds alone and also those before a kill."""
        if rule.budget_seconds is None:
            return False
        next_block = [round_ for round_ in self._sweep.plan.rounds if round_.block == block]
        return self._used + self._estimate(next_block) > rule.budget_seconds

    def _attempt(self, round_: Round) -> RoundRecord:
        attempt = schedule.attempt_number(round_, self._records)
        notify = self._notifier(round_, attempt)
        began = Steady.start()
        notify("starting")
        try:
            observation = self._executor.run_round(round_, notify)
        except KeyboardInterrupt as interrupt:
            seen = interrupt.observation if isinstance(interrupt, RoundAborted) else _nothing(began)
            self._commit(round_, attempt, seen, RoundStatus.ABORTED, "interrupted")
            raise
        except (CredentialsError, MachineError, SettingsError, StoreError):
            raise
        except SociometerError as error:
            return self._commit(round_, attempt, _nothing(began), RoundStatus.FAILED, str(error))
        status = round_status(observation.tasks, round_.task_count)
        return self._commit(round_, attempt, observation, status, _reason(observation, status, round_))

    def _commit(
        self, round_: Round, attempt: int, seen: RoundObservation, status: RoundStatus, reason: str | None
    ) -> RoundRecord:
        """A round that has run is kept even when Ctrl-C comes while it is written."""
        record = RoundRecord(
            sweep_id=self._sweep.id, round=round_, attempt=attempt, status=status, reason=reason, observation=seen
        )
        try:
            self._store.add_round(record)
        except KeyboardInterrupt:
            if record not in self._store.rounds(self._sweep.id):
                self._store.add_round(record)
            raise
        return record

    def _stop_when_lost(self, record: RoundRecord) -> None:
        self._lost = 0 if record.observation.tasks else self._lost + 1
        if self._lost >= MAX_LOST_ROUNDS:
            last = f"{record.round.variant} as {record.round.form}: {record.reason}"
            raise SweepError(
                f"{self._lost} rounds in a row could not run; the last, {last} Every record is kept; "
                f"`{self._sweep.resume_command}` goes on."
            )

    def _stop_when_nothing_boots(self, block: int) -> None:
        """End the sweep after a block without a single boot: the next ones would wait as long, for nothing."""
        if reason := schedule.why_nothing_boots(self._wanted(), self._records, block):
            raise SweepError(
                f"No task of block {block + 1} booted; most often: {reason}. Every record is kept; "
                f"`{self._sweep.resume_command}` goes on all the same."
            )

    @property
    def _used(self) -> float:
        """Seconds that the rounds so far took."""
        return sum(map(wall_seconds, self._records))

    def _estimate(self, rounds: Iterable[Round]) -> float:
        """Seconds that rounds will take, by what such rounds took so far."""
        known = {**self._known_seconds, **history.medians(self._records)}
        model = model_of(self._sweep.key_metadata.get("target", "lab"), self._layer_bytes)
        return total_seconds(rounds, self._sweep.plan.design.payload, known, model)

    def _notifier(self, round_: Round, attempt: int) -> NotifyPhase:
        wanted, rule = self._wanted(), self._sweep.plan.race
        left, total = list(schedule.remaining(wanted, self._records)), len(wanted.rounds)
        seconds_left = self._estimate(left) if rule is None else max(0.0, rule.budget_seconds - self._used)

        def notify(phase: str) -> None:
            self._listener(
                Progress(
                    sweep_id=self._sweep.id,
                    round=round_,
                    attempt=attempt,
                    rounds_done=total - len(left),
                    rounds_total=total,
                    phase=phase,
                    seconds_left=seconds_left,
                    look=self._look,
                )
            )

        return notify


def _nothing(began: Steady) -> RoundObservation:
    """A round of which no task was seen."""
    return RoundObservation(
        tasks=(), started_ns=began.began_ns, finished_ns=began.now_ns(), prepare_seconds=0, clear_seconds=0
    )


def _reason(observation: RoundObservation, status: RoundStatus, round_: Round) -> str | None:
    """The first reason that a task gives for a round that is not complete, or that their number is wrong."""
    if status is RoundStatus.COMPLETE:
        return None
    reasons = (task.reason for task in observation.tasks if task.outcome is not Outcome.BOOTED and task.reason)
    if reason := next(reasons, None):
        return reason
    came = len(observation.tasks)
    return None if came == round_.task_count else f"{came} tasks came, not {round_.task_count}"
