"""What a round asks of AWS: one protocol, with boto3 (`boto.py`) or `experiments.executors.simulation` behind it.

Answers are the dictionaries that boto3 gives (datetimes and all), one page at a time, so that the caller decides how
often to ask. An implementation backs off and retries by itself when it is throttled or the connection breaks. It counts
every request in ``calls``, and raises `AwsError` when it gives up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

TASKS_PER_CALL = 100
"""ListTasks and DescribeTasks: the most tasks in one call (API reference of Amazon ECS)."""

Document = dict[str, Any]


class Page(NamedTuple):
    """One page of an answer; ``token`` asks for the next one, and is None on the last.

    ``date`` is AWS's own clock when it answered, in whole seconds (the HTTP header Date); None when it did not say.
    """

    items: list[Document]
    token: str | None
    date: datetime | None = None


class Described(NamedTuple):
    """DescribeTasks: the tasks that are known, a failure (``arn``, ``reason``) for each that is not, and the date."""

    tasks: list[Document]
    failures: list[Document]
    date: datetime | None = None


class Answer(NamedTuple):
    """What the load balancer answered: the HTTP status (0 when nobody did), and the body."""

    status: int
    body: bytes


class Clock(Protocol):
    """Time as the executor sees it: the module `time`, or a simulation in which hours pass at once."""

    def time_ns(self) -> int:
        """Nanoseconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds; never runs backwards."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


class Aws(Protocol):
    """The calls of a round. ``calls`` counts requests by operation (UpdateService …), ``retries`` those sent again."""

    calls: Counter[str]
    retries: Counter[str]

    def update_service(self, cluster: str, service: str, desired_count: int) -> Document:
        """UpdateService: the service as it is then, with its deployments."""
        ...

    def describe_services(self, cluster: str, services: Sequence[str]) -> list[Document]:
        """DescribeServices for at most ten services: counts, deployments, events."""
        ...

    def describe_clusters(self, clusters: Sequence[str]) -> list[Document]:
        """DescribeClusters with their tags; nothing for those that do not exist."""
        ...

    def tag_resource(self, arn: str, tags: Mapping[str, str]) -> None:
        """TagResource: set these tags of a cluster."""
        ...

    def untag_resource(self, arn: str, keys: Sequence[str]) -> None:
        """UntagResource: remove tags of a cluster."""
        ...

    def list_tasks(
        self, cluster: str, service: str, desired_status: Literal["RUNNING", "STOPPED"], token: str | None
    ) -> Page:
        """ListTasks: up to 100 tasks, each as ``{"taskArn": …}``; eventually consistent."""
        ...

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> Described:
        """DescribeTasks for at most `TASKS_PER_CALL` tasks; eventually consistent."""
        ...

    def filter_log_events(self, group: str, stream_prefix: str, pattern: str, start_ms: int, token: str | None) -> Page:
        """FilterLogEvents: events with ``logStreamName``, ``timestamp`` and ``message``, 1 MB or 10,000 a page."""
        ...

    def get(self, url: str, header: str) -> Answer:
        """One HTTP GET through the load balancer, with ``header`` as `ROUTE_HEADER`; never raises for a bad answer."""
        ...
