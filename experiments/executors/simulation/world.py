"""The simulated region: the services of one stack with their logs and load balancers, on one clock, and the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from experiments.executors.simulation.balancer import Balancer
from experiments.executors.simulation.clock import SimulatedClock
from experiments.executors.simulation.draw import RoundDraw
from experiments.executors.simulation.failures import Failure, Kind, Script
from experiments.executors.simulation.logs import BootLog
from experiments.executors.simulation.parameters import Parameters, Workload
from experiments.executors.simulation.service import SimulatedService
from experiments.executors.simulation.task import SimulatedTask, Treatment
from experiments.executors.simulation.throttle import TokenBucket
from experiments.records.model import Round
from infra.outputs import StackOutputs
from kit.errors import AwsError, StackError

TASK_BYTES = 2_048
"""Memory that each task takes: its true times, and its places in lists, log and targets; a test holds it to that."""
IDLE = Round(block=0, index=0, variant="none", form="none", task_count=1)
"""What services draw from before the first round."""


@dataclass(frozen=True)
class Site:
    """A service with what stands around it."""

    service: SimulatedService
    log: BootLog
    balancer: Balancer


class SimulatedRegion:
    """All services of a stack. ``script``: what goes wrong, by round and attempt; ``draw`` makes what draws a round's
    tasks; ``refused``: calls that the script had refused in this round."""

    def __init__(
        self,
        outputs: StackOutputs,
        parameters: Parameters,
        *,
        seed: int,
        clock: SimulatedClock,
        script: Script | None = None,
        draw: Callable[[Parameters, int, Round, int], RoundDraw] = RoundDraw,
    ) -> None:
        self.parameters, self.clock = parameters, clock
        self.random = Random(f"{seed}/calls")  # noqa: S311 - a reproducible simulation, not secrets
        self._seed, self._draw = seed, draw
        self.script = dict(script or {})
        self._attempts: Counter[int] = Counter()
        self._launches = TokenBucket(parameters.launches)
        self._sites = {treatment.service.name: self._site(treatment) for treatment in treatments(outputs, parameters)}
        self._by_header = {site.service.treatment.service.header: site for site in self._sites.values()}
        self._by_prefix = {site.service.treatment.service.log_stream_prefix: site for site in self._sites.values()}
        self._by_arn: dict[str, SimulatedTask] = {}
        self.current: Site | None = None
        self.refused = 0

    def begin_round(self, round_: Round) -> None:
        """From now on the round's tasks are drawn; nothing of it is known to whoever only asks the API."""
        attempt = self._attempts[round_.index]
        self._attempts[round_.index] += 1
        self.current, self.refused = self._of(round_.variant, round_.form), 0
        draw = self._draw(self.parameters, self._seed, round_, attempt)
        for site in self._sites.values():
            forgotten = site.service.begin_round(draw, self._failures(round_, attempt) if site is self.current else ())
            site.log.forget(forgotten)
            site.balancer.clear()
            for task in forgotten:
                del self._by_arn[task.arn]

    def truth(self) -> list[SimulatedTask]:
        """Every task that was launched in the round that began last, with all its true times."""
        return [] if self.current is None else list(self.current.service.round_tasks)

    def service(self, name: str) -> SimulatedService:
        """A service by name or ARN; raises `AwsError` as ECS does for one that is not there."""
        site = self._sites.get(name.rpartition("/")[2])
        if site is None:
            raise AwsError(f"ServiceNotFoundException: there is no service {name}.")
        return site.service

    def task(self, arn: str) -> SimulatedTask | None:
        """A task that ECS has not forgotten."""
        return self._by_arn.get(arn)

    def log(self, group: str, prefix: str) -> BootLog | None:
        """The events of the service whose streams begin so; raises `AwsError` for a log group that is not there."""
        if all(site.service.treatment.stack.log_group != group for site in self._sites.values()):
            raise AwsError(f"ResourceNotFoundException: there is no log group {group}.")
        return next((site.log for known, site in self._by_prefix.items() if prefix.startswith(f"{known}/")), None)

    def site(self, header: str) -> Site | None:
        """What the load balancer sends requests with that header to."""
        return self._by_header.get(header)

    def failing(self, kind: Kind) -> Failure | None:
        """The first failure of a kind that is under way in the current round."""
        return None if self.current is None else next(self.current.service.failures(kind), None)

    def _site(self, treatment: Treatment) -> Site:
        draw = self._draw(self.parameters, self._seed, IDLE, 0)
        service = SimulatedService(treatment, self.parameters, self.clock, self._launches, draw)
        site = Site(service, BootLog(), Balancer(self.random, self.parameters.bad_gateway_share))
        service.launched = lambda task: self._register(site, task)
        return site

    def _register(self, site: Site, task: SimulatedTask) -> None:
        self._by_arn[task.arn] = task
        site.log.add(task)
        site.balancer.add(task)

    def _of(self, variant: str, form: str) -> Site:
        for site in self._sites.values():
            if (site.service.treatment.variant, site.service.treatment.form) == (variant, form):
                return site
        raise AwsError(f"The simulated stack has no {variant} as {form}.")

    def _failures(self, round_: Round, attempt: int) -> tuple[Failure, ...]:
        attempts = self.script.get(round_.index, ())
        return tuple(attempts[attempt]) if attempt < len(attempts) else ()


def treatments(outputs: StackOutputs, parameters: Parameters) -> Iterator[Treatment]:
    """Every treatment of a stack; raises `StackError` when the stack has no services."""
    for variant in outputs.variants.values():
        whole = Workload(variant.image_bytes, variant.image_bytes)
        for form, treatment in variant.treatments.items():
            if outputs.fargate is None or treatment.service is None:
                raise StackError(f"The stack's target is {outputs.target}: {variant.name} as {form} has no service.")
            yield Treatment(
                variant=variant.name,
                form=form,
                image=treatment.image,
                image_digest=treatment.image_digest,
                service=treatment.service,
                stack=outputs.fargate,
                workload=parameters.workloads.get(variant.name, whole),
                ready=None if variant.boot_report else variant.ready,
                delivered_bytes=treatment.delivered_bytes,
            )
