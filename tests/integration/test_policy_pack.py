"""The policy pack really run, in its own environment: its process accepts a good stack and refuses a bad one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pulumi.runtime.proto.analyzer_pb2 import MANDATORY
from pulumi.runtime.rpc import UNKNOWN

from infra.policy.rules import RULES, Resource
from tests.support.analyzer import Analyzer, analyzer
from tests.support.fargate_stack import resources
from tests.support.policy import as_declared


@pytest.fixture(scope="module")
def pack() -> Iterator[Analyzer]:
    with analyzer() as running:
        yield running


@pytest.fixture(autouse=True)
def unconfigured(pack: Analyzer) -> None:
    pack.configure({})


def test_every_rule_is_in_the_pack(pack: Analyzer) -> None:
    information = pack.information()
    assert information.name == "sociometer"
    assert {policy.name for policy in information.policies} == {rule.name for rule in RULES}
    assert {policy.enforcementLevel for policy in information.policies} == {MANDATORY}


def test_whole_fargate_stack_is_accepted(pack: Analyzer) -> None:
    stack = as_declared(resources(bastion="true"))
    assert len(stack) > 50
    assert [fault for resource in stack for fault in pack.analyze(resource)] == []


def test_stack_that_is_open_to_the_world_is_refused(pack: Analyzer) -> None:
    stack = as_declared(resources(loadbalancerAllowCidrs="0.0.0.0/0", loadbalancerAllowWorld="true"))
    [fault] = [fault for resource in stack for fault in pack.analyze(resource)]
    assert (fault.policyName, fault.enforcementLevel) == ("no-world-ingress", MANDATORY)
    assert "0.0.0.0/0 may reach it" in fault.message


def test_resource_is_allowed_by_name_in_the_configuration(pack: Analyzer) -> None:
    stack = as_declared(resources(loadbalancerAllowCidrs="0.0.0.0/0", loadbalancerAllowWorld="true"))
    pack.configure({"no-world-ingress": {"allowed": ["sociometer-from-0.0.0.0-0"]}})
    assert [fault for resource in stack for fault in pack.analyze(resource)] == []


def test_what_a_preview_cannot_know_yet_is_said_and_does_not_stop_it(pack: Analyzer) -> None:
    task = Resource(
        "aws:ecs/taskDefinition:TaskDefinition", "it", {"containerDefinitions": UNKNOWN, "tags": {"a": "b"}}
    )
    faults = {fault.policyName: fault for fault in pack.analyze(task)}
    assert faults["images-by-digest"].enforcementLevel != MANDATORY
    assert "can't run policy" in faults["images-by-digest"].message
    assert faults["required-tags"].enforcementLevel == MANDATORY
