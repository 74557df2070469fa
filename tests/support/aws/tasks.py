"""What the containers would do if the local server ran any: boot, report it to a log, answer requests.

Only what AWS itself knows is used: the image of a task's definition tells whether it loads lazily, a rule of the
load balancer's listener tells which requests are for its service, the probe beside an unchanged image reports for it.
All load balancers share one address here.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import httpx

from infra.boot_report import PATH
from infra.outputs import ROUTE_HEADER
from tests.support.aws.server import AwsServer
from tests.support.background import answering

LOOK_SECONDS = 0.05
IDLE_LOOK_SECONDS = 0.2
"""While no task runs, which is most of the time: each look costs the machine a hundredth of a second."""
BOOT_SECONDS = {"soci": 0.15, "overlayfs": 0.3}
PROBE = "sociometer-probe"
SOCI_INDEX = "com.amazon.soci.index-digest"
"""Annotation of an image index whose image is loaded lazily (SOCI index manifest v2)."""


@dataclass(frozen=True)
class Kind:
    """What a task definition says: where its containers log, whether its image is loaded lazily, and what its probe
    waits for."""

    group: str
    prefix: str
    measured: str
    lazy: bool
    ready: str | None

    def stream(self, container: str, identity: str) -> dict[str, str]:
        """Where a container of a task logs (awslogs driver)."""
        return {"logGroupName": self.group, "logStreamName": f"{self.prefix}/{container}/{identity}"}


@dataclass
class Booting:
    """A task's container from its start on; ``report`` is there once it has booted."""

    header: str | None
    kind: Kind
    identity: str
    snapshotter: str
    started_ns: int
    report: bytes | None = None

    @property
    def due_ns(self) -> int:
        """When its boot work is done."""
        return self.started_ns + round(BOOT_SECONDS[self.snapshotter] * 1e9)


@dataclass
class Tasks:
    """The containers of all running tasks of ``server``, and what goes wrong with them.

    ``fall_back``: none is loaded lazily, as without an index; ``boots_left``: so many more boots come to their
    end, the others hang.
    """

    server: AwsServer
    address: str
    fall_back: bool = False
    boots_left: float = math.inf
    faults: list[BaseException] = field(default_factory=list)
    _containers: dict[str, Booting] = field(default_factory=dict)
    _kinds: dict[str, Kind] = field(default_factory=dict)
    _headers: dict[str, str] = field(default_factory=dict)
    _turn: Iterator[int] = field(default_factory=count)

    @property
    def some(self) -> bool:
        """Whether there were any at the last look."""
        return bool(self._containers)

    def look(self) -> None:
        """Start containers of new tasks, end those of tasks that are gone, and let boot whose time has come."""
        known, running = self._containers, {task["taskArn"]: task for task in self._running()}
        # A new table, and not a changed one: requests are answered meanwhile.
        self._containers = {arn: known.get(arn) or self._started(task) for arn, task in running.items()}
        for arn, one in self._containers.items():
            if one.report is None and self.boots_left > 0 and time.time_ns() >= one.due_ns:
                self._boot(arn, one)

    def answer(self, header: str | None) -> bytes | None:
        """What a task says whose requests a load balancer's rules tell by that header; each task in turn."""
        booted = [one.report for one in self._containers.values() if one.header == header and one.report]
        return booted[next(self._turn) % len(booted)] if booted else None

    def _running(self) -> Iterator[dict[str, Any]]:
        ecs = self.server.client("ecs")
        for cluster in ecs.list_clusters()["clusterArns"]:
            try:
                for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus="RUNNING"):
                    if arns := page["taskArns"]:
                        found = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
                        yield from (task for task in found if task["lastStatus"] == "RUNNING")
            except ecs.exceptions.ClusterNotFoundException:
                continue  # removed since it was listed

    def _started(self, task: dict[str, Any]) -> Booting:
        kind = self._kind(task["taskDefinitionArn"])
        reports = kind.ready is None
        return Booting(
            header=self._header(task["clusterArn"], task["group"].removeprefix("service:")) if reports else None,
            kind=kind,
            identity=task["taskArn"].rpartition("/")[2],
            snapshotter="soci" if kind.lazy and not self.fall_back else "overlayfs",
            started_ns=time.time_ns(),
        )

    def _kind(self, definition: str) -> Kind:
        if definition not in self._kinds:
            ecs = self.server.client("ecs")
            found = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
            containers = {container["name"]: container for container in found["containerDefinitions"]}
            told = {entry["name"]: entry["value"] for entry in containers.get(PROBE, {}).get("environment", ())}
            measured = containers[told.get("CONTAINER", "workload")]
            options = measured["logConfiguration"]["options"]
            self._kinds[definition] = Kind(
                group=options["awslogs-group"],
                prefix=options["awslogs-stream-prefix"],
                measured=measured["name"],
                lazy=_names_an_index(measured["image"]),
                ready=told.get("READY"),
            )
        return self._kinds[definition]

    def _boot(self, arn: str, one: Booting) -> None:
        kind = one.kind
        if kind.ready is None:
            line = _report(arn, one)
            self._log(kind.stream(kind.measured, one.identity), line)
        else:
            line = _probe_report(arn, one, kind.ready)
            self._log(kind.stream(PROBE, one.identity), line)
            self._log(kind.stream(kind.measured, one.identity), "serving")
        one.report = f"{line}\n".encode()
        self.boots_left -= 1

    def _log(self, stream: dict[str, str], line: str) -> None:
        logs = self.server.client("logs")
        logs.create_log_stream(**stream)
        logs.put_log_events(**stream, logEvents=[{"timestamp": time.time_ns() // 10**6, "message": line}])

    def _header(self, cluster: str, service: str) -> str:
        """The header of a service's requests: what the rule wants that leads to its target group."""
        if service not in self._headers:
            [found] = self.server.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
            [balanced] = found["loadBalancers"]
            self._headers[service] = dict(self._rules())[balanced["targetGroupArn"]]
        return self._headers[service]

    def _rules(self) -> Iterator[tuple[str, str]]:
        """Target groups, and the value of the header that leads to each."""
        elb = self.server.client("elbv2")
        for balancer in elb.describe_load_balancers()["LoadBalancers"]:
            for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
                for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                    for condition in rule["Conditions"]:
                        wanted = condition.get("HttpHeaderConfig", {})
                        if wanted.get("HttpHeaderName", "").lower() == ROUTE_HEADER.lower():
                            yield rule["Actions"][0]["TargetGroupArn"], wanted["Values"][0]


@contextmanager
def running_tasks(server: AwsServer) -> Iterator[Tasks]:
    """The containers, and the load balancer before them, for as long as the block lasts; raises what went wrong."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    tasks = Tasks(server, f"127.0.0.1:{http.server_port}")
    http.tasks = tasks  # type: ignore[attr-defined]
    ended = threading.Event()
    living = threading.Thread(target=_live, args=(tasks, ended))
    with answering(http):
        living.start()
        try:
            yield tasks
        finally:
            ended.set()
            living.join()
    if tasks.faults:
        raise tasks.faults[0]


def _live(tasks: Tasks, ended: threading.Event) -> None:
    while not ended.wait(LOOK_SECONDS if tasks.some else IDLE_LOOK_SECONDS):
        try:
            tasks.look()
        except BaseException as error:  # noqa: BLE001 - raised where the block ends
            tasks.faults.append(error)
            return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms

    def do_GET(self) -> None:
        tasks: Tasks = self.server.tasks  # type: ignore[attr-defined]
        body = tasks.answer(self.headers.get(ROUTE_HEADER)) if self.path == PATH else None
        self.send_response(503 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Tests are not told."""


def _names_an_index(image: str) -> bool:
    """Whether an image (host/repository@digest) is an index whose image names its SOCI index."""
    host, _, rest = image.partition("/")
    repository, _, digest = rest.partition("@")
    answer = httpx.get(
        f"http://{host}/v2/{repository}/manifests/{digest}",
        headers={"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"},
        trust_env=False,
    )
    manifests = answer.raise_for_status().json().get("manifests", ())
    return any(SOCI_INDEX in manifest.get("annotations", {}) for manifest in manifests)


def _report(arn: str, one: Booting) -> str:
    """The line that images/hasher/boot.go prints."""
    report = {
        "schema_version": 1,
        "variant": one.kind.prefix,
        "task_arn": arn,
        "snapshotter": one.snapshotter,
        "clock_error_bound_ms": 0.4,
        "started_ns": one.started_ns,
        "finished_ns": time.time_ns(),
        "files": [{"path": "/data/file", "bytes": 1, "sha256": "0" * 64}],
    }
    return json.dumps(report, separators=(",", ":"))


def _probe_report(arn: str, one: Booting, ready: str) -> str:
    """The line that images/probe/main.go prints; where the log tells of readiness, the probe tells who the task is."""
    seen_by_the_probe = not ready.startswith("log:")
    measured = {"name": one.kind.measured, "snapshotter": one.snapshotter, "started_ns": one.started_ns}
    report = {
        "probe_schema_version": 1,
        "task_arn": arn,
        "ready": ready,
        "ready_ns": time.time_ns() if seen_by_the_probe else None,
        "seen": "answered 200" if seen_by_the_probe else "the log is read by others",
        "final": True,
        "clock_error_bound_ms": 0.4,
        "containers": [measured, {"name": PROBE, "snapshotter": "overlayfs", "started_ns": one.started_ns}],
    }
    return json.dumps(report, separators=(",", ":"))
