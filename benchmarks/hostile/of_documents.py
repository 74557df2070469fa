"""JSON documents that come from elsewhere: reports of tasks, outputs of stacks, traces, answers of AWS and Docker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from benchmarks.hostile.documents import maker
from benchmarks.hostile.parser import Parser, text_of, texts
from experiments.executors.choose import simulated_outputs
from experiments.executors.fargate.lease import Holder
from experiments.executors.fargate.reports import named_task, read
from experiments.executors.fargate.tasks import TaskFacts
from experiments.forecast import prices
from experiments.plan.plan import Plan
from experiments.plan.presets import preset
from infra import boot_report, probe_report
from infra.fargate import existing
from infra.lab import metadata
from infra.outputs import StackOutputs
from infra.settings import attached
from infra.settings.model import Settings
from infra.sources.daemon import described
from infra.trace import model, summary, unite
from kit.documents import Unreadable, model_of
from kit.errors import LabError

ARN = "arn:aws:ecs:eu-west-2:123456789012:task/cluster/0123456789abcdef"
DIGESTS = tuple(f"sha256:{letter * 64}" for letter in "abcdef")
BOOT = {
    "schema_version": 1, "variant": "movie", "task_arn": ARN, "snapshotter": "soci", "clock_error_bound_ms": 0.5,
    "started_ns": 1_800_000_000_000_000_000, "finished_ns": 1_800_000_001_000_000_000,
    "files": [{"path": "/a", "bytes": 7, "sha256": "0" * 64, "md5": "0" * 32}],
}  # fmt: skip
PROBE = {
    "probe_schema_version": 1, "task_arn": ARN, "ready": "http:80/", "ready_ns": 1_800_000_000_000_000_000,
    "seen": "answered 200", "final": True, "clock_error_bound_ms": None,
    "containers": [{"name": "app", "snapshotter": "soci", "started_ns": 1_800_000_000_000_000_000}],
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "sociometer:target": "fargate", "sociometer:variants": "movie",
    "sociometer:loadbalancerAllowCidrs": '["203.0.113.7/32"]',
    "sociometer:seed": 3, "forms": ["plain", "soci-v2(span=1MiB)"], "spanSize": "4MiB", "cpuUnits": 256,
    "memoryMebibytes": 512, "deleteAfter": "2027-01-31", "owner": "me",
    "images": {"web": {"image": "nginx", "ready": "http:80/", "environment": {"A": "b"}, "command": ["a", "b"],
                       "secrets": {"S": "arn:aws:ssm:eu-west-2:123456789012:parameter/x"}}},
}  # fmt: skip
TRACE: dict[str, Any] = {
    "image": "web:1", "digest": DIGESTS[0], "platform": "linux/amd64", "ready": "http:80/", "ready_ms": 812.5,
    "layers": [
        {"digest": DIGESTS[1], "diff_id": DIGESTS[2], "media_type": "application/vnd.oci.image.layer.v1.tar+gzip",
         "size_bytes": 50_000, "lazy": {"files": 3, "file_bytes": 90_000, "span_count": 9, "spans": [0, 1, 4],
                                        "span_weights": [5000, 6000, 100], "fetched_bytes": 11_100,
                                        "unpacked_bytes": 30_000, "fetched": [[0, 20_000], [40_000, 50_000]],
                                        "tar_bytes": 95_000}},
        {"digest": DIGESTS[3], "diff_id": DIGESTS[4], "media_type": "application/vnd.oci.image.layer.v1.tar+zstd",
         "size_bytes": 70, "lazy": None},
    ],
    "files": [
        {"path": "usr/bin/x", "layer": 0, "size_bytes": 8_000, "first_ms": 1.5, "offset": 512, "ranges": [[0, 4096]]},
        {"path": "etc/y", "tar_name": "./etc/y", "layer": 0, "size_bytes": 20_000, "first_ms": None, "offset": 41_000,
         "ranges": [[0, 4096], [8192, 20_480]]},
    ],
    "folders": [{"path": "usr/bin", "layer": 0, "files": 2, "file_bytes": 9_000, "read_files": 1, "read_bytes": 4096}],
    "span_bytes": 10_000, "received_bytes": 20_000, "whole_bytes": 900, "share": 0.2, "amplification": 2.0,
    "not_seen": ["something"],
}  # fmt: skip
TASK_DEFINITION: dict[str, Any] = {
    "taskDefinitionArn": "arn:aws:ecs:eu-west-2:123456789012:task-definition/web:3", "family": "web", "revision": 3,
    "cpu": "256", "memory": "512", "compatibilities": ["EC2", "FARGATE"], "ephemeralStorage": {"sizeInGiB": 30},
    "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
    "volumes": [{"name": "v", "host": {}, "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
    "containerDefinitions": [
        {"name": "app", "image": "nginx:1", "essential": True, "portMappings": [{"containerPort": 80}],
         "secrets": [{"name": "A", "valueFrom": "/x/y"}], "environmentFiles": [{"value": "arn:aws:s3:::b/k"}],
         "healthCheck": {"command": ["CMD", "true"]}, "logConfiguration": {"logDriver": "awslogs"}},
        {"name": "side", "image": "envoy", "essential": False},
    ],
}  # fmt: skip
ECS_TASK = {
    "taskArn": ARN, "desiredStatus": "STOPPED", "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited",
    "stoppedReason": "CannotPullContainerError: x\ny", "startedBy": "ecs-svc/1", "taskDefinitionArn": "a:1",
    "containers": [{"name": "app", "reason": "OutOfMemoryError", "exitCode": 137}],
}  # fmt: skip
_DAEMON = {
    "Id": DIGESTS[0], "Size": 5, "Os": "linux", "Architecture": "amd64",
    "Config": {"Cmd": ["a"], "Env": ["A=b"], "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Test": ["CMD", "x"],
    "Timeout": 5}},
}  # fmt: skip


def parsers() -> Iterator[Parser]:
    """Each of them."""
    yield Parser("settings", "a stack's configuration", maker([SETTINGS]), lambda it: Settings.parse(_object(it)))
    outputs = simulated_outputs(preset("default").design).model_dump(mode="json")
    yield Parser("stack-outputs", "a stack's outputs", maker([outputs]), _outputs)
    yield Parser("boot-report", "logs, the load balancer, a container", maker([BOOT]), _boot)
    yield Parser("probe-report", "the probe's log", maker([PROBE]), _probe)
    yield Parser("trace", "trace files, forms, tune", maker([TRACE]), _trace)
    yield Parser("prefetch-list", "files= of soci-v2-prefetch", maker([["/a", "b/../c"]]), _prefetch)
    yield Parser("task-definition", "DescribeTaskDefinition", maker([TASK_DEFINITION]), _task_definition)
    yield Parser("ecs-task", "DescribeTasks", maker([ECS_TASK]), _ecs_task, _task_shape)
    yield Parser("daemon", "Docker's and Podman's answers", maker([_DAEMON]), _daemon)
    leases = (f"{'0' * 32} me@host, process 7 until 2027-01-31T00:00:00Z",)
    yield Parser("lease", "a cluster's tag", texts(leases, ("until ", "T", "Z", "-", ":", "9")), _lease)
    table = json.loads(prices.TABLE.read_text())
    table["regions"] = dict(list(table["regions"].items())[:1])
    yield Parser("prices", "prices.json", maker([table]), prices.parse)
    yield Parser("plan", "a sweep in a store", maker([_plan()]), _plan_of)
    requests = ("/v4/0123/task", "/v4/0123", "/v4/9/task/", "/")
    yield Parser(
        "metadata-request", "what a container asks the lab", texts(requests, ("/", "v4", "..", "%00")), _metadata
    )


def _plan() -> dict[str, Any]:
    from experiments.plan.plan import make_plan

    design = preset("default").design.model_copy(update={"blocks": 1})
    document: dict[str, Any] = make_plan(design).model_dump(mode="json")
    return document


def _plan_of(content: bytes) -> None:
    try:
        found = model_of(Plan, content)
    except Unreadable as error:
        raise LabError(str(error)) from error
    assert model_of(Plan, found.model_dump_json()) == found
    assert found.digest


def _object(content: bytes) -> dict[str, Any]:
    """As Pulumi or boto3 hand it over; what is no JSON comes from neither."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise LabError("no JSON") from error
    if not isinstance(found, dict):
        raise LabError("no object")
    return found


def _outputs(content: bytes) -> None:
    found = StackOutputs.parse(_object(content))
    assert StackOutputs.parse(json.loads(found.model_dump_json())) == found


def _boot(content: bytes) -> None:
    named_task(content)
    found = read(content, ARN)
    if isinstance(found, str):
        raise LabError(found)
    report = boot_report.parse(content, ARN)
    assert report.started_ns <= report.finished_ns < 1 << 63
    assert boot_report.parse(report.model_dump_json(), ARN) == report


def _probe(content: bytes) -> None:
    report = probe_report.parse(content, ARN, "http:80/")
    assert probe_report.parse(report.model_dump_json(), ARN, "http:80/") == report


def _trace(content: bytes) -> None:
    found = model.parse(content, "trace.json")
    assert model.parse(found.model_dump_json(), "it") == found
    counted = summary.summary(found)
    assert counted.read_bytes >= 0 and counted.needed_spans <= counted.spans
    summary.prefetch_list(found)
    both = unite.unite([found, found])
    assert both.boots == 2 * found.boots
    model.parse(both.model_dump_json(), "both")


def _prefetch(content: bytes) -> None:
    try:
        listed = attached.prefetch_files(content.decode())
    except ValueError as error:
        raise LabError(" ".join(str(error).split())) from error
    assert attached.prefetch_files(listed) == listed
    assert all(path.startswith("/") and "/../" not in path for path in json.loads(listed))


def _task_definition(content: bytes) -> None:
    found = existing.chosen(_object(content), None)
    assert found.measured
    Settings.parse({**found.settings(), "images": {"web": found.image_settings()}})
    found.sidecars, found.secret_arns, found.environment_files, list(found.containers())


def _ecs_task(content: bytes) -> None:
    """With times as boto3 gives them."""
    document = _object(content)
    if _ecs_types().validate(document, _task_shape()).has_errors():
        raise LabError("boto3 gives nothing of other types than the API declares")
    facts = TaskFacts(ARN)
    facts.learn({**document, "createdAt": datetime(2027, 1, 1, tzinfo=UTC)})
    facts.hopeless, facts.stopped_by_itself, facts.stamps()


@cache
def _task_shape() -> Any:
    """botocore asks the machine what it is, with a command."""
    import botocore.session

    service = botocore.session.get_session().get_service_model("ecs")
    return service.shape_for("Task")


def _ecs_types() -> Any:
    from botocore.validate import ParamValidator

    return ParamValidator()


def _daemon(content: bytes) -> None:
    found = described("web", content)
    assert found.config.health_command != ()
    assert len(found.config.tcp_ports) < 65536


def _lease(content: bytes) -> None:
    found = Holder.parse(text_of(content))
    if found is not None:
        Holder.parse(str(found))


def _metadata(content: bytes) -> None:
    identity = metadata.Identity(ARN, "0123", "i", DIGESTS[0], 0.25, 1 << 29, "10.0.0.2")
    task = metadata._Task(identity, lambda: "soci")
    path = text_of(content)
    _, version, container_id, rest = (*path.split("/", 3), "", "", "")[:4]
    document = task.document(rest.rstrip("/")) if (version, container_id) == ("v4", "0123") else None
    json.dumps(document or {"error": f"no metadata at {path}"}).encode()
