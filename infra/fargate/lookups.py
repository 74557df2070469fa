"""What is asked of AWS with boto3, because Pulumi has no such question: task definitions, and whether secrets exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.fargate.existing import Document
from kit import aws_errors
from kit.aws_answers import whole
from kit.errors import SettingsError
from kit.values import Notify

ATTEMPTS = 5
SECONDS = 10.0
CONFIG = Config(retries={"total_max_attempts": ATTEMPTS}, connect_timeout=SECONDS, read_timeout=SECONDS)


def task_definition(name: str, region: str) -> Document:
    """A task definition by family, family:revision or ARN; raises `SettingsError` where there is none."""
    try:
        found: Document = whole(_session(region).client("ecs", config=CONFIG)).describe_task_definition(
            taskDefinition=name
        )["taskDefinition"]
    except (BotoCoreError, ClientError) as error:
        if _code(error) in ("ClientException", "InvalidParameterException"):
            raise SettingsError(
                f"There is no task definition {name} in {region} for this account. `aws ecs list-task-definitions "
                f"--region {region}` lists those that are there."
            ) from error
        raise aws_errors.translate("DescribeTaskDefinition", error, then=aws_errors.AGAIN) from error
    return found


def require_secrets(arns: Sequence[str], region: str, notify: Notify) -> None:
    """Raise `SettingsError` for the first secret or parameter that does not exist; no value is read.

    Whoever may not ask is told that nobody has looked.
    """
    for arn in arns:
        service = arn.split(":")[2]
        try:
            there = _secret_exists(arn, region) if service == "secretsmanager" else _parameter_exists(arn, region)
        except (BotoCoreError, ClientError) as error:
            if _code(error) not in aws_errors.REFUSED:
                raise aws_errors.translate("DescribeSecret", error, then=aws_errors.AGAIN) from error
            notify(f"Whether {arn} exists is unknown: these credentials may not ask. Tasks cannot start without it.")
            continue
        if not there:
            raise SettingsError(f"There is no secret or parameter {arn}. Tasks could not start: give one that exists.")


def _secret_exists(arn: str, region: str) -> bool:
    secret = ":".join(arn.split(":")[:7])  # what follows names a key and a version in it
    try:
        whole(_session(region).client("secretsmanager", config=CONFIG)).describe_secret(SecretId=secret)
    except ClientError as error:
        if _code(error) == "ResourceNotFoundException":
            return False
        raise
    return True


def _parameter_exists(arn: str, region: str) -> bool:
    path = arn.split(":parameter", 1)[1]
    names = [path, path.removeprefix("/")]  # an ARN hides whether a name of one part begins with a slash
    wanted = [{"Key": "Name", "Values": sorted(set(names))}]
    found = whole(_session(region).client("ssm", config=CONFIG)).describe_parameters(ParameterFilters=wanted)
    return bool(found["Parameters"])


def _code(error: Exception) -> str:
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def _session(region: str) -> Any:
    """Typed for a few literal names only."""
    return boto3.session.Session(region_name=region)
