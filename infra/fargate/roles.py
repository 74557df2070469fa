"""A task's two separate roles: one for what ECS does on its behalf (pull, log), and one for the workload itself.

The workload needs no rights: it hashes files and answers HTTP. Only ECS tasks of this account may assume either role.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
READ_SECRET = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameters"}
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")


@dataclass(frozen=True)
class RolesArgs:
    """The account and region whose ECS tasks may assume the roles, the repositories to pull, and the log group."""

    account: pulumi.Input[str]
    region: str
    repository_arns: Sequence[pulumi.Input[str]]
    log_group_arn: pulumi.Input[str]
    secret_arns: Sequence[str] = ()
    """Of the variables that ECS reads for the containers."""
    environment_files: Sequence[str] = ()
    """ARNs of objects in S3 with more of them."""


class Roles(pulumi.ComponentResource):
    """An execution role with its policy, and a task role with none."""

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sociometer:fargate:Roles", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        trust = pulumi.Output.json_dumps(_trust(args), sort_keys=True)
        self.execution = aws.iam.Role(
            f"{name}-execution",
            description="Pulls the images of a Sociometer stack and writes its logs, before and beside its tasks",
            assume_role_policy=trust,
            opts=child_opts,
        )
        self.execution_policy = aws.iam.RolePolicy(
            f"{name}-execution",
            role=self.execution.name,
            policy=pulumi.Output.json_dumps(_execution_policy(args), sort_keys=True),
            opts=child_opts,
        )
        self.task = aws.iam.Role(
            f"{name}-task",
            description="The workload of a Sociometer stack, which may do nothing on AWS",
            assume_role_policy=trust,
            opts=child_opts,
        )
        self.register_outputs({"execution": self.execution.arn, "task": self.task.arn})


def _trust(args: RolesArgs) -> dict[str, Any]:
    """Limited to the account and to its tasks' ARNs, as in "Confused deputy" in the Amazon ECS developer guide."""
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
            # The token is for the whole registry: this action supports no resource but *.
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Allow", "Action": list(PULL), "Resource": list(args.repository_arns)},
            {"Effect": "Allow", "Action": list(LOG), "Resource": log_streams},
            *_read_secrets(args.secret_arns),
            *_read_files(args.environment_files),
        ],
    }


def _read_secrets(arns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Exactly the secrets and parameters that are named; a key of a secret (``…:key::``) is no part of its ARN here."""
    for service, action in READ_SECRET.items():
        if named := sorted({":".join(arn.split(":")[:7]) for arn in arns if arn.split(":")[2] == service}):
            yield {"Effect": "Allow", "Action": action, "Resource": named}


def _read_files(arns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """As in "Passing environment variables to a container" in the Amazon ECS developer guide."""
    if arns:
        buckets = sorted({arn.partition("/")[0] for arn in arns})
        yield {"Effect": "Allow", "Action": "s3:GetObject", "Resource": sorted(arns)}
        yield {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": buckets}
