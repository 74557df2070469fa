"""The API of the simulated region, as an `experiments.executors.fargate.aws.Aws`: late, paged and throttled.

Each call takes time and may be refused, in which case it is sent again after a growing wait. It is answered from a
slightly outdated copy of the truth.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

from experiments.executors.fargate.aws import TASKS_PER_CALL, Answer, Described, Document, Page
from experiments.executors.simulation import documents
from experiments.executors.simulation.failures import Kind
from experiments.executors.simulation.service import SimulatedService
from experiments.executors.simulation.throttle import TokenBucket
from experiments.executors.simulation.world import SimulatedRegion
from experiments.records.phases import NS_PER_SECOND
from kit.errors import AwsError

SERVICES_PER_CALL = 10
NOBODY = 404
"""What the listener answers to a request without the header of a treatment."""


class SimulatedAws:
    """An `Aws`; ``calls`` counts the requests that were sent, ``retries`` those that were sent again."""

    def __init__(self, region: SimulatedRegion) -> None:
        self._region, self._clock, self._random = region, region.clock, region.random
        self._parameters = parameters = region.parameters
        self._tags: dict[str, dict[str, str]] = defaultdict(dict)
        self.calls: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        task_reads = TokenBucket(parameters.task_reads)
        self._buckets = {
            "ListTasks": task_reads,
            "DescribeTasks": task_reads,
            "DescribeServices": TokenBucket(parameters.service_reads),
            "UpdateService": TokenBucket(parameters.service_updates),
            "FilterLogEvents": TokenBucket(parameters.log_reads),
        }

    def update_service(self, cluster: str, service: str, desired_count: int) -> Document:
        """UpdateService; raises `AwsError` when it is refused for good, as every call does."""
        self._send("UpdateService")
        scaled = self._service(cluster, service)
        if desired_count > self._parameters.tasks_per_service:
            raise AwsError(f"InvalidParameterException: Desired count exceeds limit: {desired_count}.")
        scaled.scale(desired_count)
        return documents.describe_service(scaled, self._clock.now_ns)

    def describe_services(self, cluster: str, services: Sequence[str]) -> list[Document]:
        """DescribeServices."""
        _check(len(services), SERVICES_PER_CALL, "services")
        self._send("DescribeServices")
        seen_ns = self._seen_ns()
        return [documents.describe_service(self._service(cluster, name), seen_ns) for name in services]

    def describe_clusters(self, clusters: Sequence[str]) -> list[Document]:
        """DescribeClusters with their tags; nothing for those that do not exist."""
        return [
            {
                "clusterArn": arn,
                "status": "ACTIVE",
                "tags": [{"key": key, "value": value} for key, value in self._tags[arn].items()],
            }
            for arn in clusters
        ]

    def tag_resource(self, arn: str, tags: Mapping[str, str]) -> None:
        """TagResource: set these tags of a cluster."""
        self._tags[arn] |= tags

    def untag_resource(self, arn: str, keys: Sequence[str]) -> None:
        """UntagResource: remove tags of a cluster."""
        for key in keys:
            self._tags[arn].pop(key, None)

    def list_tasks(
        self, cluster: str, service: str, desired_status: Literal["RUNNING", "STOPPED"], token: str | None
    ) -> Page:
        """ListTasks: in no meaningful order, from a copy some seconds old, and now and then with a task missing."""
        self._send("ListTasks")
        listing, seen_ns = self._service(cluster, service), self._seen_ns()
        start = 0.0 if token is None else float(json.loads(token))
        listed: list[Document] = []
        for task in listing.from_rank(start):
            if task.created_ns > seen_ns or listing.wanted(task, seen_ns) != (desired_status == "RUNNING"):
                continue
            if len(listed) == TASKS_PER_CALL:
                return Page(listed, json.dumps(task.rank))
            if self._random.random() >= self._parameters.unlisted_share and not listing.meets(Kind.UNLISTED, task):
                listed.append({"taskArn": task.arn})
        return Page(listed, None)

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> Described:
        """DescribeTasks: from a copy some seconds old, in which the newest tasks are missing."""
        _check(len(arns), TASKS_PER_CALL, "tasks")
        self._send("DescribeTasks")
        seen_ns = self._seen_ns()
        described = Described([], [], date=documents.moment(self._clock.now_ns).replace(microsecond=0))
        for arn in arns:
            task = self._region.task(arn)
            service = None if task is None else self._service(cluster, task.treatment.service.name)
            if task is None or service is None or task.created_ns > seen_ns or service.meets(Kind.MISSING, task):
                described.failures.append({"arn": arn, "reason": "MISSING"})
            else:
                described.tasks.append(documents.describe_task(task, service.deployment, seen_ns))
        return described

    def filter_log_events(self, group: str, stream_prefix: str, pattern: str, start_ms: int, token: str | None) -> Page:
        """FilterLogEvents on the boot reports of one service."""
        self._send("FilterLogEvents")
        log = self._region.log(group, stream_prefix)
        if log is None:
            return Page([], None)
        if self._random.random() < self._parameters.empty_page_share:
            return Page([], token or log.first_token(start_ms))
        return log.page(stream_prefix, pattern, start_ms, token, self._clock.now_ns)

    def get(self, url: str, header: str) -> Answer:
        """One HTTP GET through the load balancer."""
        self._clock.sleep(self._parameters.get_seconds)
        site = self._region.site(header)
        if site is None:
            return Answer(NOBODY, b"no treatment of that name")
        stranger = None
        if self._region.failing(Kind.FOREIGN_ANSWER):
            nobody = site.service.treatment.stack.cluster.replace(":cluster/", ":task/") + "/of-another-round"
            stranger = next((task.arn for task in site.service.earlier()), nobody)
        return site.balancer.answer(urlsplit(url).path or "/", self._clock.now_ns, stranger)

    def _service(self, cluster: str, name: str) -> SimulatedService:
        service = self._region.service(name)
        if service.treatment.stack.cluster != cluster:
            raise AwsError(f"ClusterNotFoundException: there is no cluster {cluster}.")
        return service

    def _send(self, operation: str) -> None:
        """Send a request until it is not refused; time passes meanwhile."""
        for attempt in range(self._parameters.attempts):
            self.calls[operation] += 1
            self.retries[operation] += attempt > 0
            self._clock.sleep(self._parameters.api_seconds)
            if not self._refuses() and self._buckets[operation].take(self._clock.now_ns):
                return
            longest = min(self._parameters.backoff_seconds * 2**attempt, self._parameters.most_backoff_seconds)
            self._clock.sleep(longest * self._random.uniform(0.5, 1))
        raise AwsError(
            f"{operation} was refused {self._parameters.attempts} times (ThrottlingException: Rate exceeded). "
            "Wait, or ask AWS for a higher quota."
        )

    def _refuses(self) -> bool:
        """Whether the script refuses this call; each of its failures refuses as many calls as its ``count``."""
        failure = self._region.failing(Kind.REFUSED)
        if failure is None or self._region.refused >= failure.count:
            return False
        self._region.refused += 1
        return True

    def _seen_ns(self) -> int:
        """The time as of which a call is answered: a little ago, rarely long ago."""
        lag = self._random.expovariate(1 / self._parameters.lag_seconds) if self._parameters.lag_seconds else 0.0
        return self._clock.now_ns - round(min(lag, self._parameters.most_lag_seconds) * NS_PER_SECOND)


def _check(count: int, most: int, what: str) -> None:
    """Refuse what ECS never accepts, however often it is asked."""
    if not 1 <= count <= most:
        raise AwsError(f"InvalidParameterException: {count} {what} in one call; 1 to {most} are allowed.")
