"""The roles: apart, for ECS tasks of this account only, and with no right more than is used."""

from __future__ import annotations

import json
from typing import Any

from tests.support.fargate_stack import ACCOUNT, MockedResource, of_type, only

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
