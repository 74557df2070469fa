"""A simulated region for tests: without noise, delay or error unless asked for, so that its times are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from experiments.executors.simulation import Parameters, SimulatedExecutor, outputs
from experiments.executors.simulation.aws import SimulatedAws
from experiments.executors.simulation.clock import SimulatedClock
from experiments.executors.simulation.failures import Failure
from experiments.executors.simulation.parameters import Noise
from experiments.executors.simulation.service import SimulatedService
from experiments.executors.simulation.stack_outputs import CLUSTER, parameters
from experiments.executors.simulation.world import SimulatedRegion
from experiments.plan.plan import Design
from experiments.records.model import Round, RoundObservation
from infra.outputs import StackOutputs
from tests.contracts.plans import small_design

PLATFORM = "linux/arm64"
EXACT = {
    "noise": Noise(0, 0, 0),
    "lag_seconds": 0.0,
    "unlisted_share": 0.0,
    "api_seconds": 0.0,
    "get_seconds": 0.0,
    "empty_page_share": 0.0,
    "log_seconds": 0.0,
    "clock_error_bound_ms": 0.0,
}
"""What makes a simulation exact."""
Status = Literal["RUNNING", "STOPPED"]


def exact(design: Design, **changes: object) -> Parameters:
    """The parameters of a design without anything random or late, but for ``changes``."""
    return parameters(design).model_copy(update={**EXACT, **changes})


class SimulatedEcs:
    """One service of an exact region, in a round of its own, as a program sees it over the API."""

    def __init__(self, *, form: str = "plain", failures: Sequence[Failure] = (), **changes: object) -> None:
        design = small_design(variants=("movie",), forms=(form,))
        self.outputs = outputs(design, PLATFORM)
        self.clock = SimulatedClock()
        self.region = SimulatedRegion(
            self.outputs, exact(design, **changes), seed=1, clock=self.clock, script={0: [failures]}
        )
        self.aws = SimulatedAws(self.region)
        self.name = f"movie-{form}"
        self.header = f"movie.{form}"
        self.begin(0)

    def begin(self, index: int) -> None:
        """Begin the next round."""
        form = self.name.removeprefix("movie-")
        self.region.begin_round(Round(block=0, index=index, variant="movie", form=form, task_count=1))

    @property
    def service(self) -> SimulatedService:
        """The truth about the service."""
        return self.region.service(self.name)

    def scale(self, count: int, *, then: float = 0.0) -> None:
        """Scale the service, and let time pass."""
        self.aws.update_service(CLUSTER, self.name, count)
        self.clock.sleep(then)

    def listed(self, status: Status = "RUNNING") -> list[str]:
        """Every ARN that ListTasks tells, page after page."""
        arns: list[str] = []
        token = None
        while True:
            page = self.aws.list_tasks(CLUSTER, self.name, status, token)
            arns.extend(item["taskArn"] for item in page.items)
            if (token := page.token) is None:
                return arns

    def status(self, arn: str) -> str | None:
        """What DescribeTasks tells of one task."""
        described = self.aws.describe_tasks(CLUSTER, [arn]).tasks
        return described[0]["lastStatus"] if described else None


def simulated(
    *failures: Failure,
    seed: int = 1,
    timeout_seconds: float = 300.0,
    unchanged: bool = False,
    **changes: object,
) -> SimulatedExecutor:
    """The real executor on the default region, with what goes wrong in its first round; not entered yet.

    ``unchanged``: the image reports nothing by itself.
    """
    design = small_design(variants=("movie",), forms=("plain", "soci-v2"))
    stack = outputs(design, PLATFORM)
    return SimulatedExecutor(
        probed(stack) if unchanged else stack,
        parameters(design).model_copy(update=changes),
        seed=seed,
        timeout_seconds=timeout_seconds,
        script={0: [failures]},
    )


def probed(stack: StackOutputs) -> StackOutputs:
    """The same stack with images that report nothing: a probe beside each tells, and no load balancer asks."""
    document = stack.model_dump(mode="json")
    document["fargate"] |= {"probe": "probe", "load_balancer": None}
    for variant in document["variants"].values():
        variant |= {"boot_report": False, "ready": "port:80"}
        for treatment in variant["treatments"].values():
            treatment["service"]["target_group"] = None
    return StackOutputs.parse(document)


def one_round(task_count: int, form: str = "soci-v2") -> Round:
    """The first round of a plan."""
    return Round(block=0, index=0, variant="movie", form=form, task_count=task_count)


def run(
    task_count: int,
    *failures: Failure,
    form: str = "soci-v2",
    seed: int = 1,
    timeout_seconds: float = 300.0,
    unchanged: bool = False,
    **changes: object,
) -> tuple[RoundObservation, SimulatedExecutor]:
    """One round of the movie, and the executor that knows the truth."""
    with simulated(*failures, seed=seed, timeout_seconds=timeout_seconds, unchanged=unchanged, **changes) as executor:
        return executor.run_round(one_round(task_count, form), lambda _: None), executor
