"""Clears what a killed sweep left running on a stack, and keeps a stack to one sweep at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from experiments.executors.fargate.aws import Aws, Clock, Document
from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.lease import Lease
from experiments.executors.fargate.service import DRAIN_SECONDS, Service
from experiments.executors.fargate.stage import Stage, fargate_of
from experiments.executors.protocol import NotifyPhase
from infra.outputs import FargateOutput, StackOutputs
from kit import locks
from kit.errors import AwsError, StackError
from kit.paths import data_dir

SERVICES_PER_CALL = 10
"""DescribeServices: the most services in one call (API reference of Amazon ECS)."""
ACTIVE = "ACTIVE"
CLAIM_SECONDS = 2 * DRAIN_SECONDS
"""For clearing a stack, which waits at most so long for its services, and some more."""


def clear_orphans(outputs: StackOutputs, aws: Aws, clock: Clock) -> list[str]:
    """Scale every service of the stack that has tasks to 0 and wait until none is left; returns what was cleared.

    Raises `AwsError` when that cannot be proven, `StoreError` that names the sweep that uses the stack.
    """
    stage = Stage(aws, clock, fargate_of(outputs), timeout_seconds=0)
    with claimed(outputs, aws, clock):
        return empty(opened(outputs, stage), stage)


@contextmanager
def claimed(outputs: StackOutputs, aws: Aws, clock: Clock, seconds: float = CLAIM_SECONDS) -> Iterator[Lease | None]:
    """Keep other sweeps away from the stack: of this machine by a lock, whatever store they write to, and of other
    machines by a lease, which counts for ``seconds`` unless it is renewed. Raises `StoreError` that names the other.

    A simulated stack needs neither.
    """
    if outputs.target != "fargate":
        yield None
        return
    cluster = fargate_of(outputs).cluster
    folder = data_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(cluster.encode()).hexdigest()[:16]
    with locks.exclusive(folder / f"fargate-{name}.lock", f"The stack on {cluster}"):
        lease = Lease(aws, clock, cluster, seconds)
        lease.take()
        try:
            yield lease
        finally:
            lease.give_back()


def opened(outputs: StackOutputs, stage: Stage) -> list[Service]:
    """The services of all treatments; those that have tasks, or want some, are marked `Service.may_run`."""
    treatments = [treatment for variant in outputs.variants.values() for treatment in variant.treatments.values()]
    services = [Service(stage, treatment.service) for treatment in treatments if treatment.service is not None]
    described = describe(stage.aws, stage.stack, [service.name for service in services])
    for service in services:
        service.may_run = any(described[service.name].get(f"{kind}Count") for kind in ("desired", "running", "pending"))
    return services


def describe(aws: Aws, stack: FargateOutput, names: Sequence[str]) -> dict[str, Document]:
    """The services by name; raises `StackError` that names those that no longer exist."""
    documents: dict[str, Document] = {}
    for start in range(0, len(names), SERVICES_PER_CALL):
        described = aws.describe_services(stack.cluster, names[start : start + SERVICES_PER_CALL])
        documents.update({document["serviceName"]: document for document in described})
    gone = [name for name in names if documents.get(name, {}).get("status") != ACTIVE]
    if gone:
        raise StackError(f"The stack's ECS services are gone: {', '.join(gone)}. `sociometer up` makes them again.")
    return documents


def empty(services: Iterable[Service], stage: Stage, notify: NotifyPhase = lambda _phase: None) -> list[str]:
    """Drain each service that may have tasks, even when another fails; returns what was cleared, in words."""
    cleared, errors = [], []
    for service in services:
        if not service.may_run:
            continue
        try:
            service.drain({}, AwsTime(stage.clock), notify)
        except AwsError as error:
            errors.append(error)
        else:
            cleared.append(f"tasks of the ECS service {service.name}")
    if errors:
        raise errors[0]
    return cleared
