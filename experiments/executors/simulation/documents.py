"""What ECS, CloudWatch Logs and the tasks themselves say, in the shapes that boto3 and our images give it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from experiments.executors.fargate.aws import Document
from experiments.executors.simulation.failures import Kind
from experiments.executors.simulation.service import SimulatedService
from experiments.executors.simulation.task import SimulatedTask

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_MS = 1_000_000
TIMES = {
    "connectivityAt": "connected_ns",
    "pullStartedAt": "pull_started_ns",
    "pullStoppedAt": "pull_stopped_ns",
    "startedAt": "started_ns",
}
RUNNING = "RUNNING"
STOPPED = "STOPPED"
FOREIGN = "another-task"


def moment(time_ns: int) -> datetime:
    """A time as ECS tells it: cut to the millisecond."""
    return _EPOCH + timedelta(milliseconds=time_ns // NS_PER_MS)


def describe_task(task: SimulatedTask, deployment: str, now_ns: int) -> Document:
    """A task as DescribeTasks tells it at a time after its creation."""
    treatment, status = task.treatment, task.status(now_ns)
    document: Document = {
        "taskArn": task.arn,
        "clusterArn": treatment.stack.cluster,
        "taskDefinitionArn": treatment.service.task_definition,
        "group": f"service:{treatment.service.name}",
        "startedBy": deployment,
        "launchType": "FARGATE",
        "platformVersion": treatment.stack.platform_version,
        "cpu": str(treatment.stack.cpu_units),
        "memory": str(treatment.stack.memory_mebibytes),
        "lastStatus": status,
        "desiredStatus": STOPPED if task.stopping(now_ns) else RUNNING,
        "createdAt": moment(task.created_ns),
        "containers": [_container(task, status)],
    }
    for key, name in TIMES.items():
        if (time_ns := task.time(name, now_ns)) is not None:
            document[key] = moment(time_ns)
    if "connectivityAt" in document:
        document["connectivity"] = "CONNECTED"
    return document | _stop(task, now_ns)


def describe_service(service: SimulatedService, now_ns: int) -> Document:
    """A service as DescribeServices tells it."""
    running, pending = counts(service.round_tasks, now_ns)
    deployment: Document = {
        "id": service.deployment,
        "status": "PRIMARY",
        "taskDefinition": service.treatment.service.task_definition,
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "failedTasks": service.failed,
        "createdAt": moment(service.created_ns),
        "updatedAt": moment(service.updated_ns),
        "rolloutState": "COMPLETED" if running == service.desired else "IN_PROGRESS",
    }
    return {
        "serviceArn": service.treatment.service.arn,
        "serviceName": service.name,
        "clusterArn": service.treatment.stack.cluster,
        "status": "ACTIVE",
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "launchType": "FARGATE",
        "taskDefinition": service.treatment.service.task_definition,
        "deployments": [deployment],
        "events": [
            {"id": str(event.created_ns), "createdAt": moment(event.created_ns), "message": event.message}
            for event in service.events
            if event.created_ns <= now_ns
        ],
    }


def counts(tasks: Iterable[SimulatedTask], now_ns: int) -> tuple[int, int]:
    """How many tasks run, and how many are on their way there."""
    running = pending = 0
    for task in tasks:
        if task.created_ns > now_ns or task.stopping(now_ns):
            continue
        if task.started_ns is not None and task.started_ns <= now_ns:
            running += 1
        else:
            pending += 1
    return running, pending


def log_stream(task: SimulatedTask) -> str:
    """The name of the log stream that tells of a task's boot (awslogs driver): its own, or its probe's."""
    treatment = task.treatment
    container = treatment.stack.container if treatment.ready is None else treatment.stack.probe
    return f"{treatment.service.log_stream_prefix}/{container}/{task.id}"


def report_line(task: SimulatedTask) -> str:
    """The line that tells of a task's boot; raises `ValueError` when that never happens."""
    line = boot_report(task) if task.treatment.ready is None else _probe_report(task)
    return line[: len(line) // 2] if Kind.CUT_REPORT in task.fate else line


def boot_report(task: SimulatedTask) -> str:
    """The line that a task logs and serves once it has booted; raises `ValueError` when that never happens."""
    if task.boot_started_ns is None or task.boot_finished_ns is None:
        raise ValueError(f"The boot of {task.arn} never ends.")
    treatment = task.treatment
    report = {
        "schema_version": 1,
        "variant": treatment.variant,
        "task_arn": _told_arn(task),
        "snapshotter": task.snapshotter,
        "clock_error_bound_ms": task.clock_error_bound_ms,
        "started_ns": task.boot_started_ns + task.clock_error_ns,
        "finished_ns": task.boot_finished_ns + task.clock_error_ns,
        "files": [_hashed("/srv/www/payload/simulated", treatment.workload.read_bytes, treatment.variant)],
    }
    return json.dumps(report, separators=(",", ":"))


def _probe_report(task: SimulatedTask) -> str:
    """What the probe beside a task writes once that has booted."""
    if task.boot_started_ns is None or task.boot_finished_ns is None:
        raise ValueError(f"The boot of {task.arn} never ends.")
    stack = task.treatment.stack
    measured = {"snapshotter": task.snapshotter, "started_ns": task.boot_started_ns + task.clock_error_ns}
    report = {
        "probe_schema_version": 1,
        "task_arn": _told_arn(task),
        "ready": task.treatment.ready,
        "ready_ns": task.boot_finished_ns + task.clock_error_ns,
        "seen": "answered 200",
        "final": True,
        "clock_error_bound_ms": task.clock_error_bound_ms,
        "containers": [{"name": stack.container, **measured}, {"name": stack.probe, "snapshotter": "overlayfs"}],
    }
    return json.dumps(report, separators=(",", ":"))


def _told_arn(task: SimulatedTask) -> str:
    return f"{task.arn}-{FOREIGN}" if Kind.FOREIGN_REPORT in task.fate else task.arn


def _container(task: SimulatedTask, status: str) -> Document:
    container: Document = {
        "name": task.treatment.stack.container,
        "taskArn": task.arn,
        "image": task.treatment.image,
        "imageDigest": task.treatment.image_digest,
        "lastStatus": status if status in (RUNNING, STOPPED) else "PENDING",
    }
    if status == STOPPED and task.stop is not None:
        if task.stop.code == "TaskFailedToStart":
            container["reason"] = task.stop.reason
        elif task.stop.exit_code is not None:
            container["exitCode"] = task.stop.exit_code
    return container


def _stop(task: SimulatedTask, now_ns: int) -> Document:
    stop = task.stop
    if stop is None or stop.asked_ns > now_ns:
        return {}
    document: Document = {
        "stoppingAt": moment(stop.asked_ns),
        "stopCode": stop.code,
        "stoppedReason": stop.reason,
    }
    if stop.killed_ns <= now_ns:
        document["executionStoppedAt"] = moment(stop.killed_ns)
    if stop.stopped_ns <= now_ns:
        document["stoppedAt"] = moment(stop.stopped_ns)
    return document


def _hashed(path: str, size_bytes: int, content: str) -> Document:
    """A file as the hasher reports it; the hashes are of its name, since there is no file."""
    names = ("md5", "sha1", "sha256", "sha512")
    sums = {name: hashlib.new(name, content.encode(), usedforsecurity=False).hexdigest() for name in names}
    return {"path": path, "bytes": size_bytes, **sums, "crc32": "0" * 8, "adler32": "0" * 8}
