"""One round on Fargate, from no task to no task: watched, cleared whatever happens, and made a record."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping

from experiments.executors.fargate import outcomes
from experiments.executors.fargate.calls import OPERATIONS
from experiments.executors.fargate.clocks import AwsTime, on_aws_clock
from experiments.executors.fargate.outcomes import Ending, Promise, Watched
from experiments.executors.fargate.service import Service
from experiments.executors.fargate.stage import Stage
from experiments.executors.fargate.tasks import TaskFacts, task_id
from experiments.executors.fargate.watch import watch
from experiments.executors.protocol import NotifyPhase, RoundAborted
from experiments.records.model import Outcome, Requests, RoundObservation
from kit.errors import AwsError


class FargateRound:
    """A round that is run once."""

    def __init__(self, stage: Stage, service: Service, promise: Promise, task_count: int, notify: NotifyPhase) -> None:
        self._stage, self._service, self._promise, self._notify = stage, service, promise, notify
        self._task_count = task_count
        self._time = AwsTime(stage.clock)
        self._calls, self._retries = Counter(stage.aws.calls), Counter(stage.aws.retries)

    def run(self) -> RoundObservation:
        """Whatever happens, the service is at 0 when this ends, or the error or record says that it may not be."""
        try:
            watched = watch(
                self._stage,
                self._service,
                self._task_count,
                self._time,
                self._notify,
                ready=self._promise.ready,
            )
        except BaseException:
            if self._service.may_run:
                self._clear({})
            raise
        tasks, cleared_from = dict(watched.tasks), self._stage.clock.monotonic()
        try:
            self._clear(tasks)
        except KeyboardInterrupt:
            if watched.interrupted:
                raise  # insisted on: what is left is for the executor's end, or the next start
            watched = dataclasses.replace(watched, interrupted=True)
            self._clear(tasks)
        except AwsError as error:
            watched = watched.failed(error)
        return self._finish(watched, tasks, self._stage.clock.monotonic() - cleared_from)

    def _clear(self, tasks: dict[str, TaskFacts]) -> None:
        """``tasks`` gains those that only the clearing meets: they are recorded, but were not watched."""
        self._notify("clearing")
        self._service.drain(tasks, self._time, self._notify)

    def _finish(self, watched: Watched, tasks: Mapping[str, TaskFacts], clear_seconds: float) -> RoundObservation:
        """Return what was seen, or raise it as the round ended."""
        if not tasks and watched.interrupted:
            raise KeyboardInterrupt
        if not tasks:
            raise AwsError(watched.ending.reason if watched.ending else f"{self._service.name} never started a task.")
        observation = self._observation(watched, tasks, clear_seconds)
        if watched.interrupted:
            raise RoundAborted(observation)
        return observation

    def _observation(self, watched: Watched, tasks: Mapping[str, TaskFacts], clear_seconds: float) -> RoundObservation:
        offset, ending = self._time.offset(), watched.ending or _contamination(watched, tasks)
        began_ns, ended_ns = (on_aws_clock(local_ns, offset) for local_ns in (watched.began_ns, watched.ended_ns))
        observed = outcomes.counted(
            tuple(
                outcomes.observed(watched.evidence(facts), self._promise, ending, offset, began_ns)
                for facts in tasks.values()
            ),
            self._task_count,
        )
        stamps = [stamp for task in observed for stamp in task.times.model_dump().values() if stamp is not None]
        return RoundObservation(
            tasks=observed,
            started_ns=min([began_ns, *stamps]),
            finished_ns=max([ended_ns, *stamps]),
            prepare_seconds=0.0,
            clear_seconds=clear_seconds,
            requests=self._requests(watched),
            clock=offset,
        )

    def _requests(self, watched: Watched) -> Requests:
        calls, retries = self._stage.aws.calls - self._calls, self._stage.aws.retries - self._retries
        return Requests(
            api_calls=sum(calls[name] for name in OPERATIONS),
            api_retries=sum(retries[name] for name in OPERATIONS),
            balancer_gets=watched.balancer_gets,
            balancer_in_vain=watched.balancer_in_vain,
        )


def _contamination(watched: Watched, tasks: Mapping[str, TaskFacts]) -> Ending | None:
    """What only shows when the round is over: a task beside the round's own, or one that did not last."""
    for arn, facts in tasks.items():
        if arn not in watched.tasks:
            return Ending(Outcome.CONTAMINATED, f"task {task_id(arn)} ran too, as a replacement or uncalled for")
        if facts.stopped_by_itself:
            why = f"task {task_id(arn)} stopped during the round: {facts.stop_reason}"
            return Ending(Outcome.CONTAMINATED, why)
    return None
