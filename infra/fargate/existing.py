"""A task definition that the user has, to be measured with nothing changed but the form of one container's image. Pure.

Fields are those of the Amazon ECS API reference, TaskDefinition. What the stack puts in its own places: the logs of all
containers (its log group), the execution role (which may pull from the stack's repositories and read the same secrets),
and the images of the other containers, which are copied as they are, so that a task pulls everything the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.fargate import definition
from kit.errors import SettingsError

FARGATE = "FARGATE"
PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
NOT_OURS = ("repositoryCredentials", "logConfiguration")
"""Of containers: the copies lie in the stack's own repositories, and the logs in its own group."""
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Existing:
    """A task definition as DescribeTaskDefinition tells it, and the name of the container that is measured."""

    document: Document
    container: str

    @property
    def name(self) -> str:
        """family:revision."""
        return _name(self.document)

    @property
    def measured(self) -> Document:
        """The measured container."""
        return next(one for one in self._containers if one["name"] == self.container)

    @property
    def sidecars(self) -> dict[str, str]:
        """The other containers and their images."""
        return {one["name"]: one["image"] for one in self._containers if one["name"] != self.container}

    @property
    def secret_arns(self) -> tuple[str, ...]:
        """What any container is given as a secret; a parameter that is named without its ARN gets one."""
        named = {entry["valueFrom"] for one in self._containers for entry in one.get("secrets") or ()}
        return tuple(sorted(map(self._arn, named)))

    @property
    def environment_files(self) -> tuple[str, ...]:
        """ARNs of objects in S3 that hold variables."""
        files = {entry["value"] for one in self._containers for entry in one.get("environmentFiles") or ()}
        return tuple(sorted(files))

    def settings(self) -> dict[str, object]:
        """What a stack takes over for all its tasks."""
        settings: dict[str, object] = {
            "platform": _platform(self.document),
            "cpuUnits": int(self.document["cpu"]),
            "memoryMebibytes": int(self.document["memory"]),
        }
        if disk := (self.document.get("ephemeralStorage") or {}).get("sizeInGiB"):
            settings["ephemeralStorageGib"] = disk
        return settings

    def image_settings(self) -> dict[str, object]:
        """What the settings say of the measured image; ready when its one port is, or as its health check says."""
        ports = {entry["containerPort"] for entry in self.measured.get("portMappings") or ()}
        settings: dict[str, object] = {
            "image": self.measured["image"],
            "taskDefinition": self.name,
            "measuredContainer": self.container,
        }
        if len(ports) == 1:
            settings["ready"] = f"port:{ports.pop()}"
        elif self.measured.get("healthCheck"):
            settings["ready"] = "healthcheck"
        return settings

    def containers(self) -> Iterator[dict[str, Any]]:
        """Every container, without what the stack puts in its own places."""
        for one in self._containers:
            yield {key: value for key, value in one.items() if key not in NOT_OURS and value not in (None, [])}

    @property
    def _containers(self) -> list[dict[str, Any]]:
        return list(self.document["containerDefinitions"])

    def _arn(self, value_from: str) -> str:
        if value_from.startswith("arn:"):
            return value_from
        _, partition, _, region, account, _ = self.document["taskDefinitionArn"].split(":", 5)
        return f"arn:{partition}:ssm:{region}:{account}:parameter/{value_from.removeprefix('/')}"


def chosen(document: Document, container: str | None) -> Existing:
    """A task definition with the container to measure: the one that is named, else the only essential one.

    Raises `SettingsError` for a definition that Fargate does not run, or that cannot be measured as it is.
    """
    definition.require(document)
    name = _name(document)
    if complaint := _complaint(document):
        raise SettingsError(f"The task definition {name} cannot be measured: {complaint}.")
    containers = {one["name"]: one.get("essential", True) for one in document["containerDefinitions"]}
    if container is not None and container not in containers:
        raise SettingsError(
            f"The task definition {name} has no container {container}; it has: {', '.join(containers)}."
        )
    essential = [one for one, is_essential in containers.items() if is_essential]
    if container is None and len(essential) != 1:
        raise SettingsError(
            f"The task definition {name} has {len(essential)} essential containers: {', '.join(containers)}. Say "
            "which one is measured, with --container."
        )
    return Existing(document, container or essential[0])


def _complaint(document: Document) -> str | None:
    """Why it cannot be measured."""
    compatible = document.get("compatibilities") or document.get("requiresCompatibilities") or []
    system = (document.get("runtimePlatform") or {}).get("operatingSystemFamily", "LINUX")
    if FARGATE not in compatible:
        return f"it is for {' and '.join(compatible) or 'EC2'} alone, and Fargate does not run it"
    if system != "LINUX":
        return f"it is for {system}, and SOCI loads Linux images alone"
    if not document.get("cpu") or not document.get("memory"):
        return "it names no cpu and memory of the task"
    if document.get("proxyConfiguration"):
        return "it has a proxyConfiguration (App Mesh), which the probe's questions would go through"
    for volume in document.get("volumes") or ():
        if unknown := sorted(key for key, value in volume.items() if value and key not in VOLUME_FIELDS):
            return f"its volume {volume.get('name')} has {unknown[0]}, which is not supported here"
    return None


VOLUME_FIELDS = ("name", "host", "efsVolumeConfiguration")


def _name(document: Document) -> str:
    return f"{document['family']}:{document['revision']}"


def _platform(document: Document) -> str:
    return PLATFORMS[(document.get("runtimePlatform") or {}).get("cpuArchitecture", "X86_64")]
