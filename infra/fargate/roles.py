"""The two roles of a task, apart: what ECS does before it runs (pull, log), and what the workload itself may do.

The workload may do nothing: it hashes files and answers HTTP. Only ECS tasks of this account may take either role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")


@dataclass(frozen=True)
class RolesArgs:
    """The account and region whose ECS may take the roles, what it may pull from, and where it may log to."""

    account: pulumi.Input[str]
    region: str
    repository_arns: Sequence[pulumi.Input[str]]
    log_group_arn: pulumi.Input[str]


class Roles(pulumi.ComponentResource):
    """Execution role with its policy, and a task role without any."""

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sociometer:fargate:Roles", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        trust = pulumi.Output.json_dumps(_trust(args), sort_keys=True)
        self.execution = aws.iam.Role(
            f"{name}-execution",
            description="Pulls the images of a Sociometer stack and writes its logs, before and beside its tasks",
            assume_role_policy=trust,
            opts=inside,
        )
        self.execution_policy = aws.iam.RolePolicy(
            f"{name}-execution",
            role=self.execution.name,
            policy=pulumi.Output.json_dumps(_execution_policy(args), sort_keys=True),
            opts=inside,
        )
        self.task = aws.iam.Role(
            f"{name}-task",
            description="The workload of a Sociometer stack, which may do nothing on AWS",
            assume_role_policy=trust,
            opts=inside,
        )
        self.register_outputs({"execution": self.execution.arn, "task": self.task.arn})


def _trust(args: RolesArgs) -> dict[str, Any]:
    """As "Confused deputy" in the Amazon ECS developer guide has it: by account, and by the tasks' own ARNs."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": args.account},
                    "ArnLike": {"aws:SourceArn": pulumi.Output.concat(f"arn:*:ecs:{args.region}:", args.account, ":*")},
                },
            }
        ],
    }


def _execution_policy(args: RolesArgs) -> dict[str, Any]:
    log_streams = pulumi.Output.concat(args.log_group_arn, ":*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            # It belongs to the whole registry: this action knows no resource but *.
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Allow", "Action": list(PULL), "Resource": list(args.repository_arns)},
            {"Effect": "Allow", "Action": list(LOG), "Resource": log_streams},
        ],
    }
