"""The containers of a task: the measured one, and beside an unchanged image the probe, which sees when it is ready.

Fields are those of the Amazon ECS API reference, ContainerDefinition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from infra.fargate.existing import Existing
from infra.oci.config import ImageConfig
from infra.outputs import ContainerOutput
from infra.readiness import Ready
from infra.settings.model import Workload

CONTAINER = "workload"
PROBE = "sociometer-probe"
"""No container of a user's own is called so."""
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
    """The measured image by digest, what it is given, and where it logs; ``probe`` unless it reports by itself.

    ``existing`` is a task definition of the user's that says all else; ``sidecars`` are the images of the others in it.
    """

    image: pulumi.Input[str]
    workload: Workload
    probe: Probed | None
    log_group: pulumi.Input[str]
    region: str
    stream_prefix: str
    existing: Existing | None = None
    sidecars: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the measured container."""
        return CONTAINER if self.existing is None else self.existing.container


def definitions(args: ContainerArgs) -> list[dict[str, Any]]:
    """The container definitions of a task: as they were in an existing one, else the measured one; last the probe."""
    logging = {"logConfiguration": _logging(args)}
    if args.existing is None:
        containers: list[dict[str, Any]] = [{"name": CONTAINER, "portMappings": _ports(args)}]
    else:
        containers = list(args.existing.containers())
    measured = next(one for one in containers if one["name"] == args.name)
    for one in containers:
        one |= {**logging, "image": args.sidecars.get(one["name"], args.image)}
    measured |= {**_given(args.workload.container, measured), "essential": True}
    if args.probe is None:
        return containers
    # When a job has ended, the task must go on: ECS would start another one in its place.
    is_job = args.probe.ready.kind == "exit"
    measured["essential"] = not is_job
    if args.probe.ready.kind == "healthcheck":
        measured.setdefault("healthCheck", _health_check(args.probe.config))
    return [*containers, _probe(args, args.probe, essential=is_job) | logging]


def _ports(args: ContainerArgs) -> list[dict[str, Any]]:
    port = args.workload.port if args.probe is None else args.probe.ready.port
    return [{"containerPort": port, "hostPort": port, "protocol": "tcp"}] if port else []


def _probe(args: ContainerArgs, probe: Probed, *, essential: bool) -> dict[str, Any]:
    told = {"CONTAINER": args.name, "READY": str(probe.ready), "TIMEOUT_SECONDS": str(LONGEST_PROBING_SECONDS)}
    return {
        "name": PROBE,
        "image": probe.image,
        "essential": essential,
        "dependsOn": [{"containerName": args.name, "condition": "START"}],
        "environment": [{"name": name, "value": value} for name, value in sorted(told.items())],
        "readonlyRootFilesystem": True,
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


def _given(container: ContainerOutput, before: Mapping[str, Any]) -> dict[str, Any]:
    """What the user sets of a container, by the names of the task definition; nothing for what stays as it is.

    Variables are added to those that were there ``before``, or take their place.

    Secrets are ARNs: ECS reads the values itself, with the execution role.
    """
    given: dict[str, Any] = {
        "environment": _merged(before.get("environment", ()), "value", container.environment),
        "secrets": _merged(before.get("secrets", ()), "valueFrom", container.secrets),
        "command": list(container.command or ()),
        "entryPoint": list(container.entry_point or ()),
        "user": container.user,
        "workingDirectory": container.working_directory,
        "readonlyRootFilesystem": container.read_only_root,
        "stopTimeout": container.stop_timeout_seconds,
    }
    return {name: value for name, value in given.items() if value}


def _merged(before: Iterable[Mapping[str, str]], key: str, given: Mapping[str, str]) -> list[dict[str, str]]:
    values = {entry["name"]: entry[key] for entry in before} | dict(given)
    return [{"name": name, key: value} for name, value in sorted(values.items())]
