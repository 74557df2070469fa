"""Our executor against the usual script, side by side on the same simulated ECS.

    python benchmarks/bench_usual_script.py [--rounds 12] [--form plain]

The usual script is the method of the published experiment (ppabis/ecs-soci-experiments): scale the service and wait
for its status, list its tasks once, poll until they run, sleep 45 s, describe them, and ask the load balancer 2 x N
times for a boot time, looking up the task's creation for each answer. Its boot times are whole seconds. The truth
comes from the simulation. Errors are of a round's mean and median boot: absolute values, averaged over the rounds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median

from experiments.executors.fargate.aws import Aws, Clock, Document
from experiments.executors.simulation import SimulatedExecutor, outputs, parameters
from experiments.executors.simulation.failures import Failure, Kind, Script
from experiments.plan.presets import PRESETS
from experiments.records.model import Outcome, Round
from experiments.records.phases import NS_PER_SECOND, durations
from infra.outputs import ServiceOutput, StackOutputs

DESIGN = PRESETS["full"].design
VARIANT = "movie"
TASK_COUNTS = (1, 8, 100)
SAMPLES_PER_TASK = 2
WARM_UP_SECONDS = 45.0
OK = 200


@dataclass
class Seen:
    """One method's result and cost for one round; boots in seconds, one for each answer that it uses."""

    boots: list[float]
    tasks_with_boot: int
    tasks_listed: int
    api_calls: int
    gets: int
    simulated_seconds: float
    remark: str = ""


@dataclass
class Tally:
    """All rounds of one method at one task count."""

    seen: list[Seen] = field(default_factory=list)
    mean_errors: list[float] = field(default_factory=list)
    median_errors: list[float] = field(default_factory=list)

    def add(self, seen: Seen, truth: Sequence[float]) -> None:
        """Add a round and its errors against the truth."""
        self.seen.append(seen)
        if seen.boots:
            self.mean_errors.append(mean(seen.boots) - mean(truth))
            self.median_errors.append(median(seen.boots) - median(truth))

    def line(self, name: str, task_count: int) -> str:
        """One row of the table."""
        return (
            f"{task_count:>6}  {name:<13}{mean(each.tasks_listed for each in self.seen):>8.1f}"
            f"{mean(each.tasks_with_boot for each in self.seen):>8.1f}"
            f"{_milliseconds(self.mean_errors):>12}{_milliseconds(self.median_errors):>12}{_worst(self.mean_errors):>12}"
            f"{mean(each.api_calls for each in self.seen):>9.1f}{mean(each.gets for each in self.seen):>8.1f}"
            f"{mean(each.simulated_seconds for each in self.seen):>9.0f} s"
        )


class UsualScript:
    """The method of the usual script, on any `Aws` and `Clock`."""

    def __init__(self, aws: Aws, clock: Clock, stack: StackOutputs, service: ServiceOutput) -> None:
        assert stack.fargate is not None
        self._aws, self._clock, self._service = aws, clock, service
        self._cluster, self._url = stack.fargate.cluster, f"{stack.fargate.load_balancer}/boot.json"

    def run(self, task_count: int) -> Seen:
        """Run one round, waiting for its end only as long as the script does."""
        calls, began = self._aws.calls.copy(), self._clock.monotonic()
        self._scale(task_count)
        self._clock.sleep(5)
        arns = self._list()
        self._until_running(arns)
        self._clock.sleep(WARM_UP_SECONDS)
        self._describe(arns)  # for the averages of connect, start and pull
        boots, answered = self._sample(SAMPLES_PER_TASK * task_count)
        self._scale(0)
        self._clock.sleep(15)
        self._until_running(arns)
        return Seen(
            boots=boots,
            tasks_with_boot=len(answered),
            tasks_listed=len(arns),
            api_calls=(self._aws.calls - calls).total(),
            gets=SAMPLES_PER_TASK * task_count,
            simulated_seconds=self._clock.monotonic() - began,
        )

    def _scale(self, task_count: int) -> None:
        self._aws.update_service(self._cluster, self._service.name, task_count)
        self._clock.sleep(5)
        status = None
        while status != "ACTIVE":
            status = self._aws.describe_services(self._cluster, [self._service.name])[0]["status"]
            self._clock.sleep(10)

    def _list(self) -> list[str]:
        """The first page of tasks; asked for again only while it is empty."""
        for _ in range(9):
            page = self._aws.list_tasks(self._cluster, self._service.name, "RUNNING", None)
            if page.items:
                return [item["taskArn"] for item in page.items]
            self._clock.sleep(5)
        return []

    def _until_running(self, arns: Sequence[str]) -> None:
        while not all(task["lastStatus"] in ("RUNNING", "STOPPED") for task in self._describe(arns)):
            self._clock.sleep(5)

    def _describe(self, arns: Sequence[str]) -> list[Document]:
        return self._aws.describe_tasks(self._cluster, arns).tasks if arns else []

    def _sample(self, count: int) -> tuple[list[float], set[str]]:
        boots, answered = [], set()
        for _ in range(count):
            answer = self._aws.get(self._url, self._service.header)
            if answer.status != OK:
                continue
            report = json.loads(answer.body)
            described = self._describe([report["task_arn"]])
            if described:
                whole_seconds = report["finished_ns"] // NS_PER_SECOND
                boots.append(whole_seconds - described[0]["createdAt"].timestamp())
                answered.add(report["task_arn"])
        return boots, answered


def main() -> None:
    """Run both methods and print what each observes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--form", default="plain")
    arguments = parser.parse_args()
    print(f"SIMULATED: {arguments.rounds} rounds of {VARIANT} as {arguments.form} at each task count")
    print(
        f"{'tasks':>6}  {'method':<13}{'listed':>8}{'booted':>8}{'mean off':>12}{'median off':>12}{'worst mean':>12}"
        f"{'calls':>9}{'GETs':>8}{'simulated':>11}"
    )
    for task_count in TASK_COUNTS:
        for name, method in METHODS.items():
            print(method(task_count, arguments.rounds, arguments.form, {}).line(name, task_count))
    print()
    print("The result of each method for a round of 8 in which something goes wrong (movie as soci-v2):")
    for kind, count in ((Kind.NOT_LAZY, 4), (Kind.REPLACED, 1), (Kind.STOPPED_EARLY, 1), (Kind.UNLISTED, 2)):
        for name, method in METHODS.items():
            (seen,) = method(8, 1, "soci-v2", {0: [[Failure(kind, count)]]}).seen
            figure = f"a mean boot of {mean(seen.boots):.1f} s" if seen.boots else "no figure"
            print(f"  {kind.value} (x {count}): {name} gives {figure} from {seen.tasks_with_boot} tasks{seen.remark}")


def usual_rounds(task_count: int, rounds: int, form: str, script: Script) -> Tally:
    """The usual script's rounds, one after the other in one region."""
    tally = Tally()
    stack = outputs(DESIGN, "linux/arm64")
    world = SimulatedExecutor(stack, parameters(DESIGN), seed=1, timeout_seconds=600, script=script)
    service = stack.variants[VARIANT].treatments[form].service
    assert service is not None
    usual = UsualScript(world.aws, world.clock, stack, service)
    for index in range(rounds):
        world.region.begin_round(_round(index, form, task_count))
        seen = usual.run(task_count)
        tally.add(seen, true_boots(world, task_count))
    return tally


def our_rounds(task_count: int, rounds: int, form: str, script: Script) -> Tally:
    """Our executor's rounds, in the same way."""
    tally = Tally()
    executor = SimulatedExecutor(
        outputs(DESIGN, "linux/arm64"), parameters(DESIGN), seed=1, timeout_seconds=600, script=script
    )
    with executor:
        for index in range(rounds):
            began = executor.clock.monotonic()
            observation = executor.run_round(_round(index, form, task_count), lambda _: None)
            boots = [boot for task in observation.tasks if (boot := durations(task).boot_seconds) is not None]
            others = {f"{task.outcome.value}" for task in observation.tasks if task.outcome is not Outcome.BOOTED}
            seen = Seen(
                boots=boots,
                tasks_with_boot=len(boots),
                tasks_listed=len(observation.tasks),
                api_calls=observation.requests.api_calls or 0,
                gets=observation.requests.balancer_gets or 0,
                simulated_seconds=executor.clock.monotonic() - began,
                remark=f", and the others are {', '.join(sorted(others))}" if others else "",
            )
            tally.add(seen, true_boots(executor, task_count))
    return tally


def true_boots(world: SimulatedExecutor, task_count: int) -> list[float]:
    """The boots of the round's first tasks in seconds, on the simulation's exact clock."""
    tasks = world.region.truth()[:task_count]
    return [(task.boot_finished_ns - task.created_ns) / NS_PER_SECOND for task in tasks if task.boot_finished_ns]


def _round(index: int, form: str, task_count: int) -> Round:
    return Round(block=0, index=index, variant=VARIANT, form=form, task_count=task_count)


def _milliseconds(errors: Sequence[float]) -> str:
    return f"{mean(map(abs, errors)) * 1000:.1f} ms" if errors else "-"


def _worst(errors: Sequence[float]) -> str:
    return f"{max(errors, key=abs) * 1000:+.1f} ms" if errors else "-"


METHODS: dict[str, Callable[[int, int, str, Script], Tally]] = {
    "usual script": usual_rounds,
    "sociometer": our_rounds,
}

if __name__ == "__main__":
    main()
