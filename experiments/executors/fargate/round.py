"""One round on Fargate, from no task to no task: watched, cleared in any case, and made a record."""

from __future__ import annotations

from collections import Counter

from experiments.executors.fargate import outcomes
from experiments.executors.fargate.calls import OPERATIONS
from experiments.executors.fargate.drain import drain
from experiments.executors.fargate.outcomes import Ending, Evidence, Promise
from experiments.executors.fargate.service import Service
from experiments.executors.fargate.stage import Stage
from experiments.executors.fargate.tasks import TaskFacts, task_id
from experiments.executors.fargate.watch import RoundOver, Watch
from experiments.executors.protocol import RoundAborted
from experiments.records.model import Outcome, Requests, RoundObservation, TaskObservation
from kit.errors import AwsError
from kit.values import Notify


class FargateRound:
    """A round that is run once."""

    def __init__(self, stage: Stage, service: Service, promise: Promise, task_count: int, notify: Notify) -> None:
        self._stage, self._service, self._promise, self._notify = stage, service, promise, notify
        self._calls, self._retries = Counter(stage.aws.calls), Counter(stage.aws.retries)
        self._task_count = task_count
        self._watch = Watch(stage, service, task_count, notify)
        self._tasks: dict[str, TaskFacts] = {}
        self._ending: Ending | None = None
        self._interrupted = False

    def run(self) -> RoundObservation:
        """Whatever happens, the service is at 0 when this ends, or the error or record says that it may not be."""
        try:
            self._measure()
        except BaseException:
            if self._service.may_run:
                self._clear()
            raise
        measured, measured_ns = self._stage.clock.monotonic(), self._watch.time.now_ns()
        try:
            self._clear()
        except KeyboardInterrupt:
            if self._interrupted:
                raise  # insisted on: what is left is for the executor's end, or the next start
            self._interrupted = True
            self._clear()
        except AwsError as error:
            self._fail(error)
        return self._finish(measured_ns, self._stage.clock.monotonic() - measured)

    def _measure(self) -> None:
        try:
            self._watch.run()
        except RoundOver as over:
            self._ending = over.ending
        except KeyboardInterrupt:
            self._interrupted = True
            self._ending = Ending(Outcome.ABORTED, "interrupted")
        except AwsError as error:
            self._fail(error)

    def _fail(self, error: AwsError) -> None:
        """What was seen of tasks is kept, with the error as the reason; without any, the error is raised."""
        if not self._watch.tasks:
            raise error
        self._ending = Ending(Outcome.FAILED, str(error))

    def _clear(self) -> None:
        """Tasks that only the clearing meets are recorded too, but are none of those that were watched."""
        self._notify("clearing")
        self._tasks = self._tasks or dict(self._watch.tasks)
        drain(self._service, self._tasks, self._stage, self._watch.time, self._notify)

    def _finish(self, measured_ns: int, clear_seconds: float) -> RoundObservation:
        """Hand over what was seen in the way that the round ended."""
        if not self._tasks and not self._interrupted:
            raise AwsError(self._ending.reason if self._ending else f"{self._service.name} never started a task.")
        observation = self._observation(measured_ns, clear_seconds)
        if not self._interrupted:
            return observation
        raise RoundAborted(observation) if self._tasks else KeyboardInterrupt

    def _observation(self, measured_ns: int, clear_seconds: float) -> RoundObservation:
        time = self._watch.time
        began_ns, ended_ns = (time.on_aws_clock(moment) or moment for moment in (self._watch.began_ns, measured_ns))
        tasks = self._observed(began_ns)
        stamps = [stamp for task in tasks for stamp in task.times.model_dump().values() if stamp is not None]
        return RoundObservation(
            tasks=tasks,
            started_ns=min([began_ns, *stamps]),
            finished_ns=max([ended_ns, *stamps]),
            prepare_seconds=0.0,
            clear_seconds=clear_seconds,
            requests=self._requests(),
            clock=time.offset(),
        )

    def _observed(self, began_ns: int) -> tuple[TaskObservation, ...]:
        watch, ending = self._watch, self._ending or self._contamination()
        seen = (
            Evidence(facts, watch.log.found.get(facts.arn), watch.balancer.answered.get(facts.arn), watch.starters)
            for facts in self._tasks.values()
        )
        observed = (outcomes.observed(one, self._promise, ending, watch.time, began_ns) for one in seen)
        return outcomes.counted(tuple(observed), self._task_count)

    def _contamination(self) -> Ending | None:
        """What is only seen when the round is over: a task beside the round's own, or one that did not last."""
        for arn, facts in self._tasks.items():
            if arn not in self._watch.tasks:
                return Ending(Outcome.CONTAMINATED, f"task {task_id(arn)} ran too, as a replacement or uncalled for")
            if facts.stopped_by_itself:
                why = f"task {task_id(arn)} stopped during the round: {facts.stop_reason}"
                return Ending(Outcome.CONTAMINATED, why)
        return None

    def _requests(self) -> Requests:
        calls, retries = self._stage.aws.calls - self._calls, self._stage.aws.retries - self._retries
        return Requests(
            api_calls=sum(calls[name] for name in OPERATIONS),
            api_retries=sum(retries[name] for name in OPERATIONS),
            balancer_gets=self._watch.balancer.gets,
            balancer_in_vain=self._watch.balancer.in_vain,
        )
