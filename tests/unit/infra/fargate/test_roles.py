"""The roles: apart, for ECS tasks of this account only, and with no right more than is used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.fargate_stack import ACCOUNT, MockedResource, of_type, only, resources

Declared = list[MockedResource]


def statements(document: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(document)["Statement"]
    return found


def test_only_ecs_tasks_of_this_account_may_take_the_roles(declared: Declared) -> None:
    for name in ("sociometer-execution", "sociometer-task"):
        (trust,) = statements(only(declared, "role:Role", name).inputs["assumeRolePolicy"])
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trust["Action"] == "sts:AssumeRole"
        assert trust["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:*:ecs:eu-west-2:{ACCOUNT}:*"},
        }


def test_the_execution_role_pulls_from_the_stacks_repositories_and_writes_its_log_group(declared: Declared) -> None:
    policy = only(declared, "rolePolicy:RolePolicy", "sociometer-execution")
    login, pull, log = statements(policy.inputs["policy"])
    assert (login["Action"], login["Resource"]) == ("ecr:GetAuthorizationToken", "*")
    assert set(pull["Action"]) == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    }
    assert len(pull["Resource"]) == len(of_type(declared, "repository:Repository")) == 12
    assert all("/sociometer/test/" in arn and "*" not in arn for arn in pull["Resource"])
    assert set(log["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert log["Resource"].endswith("LogGroup//sociometer/test:*")


SECRET = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:key-AbCdEf"  # noqa: S105 - the name of one
PARAMETER = "arn:aws:ssm:eu-west-2:123456789012:parameter/shop/key"
ROLE = "arn:aws:iam::123456789012:role/shop"
GIVEN = {
    "image": "shop.example/web:1",
    "port": 8080,
    "environment": {"B": "2", "A": "1"},
    "secrets": {"KEY": f"{SECRET}:password::", "OTHER": PARAMETER},
    "command": "serve --all",
    "user": "1000",
    "readOnlyRoot": True,
    "stopTimeoutSeconds": 30,
    "taskRole": ROLE,
}


@pytest.fixture(scope="module")
def given() -> Declared:
    return resources(variants="", forms="plain", images=json.dumps({"shop": GIVEN}))


def test_the_execution_role_reads_exactly_the_secrets_that_are_named(given: Declared) -> None:
    *_, manager, parameters = statements(only(given, "rolePolicy:RolePolicy", "sociometer-execution").inputs["policy"])
    assert (manager["Action"], manager["Resource"]) == ("secretsmanager:GetSecretValue", [SECRET])
    assert (parameters["Action"], parameters["Resource"]) == ("ssm:GetParameters", [PARAMETER])


def test_what_a_container_is_given_is_in_its_task_definition_and_no_secrets_value_is(given: Declared) -> None:
    definition = only(given, "taskDefinition:TaskDefinition").inputs
    container = json.loads(definition["containerDefinitions"])[0]
    assert container["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert container["secrets"] == [
        {"name": "KEY", "valueFrom": f"{SECRET}:password::"},
        {"name": "OTHER", "valueFrom": PARAMETER},
    ]
    assert (container["command"], container["user"]) == (["serve", "--all"], "1000")
    assert (container["readonlyRootFilesystem"], container["stopTimeout"]) == (True, 30)
    assert "entryPoint" not in container
    assert definition["taskRoleArn"] == ROLE


def test_tasks_reach_what_holds_their_secrets_through_endpoints_of_its_own(given: Declared) -> None:
    services = {each.inputs["serviceName"].rpartition(".")[2] for each in of_type(given, "vpcEndpoint:VpcEndpoint")}
    assert services == {"api", "dkr", "logs", "s3", "secretsmanager", "ssm"}


def test_the_workload_may_do_nothing(declared: Declared) -> None:
    roles = {each.inputs["role"] for each in declared if "/rolePolicy" in each.type}
    assert "sociometer-task" not in roles
    for each in of_type(declared, "taskDefinition:TaskDefinition"):
        assert each.inputs["executionRoleArn"] != each.inputs["taskRoleArn"]
        assert each.inputs["taskRoleArn"].endswith("Role/sociometer-task")


def test_no_action_is_a_wildcard(declared: Declared) -> None:
    for each in of_type(declared, "rolePolicy:RolePolicy"):
        for statement in statements(each.inputs["policy"]):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not any("*" in action for action in actions)
