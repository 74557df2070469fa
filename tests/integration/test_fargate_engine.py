"""The whole Fargate stack through the real engine: made, unchanged, updated, refreshed, and taken down without a rest.

The program is the project's own, driven as `sociometer up` drives it. AWS is a local server behind the stand-in for
the aws provider; the registry is a real one in ECR's place, and the forms are made by the real tools.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sociometer.experiments import stack as engine
from sociometer.infra.outputs import StackOutputs
from tests.support.aws.inventory import inventory
from tests.support.aws.plugins import provider_standins
from tests.support.aws.server import AwsServer, aws_server
from tests.support.images import MIB, push_image
from tests.support.registry import TestRegistry, registry

pytestmark = pytest.mark.lab
LOAD_BALANCER = "127.0.0.1:8080"


@dataclass
class Fargate:
    """A Fargate stack of the test's own, and where its things are."""

    name: str
    server: AwsServer
    registry: TestRegistry

    def up(self, seed: int = 1, **settings: object) -> StackOutputs:
        """Deploy one own image in two forms; another seed is another image."""
        image = push_image(f"{self.registry.host}/own", [12 * MIB, MIB], seed=seed)
        values = {
            "target": "fargate",
            "platform": "linux/amd64",
            "variants": [],
            "images": {"own": image.reference},
            "forms": ["plain", "soci-v2"],
            "loadbalancerAllowCidrs": ["203.0.113.7/32"],
        }
        return engine.up(self.name, values | settings, print)

    def down(self) -> None:
        """Take everything down."""
        engine.down(self.name, print)


@pytest.fixture(scope="module")
def server() -> Iterator[AwsServer]:
    with aws_server() as running:
        yield running


@pytest.fixture
def fargate(server: AwsServer, own_data: Path) -> Iterator[Fargate]:
    server.reset()
    with (
        registry() as images,
        provider_standins(server, registry=images.host, load_balancer=LOAD_BALANCER),
    ):
        stack = Fargate(f"test-fargate-{os.getpid()}", server, images)
        try:
            yield stack
        finally:
            stack.down()


def test_whole_stack_lives_and_leaves_nothing(fargate: Fargate) -> None:
    before = inventory(fargate.server)
    outputs = fargate.up()
    print(outputs)
    assert engine.preview_changes(fargate.name) == 0
    fargate.down()
    assert inventory(fargate.server) == before
