"""The containers of a task: the measured one, and beside an unchanged image the probe, which sees when it is ready.

Fields are those of the Amazon ECS API reference, ContainerDefinition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.oci.config import ImageConfig
from infra.outputs import ContainerOutput
from infra.readiness import Ready
from infra.settings.model import Workload

CONTAINER = "workload"
PROBE = "probe"
LONGEST_PROBING_SECONDS = 86_400
"""The probe gives up after a day. Whoever runs the round gives up earlier, and scales the service down."""
CHECK_SECONDS, CHECK_TIMEOUT_SECONDS = 5, 5
"""The shortest interval of health checks that ECS allows: nobody else tells when the image's own one succeeded."""
MOST_RETRIES, MOST_START_SECONDS = 10, 300
"""The most patience that ECS allows: a task that is slow to boot is to be measured, not replaced."""


@dataclass(frozen=True)
class Probed:
    """What the probe of a treatment is told; ``image`` is its own, by digest, ``config`` that of the measured one."""

    image: pulumi.Input[str]
    ready: Ready
    config: ImageConfig


@dataclass(frozen=True)
class ContainerArgs:
    """The measured image by digest, what it is given, and where it logs; ``probe`` unless it reports by itself."""

    image: pulumi.Input[str]
    workload: Workload
    probe: Probed | None
    log_group: pulumi.Input[str]
    region: str
    stream_prefix: str


def definitions(args: ContainerArgs) -> list[dict[str, Any]]:
    """The container definitions of a task, the measured one first."""
    if args.probe is None:
        return [_measured(args, essential=True, port=args.workload.port)]
    # When a job has ended, the task must go on: ECS would start another one in its place.
    is_job = args.probe.ready.kind == "exit"
    measured = _measured(args, essential=not is_job, port=args.probe.ready.port)
    if args.probe.ready.kind == "healthcheck":
        measured["healthCheck"] = _health_check(args.probe.config)
    return [measured, _probe(args, args.probe, essential=is_job)]


def _measured(args: ContainerArgs, *, essential: bool, port: int) -> dict[str, Any]:
    ports = [{"containerPort": port, "hostPort": port, "protocol": "tcp"}] if port else []
    return {
        **_given(args.workload.container),
        "name": CONTAINER,
        "image": args.image,
        "essential": essential,
        "portMappings": ports,
        "logConfiguration": _logging(args),
    }


def _probe(args: ContainerArgs, probe: Probed, *, essential: bool) -> dict[str, Any]:
    told = {"CONTAINER": CONTAINER, "READY": str(probe.ready), "TIMEOUT_SECONDS": str(LONGEST_PROBING_SECONDS)}
    return {
        "name": PROBE,
        "image": probe.image,
        "essential": essential,
        "dependsOn": [{"containerName": CONTAINER, "condition": "START"}],
        "environment": [{"name": name, "value": value} for name, value in sorted(told.items())],
        "readonlyRootFilesystem": True,
        "logConfiguration": _logging(args),
    }


def _health_check(config: ImageConfig) -> dict[str, Any]:
    """ECS does not look for a health check in the image (Amazon ECS developer guide, "Container health checks")."""
    return {
        "command": ["CMD", *(config.health_command or ())],
        "interval": CHECK_SECONDS,
        "timeout": CHECK_TIMEOUT_SECONDS,
        "retries": MOST_RETRIES,
        "startPeriod": MOST_START_SECONDS,
    }


def _logging(args: ContainerArgs) -> dict[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": args.log_group,
            "awslogs-region": args.region,
            "awslogs-stream-prefix": args.stream_prefix,
            "mode": "non-blocking",  # a slow log must not delay the measured boot
            "max-buffer-size": "1m",
        },
    }


def _given(container: ContainerOutput) -> dict[str, Any]:
    """What the user sets of a container, by the names of the task definition; nothing for what is the image's own.

    Secrets are ARNs: ECS reads the values itself, with the execution role.
    """
    given: dict[str, Any] = {
        "environment": [{"name": name, "value": value} for name, value in sorted(container.environment.items())],
        "secrets": [{"name": name, "valueFrom": arn} for name, arn in sorted(container.secrets.items())],
        "command": list(container.command or ()),
        "entryPoint": list(container.entry_point or ()),
        "user": container.user,
        "workingDirectory": container.working_directory,
        "readonlyRootFilesystem": container.read_only_root,
        "stopTimeout": container.stop_timeout_seconds,
    }
    return {name: value for name, value in given.items() if value}
