"""One simulated task: when each step of its life truly happens, and what AWS would say of it at a given time.

A task's times are drawn when it is created and lie in the future then; whatever is later than its stop never happens.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.executors.simulation.failures import Kind
from experiments.executors.simulation.parameters import Workload
from infra.forms import is_lazy
from infra.outputs import FargateOutput, ServiceOutput

REACHED = (
    ("RUNNING", "started_ns"),
    ("PENDING", "connected_ns"),
    ("PROVISIONING", "created_ns"),
)
"""The last status of a task that is not being stopped, latest first (doc: "Amazon ECS task lifecycle")."""


@dataclass(frozen=True)
class Treatment:
    """A variant in a form, on its service. ``delivered_bytes``: what the form's layers take on the wire, where that is
    not the image's own size."""

    variant: str
    form: str
    image: str
    image_digest: str
    service: ServiceOutput
    stack: FargateOutput
    workload: Workload
    ready: str | None = None
    """What its probe waits for; None where its tasks report by themselves."""
    delivered_bytes: int | None = None

    @property
    def lazy(self) -> bool:
        """Whether its form promises lazy loading."""
        return is_lazy(self.form)


@dataclass(slots=True)
class Stop:
    """How a task ends: leaves the load balancer, then its container ends, then its machine is given back."""

    asked_ns: int
    killed_ns: int
    stopped_ns: int
    code: str
    reason: str
    exit_code: int | None = None


@dataclass(slots=True)
class SimulatedTask:
    """The truth about a task; times are ns since the epoch on AWS's clock, None for what its fate leaves out.

    ``rank`` is its place in ECS's lists, which is no order that means anything. Its own clock is ``clock_error_ns``
    ahead. ``ingested_ns``: when its boot report can be found in the log.
    """

    arn: str
    number: int
    rank: float
    treatment: Treatment
    fate: frozenset[Kind]
    snapshotter: str
    clock_error_ns: int
    clock_error_bound_ms: float
    created_ns: int
    connected_ns: int | None = None
    pull_started_ns: int | None = None
    pull_stopped_ns: int | None = None
    started_ns: int | None = None
    ready_ns: int | None = None
    healthy_ns: int | None = None
    boot_started_ns: int | None = None
    boot_finished_ns: int | None = None
    ingested_ns: int | None = None
    stop: Stop | None = None

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    def time(self, name: str, now_ns: int) -> int | None:
        """When something happened to it, if it has by now."""
        value: int | None = getattr(self, name)
        if value is None or value > now_ns or (self.stop is not None and value > self.stop.killed_ns):
            return None
        return value

    def stopping(self, now_ns: int) -> bool:
        """Whether ECS wants it to stop."""
        return self.stop is not None and self.stop.asked_ns <= now_ns

    def status(self, now_ns: int) -> str:
        """Its last status at a time after its creation."""
        stop = self.stop
        if stop is not None and stop.asked_ns <= now_ns:
            if stop.stopped_ns <= now_ns:
                return "STOPPED"
            return "DEPROVISIONING" if stop.killed_ns <= now_ns else "DEACTIVATING"
        return next(status for status, name in REACHED if self.time(name, now_ns) is not None)

    def serves(self, now_ns: int) -> bool:
        """Whether the load balancer sends it requests."""
        return self.healthy_ns is not None and self.healthy_ns <= now_ns and not self.stopping(now_ns)
