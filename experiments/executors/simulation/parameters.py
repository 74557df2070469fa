"""Every number of the simulation, with its source. Nothing that follows from them is a measurement.

Three kinds of source are named below: AWS's documentation ("doc"), the lab ("lab": docs/lab.md and
`experiments.forecast.duration`), and the one published Fargate experiment with these workloads ("published":
ppabis/ecs-soci-experiments, ARM64, 0.25 vCPU: pull -80 %, start -40 %, boot -24 % for the movie and -46 % for the
Parquet files). A number without a source is marked as an assumption.

Fitted: with C seconds of provisioning and container start around the pull, P seconds of plain pull and the boot work
as in the lab, no single C and P fits all four published changes; C = 13 and P = 17 come within seven points of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from experiments.forecast.duration import HASH_SECONDS_PER_BYTE
from kit.values import Frozen

FULL_MOVIE_BYTES = 725_000_000
FITTED_PULL_SECONDS = 17.0
RATE_BITS_PER_SECOND = 1e9

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Workload(NamedTuple):
    """Bytes in a variant's image, and how many of them its boot reads."""

    image_bytes: Annotated[int, Field(ge=0)]
    read_bytes: Annotated[int, Field(ge=0)]


class Bucket(NamedTuple):
    """A token bucket: ``burst`` at once, then ``per_second``."""

    burst: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    per_second: Rate


class Noise(NamedTuple):
    """Standard deviations of the logarithm of a duration: between blocks, between rounds of a block, within a round."""

    block: Amount
    round: Amount
    task: Amount


class Parameters(Frozen):
    """A simulated Fargate in one region, and the machine that measures it. Durations in seconds are medians."""

    workloads: Mapping[str, Workload] = Field(
        default_factory=dict, description="by variant; one that is not listed reads its whole image"
    )

    # Launching. Doc: "AWS Fargate throttling quotas", on-demand tasks.
    launches: Bucket = Bucket(100, 20)
    service_launches: Bucket = Field(
        default=Bucket(10_000, 10_000), description="doc: 500 a minute for a service, adjustable; raised here"
    )
    tasks_per_service: int = Field(default=10_000, ge=1, description="doc: 5,000, adjustable; raised here")
    schedule_seconds: Amount = Field(default=1.0, description="assumption: until the service scheduler acts")
    retry_seconds: Amount = Field(
        default=10.0, description="assumption: until a failed task is replaced; doubles each time (doc: throttled)"
    )

    # A task's start, in the order in which it happens. Fitted: together C = 13 s. How they split is an assumption.
    connect_seconds: Amount = Field(default=8.0, description="from creation to connectivity")
    prepare_seconds: Amount = Field(default=1.5, description="from connectivity to the pull")
    start_seconds: Amount = Field(default=3.5, description="from the pull to the container's start")
    rate_bits_per_second: Rate = Field(default=RATE_BITS_PER_SECOND, description="lab: the profiles' network rate")
    unpack_seconds_per_byte: Amount = Field(
        default=FITTED_PULL_SECONDS / FULL_MOVIE_BYTES - 8 / RATE_BITS_PER_SECOND,
        description="fitted: the rest of P = 17 s for the movie",
    )
    lazy_pull_seconds: Amount = Field(default=3.4, description="published: pull -80 % of P, whatever the image's size")

    # The boot's own work.
    begin_seconds: Amount = Field(default=0.3, description="lab: from the container's start to its first work")
    ready_seconds: Amount = Field(default=0.1, description="lab: until the web server answers")
    hash_cpu_seconds_per_byte: Amount = Field(default=HASH_SECONDS_PER_BYTE, description="lab: six hashes in one pass")
    lazy_read_seconds_per_byte: Amount = Field(
        default=1.7 / FULL_MOVIE_BYTES, description="lab: what reading through the index adds to the hashing"
    )
    clock_error_bound_ms: Amount = Field(default=0.5, description="assumption: the order of what chrony reports on EC2")

    noise: Noise = Field(
        default=Noise(0.04, 0.04, 0.08), description="assumption: no published figure comes with an interval"
    )

    # The load balancer. Deregistration: the target group's setting. Health checks: doc, the default interval
    # is 30 s, a target's first check comes at once and one success makes it healthy.
    register_seconds: Amount = Field(default=2.0, description="assumption: from the first answer to the first request")
    deregister_seconds: Amount = 10.0
    get_seconds: Amount = Field(default=0.02, description="assumption: one request over the internet")
    bad_gateway_share: Share = Field(default=0.0, description="of the requests; for tests")

    # Stopping.
    kill_seconds: Amount = Field(default=1.0, description="assumption: from the signal to the container's end")
    deprovision_seconds: Amount = Field(default=12.0, description="assumption: until its network interface is gone")
    remembered_seconds: Amount = Field(default=3600.0, description="doc: stopped tasks are shown for at least an hour")

    # What AWS reports, and when. Doc: "eventual consistency", a few seconds, no bound given.
    lag_seconds: Amount = Field(default=1.0, description="assumption: mean age of the state that a call returns")
    most_lag_seconds: Amount = Field(default=8.0, description="assumption: the greatest such age")
    unlisted_share: Share = Field(default=0.001, description="assumption: of a page's tasks, left out")
    api_seconds: Amount = Field(default=0.05, description="assumption: one API call over the internet")
    log_seconds: Amount = Field(
        default=5.0, description="doc: the awslogs driver sends every 5 s; drawn from 0 to this"
    )
    empty_page_share: Share = Field(
        default=0.1, description="doc: FilterLogEvents may return an empty page with a token; assumption: how often"
    )

    # Doc: "Request throttling for the Amazon ECS API": cluster resource read, service read, service modify actions.
    task_reads: Bucket = Bucket(100, 20)
    service_reads: Bucket = Bucket(100, 20)
    service_updates: Bucket = Bucket(50, 5)
    log_reads: Bucket = Field(default=Bucket(5, 5), description="doc: CloudWatch Logs quotas, the least of any region")
    attempts: int = Field(default=10, ge=1, description="how often a refused call is sent before giving up")
    backoff_seconds: Amount = Field(default=0.5, description="doc: SDK retry behaviour, doubled up to `most_backoff`")
    most_backoff_seconds: Amount = 20.0

    asker_clock_ahead_seconds: float = Field(
        default=0.0, description="how far the measuring machine's clock is ahead of AWS's; for tests"
    )

    def metadata(self) -> dict[str, str]:
        """Every parameter as key metadata, so that sweeps with different numbers are never pooled."""
        values = self.model_dump(exclude={"workloads"})
        workloads = {f"workload.{name}": _text(workload) for name, workload in sorted(self.workloads.items())}
        return {f"parameter.{name}": text for name, text in {**_texts(values), **workloads}.items()}


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    return "/".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
