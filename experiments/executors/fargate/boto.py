"""AWS itself, by boto3, and the load balancer, by httpx: the real `Aws`.

Faces the network: every request that is sent is counted, also those sent again (boto3's `standard` retries: throttling,
5xx, and connections that are lost or end too early, with growing, jittered waits), and every error becomes one line
(`kit.aws_errors`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Literal, Self

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from experiments.executors.fargate.aws import TASKS_PER_CALL, Answer, Described, Document, Page
from infra.outputs import ROUTE_HEADER
from kit.aws_answers import whole
from kit.aws_errors import translate

ATTEMPTS = 8
"""Attempts of one call: with boto3's waits (up to 1, 2, 4 … 20 s, jittered) it sits out about half a minute."""
CONNECT_SECONDS = 5
READ_SECONDS = 30
GET = "GET"
GET_SECONDS = 5.0
MOST_BODY_BYTES = 1 << 20
"""A boot report has a few hundred bytes; any longer answer is cut."""


class Boto:
    """The calls of a round on real AWS in one region, with the credentials that boto3 finds; to be closed."""

    def __init__(self, region: str, *, attempts: int = ATTEMPTS) -> None:
        self.calls: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        )
        with _translated("opening a session"):
            session = boto3.session.Session(region_name=region)
            self._ecs = whole(session.client("ecs", config=config))
            self._logs = whole(session.client("logs", config=config))
        for client in (self._ecs, self._logs):
            client.meta.events.register("before-send", self._count)
        self._http = httpx.Client(timeout=GET_SECONDS)

    def update_service(self, cluster: str, service: str, desired_count: int) -> Document:
        """UpdateService: the service as it is then, with its deployments."""
        answer = self._call(
            "UpdateService", self._ecs.update_service, cluster=cluster, service=service, desiredCount=desired_count
        )
        return dict(answer["service"])

    def describe_services(self, cluster: str, services: Sequence[str]) -> list[Document]:
        """DescribeServices for at most ten services: counts, deployments, events."""
        answer = self._call("DescribeServices", self._ecs.describe_services, cluster=cluster, services=list(services))
        return list(answer["services"])

    def describe_clusters(self, clusters: Sequence[str]) -> list[Document]:
        """DescribeClusters with their tags; nothing for those that do not exist."""
        answer = self._call("DescribeClusters", self._ecs.describe_clusters, clusters=list(clusters), include=["TAGS"])
        return list(answer["clusters"])

    def tag_resource(self, arn: str, tags: Mapping[str, str]) -> None:
        """TagResource: set these tags of a cluster."""
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        self._call("TagResource", self._ecs.tag_resource, resourceArn=arn, tags=pairs)

    def untag_resource(self, arn: str, keys: Sequence[str]) -> None:
        """UntagResource: remove tags of a cluster."""
        self._call("UntagResource", self._ecs.untag_resource, resourceArn=arn, tagKeys=list(keys))

    def list_tasks(
        self, cluster: str, service: str, desired_status: Literal["RUNNING", "STOPPED"], token: str | None
    ) -> Page:
        """ListTasks: up to 100 tasks, each as ``{"taskArn": …}``; eventually consistent."""
        more = {"nextToken": token} if token else {}
        answer = self._call(
            "ListTasks",
            self._ecs.list_tasks,
            cluster=cluster,
            serviceName=service,
            desiredStatus=desired_status,
            maxResults=TASKS_PER_CALL,
            **more,
        )
        return Page([{"taskArn": arn} for arn in answer["taskArns"]], answer.get("nextToken"), _date(answer))

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> Described:
        """DescribeTasks for at most `TASKS_PER_CALL` tasks; eventually consistent."""
        answer = self._call("DescribeTasks", self._ecs.describe_tasks, cluster=cluster, tasks=list(arns))
        return Described(list(answer["tasks"]), list(answer["failures"]), _date(answer))

    def filter_log_events(self, group: str, stream_prefix: str, pattern: str, start_ms: int, token: str | None) -> Page:
        """FilterLogEvents: events with ``logStreamName``, ``timestamp`` and ``message``, 1 MB or 10,000 a page."""
        more = {"nextToken": token} if token else {}
        answer = self._call(
            "FilterLogEvents",
            self._logs.filter_log_events,
            logGroupName=group,
            logStreamNamePrefix=stream_prefix,
            filterPattern=pattern,
            startTime=start_ms,
            **more,
        )
        return Page(list(answer["events"]), answer.get("nextToken"), _date(answer))

    def get(self, url: str, header: str) -> Answer:
        """One HTTP GET through the load balancer, with ``header`` as `ROUTE_HEADER`; never raises for a bad answer, and
        takes one that drips for longer than `GET_SECONDS` for none."""
        self.calls[GET] += 1
        body, until = bytearray(), time.monotonic() + GET_SECONDS
        try:
            with self._http.stream("GET", url, headers={ROUTE_HEADER: header}) as response:
                for part in response.iter_bytes():
                    body += part
                    if len(body) >= MOST_BODY_BYTES:
                        break
                    if time.monotonic() > until:
                        return Answer(0, b"")
        except httpx.HTTPError:
            return Answer(0, b"")
        return Answer(response.status_code, bytes(body[:MOST_BODY_BYTES]))

    def close(self) -> None:
        """End every connection."""
        for client in (self._ecs, self._logs):
            client.close()
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, operation: str, function: Callable[..., Any], **arguments: Any) -> Any:
        """Make one call with its retries, and count those."""
        before = self.calls[operation]
        try:
            with _translated(operation):
                return function(**arguments)
        finally:
            self.retries[operation] += max(0, self.calls[operation] - before - 1)

    def _count(self, event_name: str, **_: Any) -> None:
        """Called by botocore for every request that it sends; the event's name ends with the operation."""
        self.calls[event_name.rpartition(".")[2]] += 1


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translate(doing, error) from error


def _date(answer: Mapping[str, Any]) -> datetime | None:
    """AWS's clock by the answer's header."""
    text = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    try:
        return parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
