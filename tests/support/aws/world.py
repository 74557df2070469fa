"""All that a command on Fargate needs, on this machine: AWS, a registry, the containers, and the providers' plugins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.aws.plugins import provider_standins
from tests.support.aws.server import AwsServer, aws_server
from tests.support.aws.stages import stages_without_internet
from tests.support.aws.tasks import Tasks, running_tasks
from tests.support.registry import TestRegistry, registry

SECRET = "a-secret-that-nobody-may-see"  # noqa: S105 - it opens nothing


@dataclass(frozen=True)
class World:
    """The local AWS, the containers of its tasks, the registry in ECR's place, the commands' data folder, and the file
    that notes what they send."""

    aws: AwsServer
    tasks: Tasks
    registry: TestRegistry
    data: Path
    sent: Path

    def services(self) -> dict[str, tuple[int, int]]:
        """Desired and running count of every service."""
        ecs, found = self.aws.client("ecs"), {}
        for cluster in ecs.list_clusters()["clusterArns"]:
            for arn in ecs.list_services(cluster=cluster)["serviceArns"]:
                [service] = ecs.describe_services(cluster=cluster, services=[arn])["services"]
                found[service["serviceName"]] = (service["desiredCount"], service["runningCount"])
        return found


@contextmanager
def whole_world(folders: pytest.TempPathFactory) -> Iterator[World]:
    """For as long as the block lasts, commands work there."""
    stages, data = stages_without_internet(folders.mktemp("stages")), folders.mktemp("data")
    sent = folders.mktemp("sent") / "operations"
    with (
        aws_server() as aws,
        registry() as images,
        running_tasks(aws) as tasks,
        provider_standins(aws, registry=images.host, load_balancer=tasks.address, stages=stages, sent=sent),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("SOCIOMETER_DATA", str(data))
        yield World(aws, tasks, images, data, sent)
