"""Claims about docs/fargate-policy.json: it allows what program and executor ask of AWS, all of it and no more."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from pulumi.runtime.mocks import MockCallArgs

from experiments.executors.fargate.aws import Aws
from kit.paths import asset
from tests.support import fargate_stack, network_that_is_there
from tests.support.permissions import LOOK_UPS, RESOURCES, called_by_boto3

DOCS = asset("docs")
LARGEST = 6_144
"""Characters of a managed policy, without white space (IAM quotas)."""
NOT_BY_NAME = {"ec2", "elasticloadbalancing", "route53", "servicequotas", "sts"}
"""Services whose resources AWS names, or that know no resource at all."""
NO_NAME_OF_OURS = ("Cluster", "RegistryToken", "LogGroups", "WhetherSecretsExist")
"""Statements on actions that know no resource, or on what is the user's."""
NAMES = ("sociometer", "aws-service-role", "debian/release")
"""Ours, and those of AWS's own that are meant."""


class Declared:
    """What the program declares and looks up with some settings, and the actions that this takes."""

    def __init__(self, **settings: str) -> None:
        self.look_ups: set[str] = set()
        answer = fargate_stack.AwsMocks.call

        def call(mocks: fargate_stack.AwsMocks, args: MockCallArgs) -> Any:
            self.look_ups.add(args.token)
            return answer(mocks, args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fargate_stack.AwsMocks, "call", call)
            declared, _ = fargate_stack.run_stack(**settings)
        self.types = {resource.type for resource in declared if resource.custom} | {"pulumi:providers:aws"}
        self.actions = {action for kind in self.types for action in RESOURCES[kind]}
        self.actions |= {action for look_up in self.look_ups for action in LOOK_UPS[look_up]}


@pytest.fixture(scope="module")
def without_bastion() -> list[Declared]:
    """Built by pulumi-docker, built by BuildKit, and in a network that was there."""
    there = Declared(
        builder="buildkit", **network_that_is_there.SETTINGS, securityGroups=network_that_is_there.GROUPS[0]
    )
    return [Declared(), Declared(builder="buildkit"), there]


@pytest.fixture(scope="module")
def with_bastion() -> Declared:
    return Declared(bastion="true")


@pytest.fixture(scope="module")
def by_boto3() -> set[str]:
    return called_by_boto3()


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DOCS / name).read_text())["Statement"]
    return found


def allowed(name: str) -> set[str]:
    return {action for statement in statements(name) for action in listed(statement["Action"])}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_policy_is_exactly_what_program_and_executor_call(
    without_bastion: list[Declared], by_boto3: set[str]
) -> None:
    needed = by_boto3.union(*(declared.actions for declared in without_bastion))
    assert allowed("fargate-policy.json") == needed


def test_the_second_policy_is_exactly_what_the_bastion_adds(
    without_bastion: list[Declared], with_bastion: Declared, by_boto3: set[str]
) -> None:
    """It passes its own role, to EC2: the one action that is in both."""
    first = by_boto3.union(*(declared.actions for declared in without_bastion))
    assert allowed("fargate-policy-bastion.json") == with_bastion.actions - first | {"iam:PassRole"}


def test_every_call_of_the_executor_s_protocol_was_found_in_the_code(by_boto3: set[str]) -> None:
    operations = {xform_name(action.partition(":")[2]) for action in by_boto3}
    calls = {name for name, _ in inspect.getmembers(Aws, inspect.isfunction) if not name.startswith("_")}
    assert calls - {"get"} <= operations


def test_the_table_has_no_type_that_the_program_does_not_declare(
    without_bastion: list[Declared], with_bastion: Declared
) -> None:
    declared = with_bastion.types.union(*(each.types for each in without_bastion))
    looked_up = with_bastion.look_ups.union(*(each.look_ups for each in without_bastion))
    assert RESOURCES.keys() - declared <= {"pulumi:providers:pulumi-python"}
    assert LOOK_UPS.keys() == looked_up


@pytest.mark.parametrize("name", ["fargate-policy.json", "fargate-policy-bastion.json"])
class TestEitherPolicy:
    def test_it_fits_into_a_managed_policy(self, name: str) -> None:
        assert len("".join((DOCS / name).read_text().split())) <= LARGEST

    def test_no_action_is_a_wildcard_and_none_is_listed_twice(self, name: str) -> None:
        actions = [action for statement in statements(name) for action in listed(statement["Action"])]
        assert not [action for action in actions if "*" in action]
        assert len(actions) == len(set(actions))

    def test_what_has_a_name_of_ours_is_limited_to_it(self, name: str) -> None:
        for statement in statements(name):
            if statement["Resource"] == "*":
                services = {action.partition(":")[0] for action in listed(statement["Action"])}
                assert services <= NOT_BY_NAME or statement["Sid"] in NO_NAME_OF_OURS
            else:
                assert all(any(name in arn for name in NAMES) for arn in listed(statement["Resource"]))

    def test_roles_are_passed_to_one_service_only(self, name: str) -> None:
        for statement in passing(name):
            assert set(statement["Condition"]["StringEquals"]) == {"iam:PassedToService"}
            assert statement["Resource"] != "*"


def passing(name: str) -> Iterator[Mapping[str, Any]]:
    found = [each for each in statements(name) if "iam:PassRole" in listed(each["Action"])]
    assert found
    yield from found


def test_the_guide_names_both_policies() -> None:
    guide = (DOCS / "fargate.md").read_text()
    assert {path.name for path in Path(DOCS).glob("fargate-policy*.json")} == {
        "fargate-policy.json",
        "fargate-policy-bastion.json",
    }
    assert all(f"({path.name})" in guide for path in Path(DOCS).glob("fargate-policy*.json"))
