"""One run of the whole stack under mocks, with everything switched on, shared by the tests of its rooms."""

from __future__ import annotations

import json

import pytest

from infra.outputs import StackOutputs
from tests.support.fargate_stack import MockedResource, run_stack

IMAGE = f"shop.example/web@sha256:{'a' * 64}"
OWN = json.dumps({"shop": {"image": IMAGE, "port": 8080, "healthPath": "/up", "bootReport": True}})


@pytest.fixture(scope="session")
def whole() -> tuple[list[MockedResource], StackOutputs]:
    """Built-in and own variants in every form, a bastion, two ranges, an owner and a day."""
    return run_stack(
        forms="plain,soci-v1,soci-v2",
        images=OWN,
        bastion="true",
        loadbalancerAllowCidrs="203.0.113.0/24,198.51.100.7",
        owner="ada@example.org",
        deleteAfter="2027-01-31",
    )


@pytest.fixture(scope="session")
def declared(whole: tuple[list[MockedResource], StackOutputs]) -> list[MockedResource]:
    return whole[0]


@pytest.fixture(scope="session")
def outputs(whole: tuple[list[MockedResource], StackOutputs]) -> StackOutputs:
    return whole[1]
