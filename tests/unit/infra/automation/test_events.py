"""Claims about how a Pulumi run is told, and about the error that a failed one becomes."""

from __future__ import annotations

import threading

import pytest
from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import DiagnosticEvent, ResourcePreEvent, ResOutputsEvent, StepEventMetadata

from infra.automation.events import Events, cause
from kit.errors import (
    AwsError,
    CredentialsError,
    ImageError,
    MachineError,
    SettingsError,
    SociometerError,
    StackError,
)


def step(name: str, op: OpType, kind: str = "aws:ecs/service:Service") -> StepEventMetadata:
    urn = f"urn:pulumi:dev::sociometer::{kind}::{name}"
    return StepEventMetadata(op=op, urn=urn, type=kind, provider="")


def began(name: str, op: OpType = OpType.DELETE, kind: str = "aws:ecs/service:Service") -> EngineEvent:
    return EngineEvent(sequence=1, timestamp=1, resource_pre_event=ResourcePreEvent(step(name, op, kind)))


def ended(name: str, op: OpType = OpType.DELETE) -> EngineEvent:
    return EngineEvent(sequence=2, timestamp=2, res_outputs_event=ResOutputsEvent(step(name, op)))


def test_what_takes_long_is_told_again_until_it_is_done() -> None:
    told: list[str] = []
    twice = threading.Event()

    def notify(line: str) -> None:
        told.append(line)
        if sum("so far" in line for line in told) >= 2:
            twice.set()

    events = Events(notify)
    events(began("quick"))
    events(ended("quick"))
    with events.reminding(every_seconds=0.01):
        events(began("draining"))
        assert twice.wait(30)
        events(ended("draining"))
    reminders = [line for line in told if "so far" in line]
    assert all(line.startswith("Service draining: removing, ") for line in reminders)
    assert "Service draining: removed" in told[-2:]


def test_resources_of_one_name_are_told_apart_by_their_kind() -> None:
    told: list[str] = []
    events = Events(told.append)
    events(began("movie-plain", OpType.CREATE))
    events(began("movie-plain", OpType.CREATE, "aws:lb/targetGroup:TargetGroup"))
    assert told == ["Service movie-plain: making", "TargetGroup movie-plain: making"]


@pytest.mark.parametrize(
    ("said", "kind", "advice"),
    [
        ("error: No valid credential sources found.", CredentialsError, "aws sso login"),
        (
            "api error ExpiredTokenException: The security token included in the request is expired",
            CredentialsError,
            "Log in",
        ),
        ("SignatureDoesNotMatch: Signature expired: 20260101 is now earlier than", CredentialsError, "clock"),
        ("InvalidSignatureException: The request signature we", CredentialsError, "Either the secret key is wrong, or"),
        ("failed to connect to any docker daemon", MachineError, "builder=buildkit"),
        (
            "Could not automatically download and install resource plugin 'pulumi-resource-aws' at version v7.51.1, or",
            MachineError,
            "pulumi-resource-aws",
        ),
        ("operation error ECS: CreateCluster, AccessDeniedException: User is not authorized", AwsError, "policy"),
    ],
)
def test_what_the_user_can_put_right_is_one_line_that_says_how(
    said: str, kind: type[SociometerError], advice: str
) -> None:
    error = cause("dev", "", [f"sociometer-vpc (aws:ec2:Vpc): {said}"])
    assert type(error) is kind
    assert advice in str(error)
    assert "\n" not in str(error)


def test_an_error_of_our_own_comes_before_what_it_was_made_of() -> None:
    error = cause("dev", "", ["Traceback …\nkit.errors.ImageError: no layer reaches 10 MiB (AccessDenied)"])
    assert str(error) == "no layer reaches 10 MiB (AccessDenied)"


def test_several_errors_of_our_own_are_each_told_once_and_what_to_leave_out() -> None:
    first, second = "kit.errors.ImageError: web as soci-v1: odd", "kit.errors.MachineError: app as plain: full disk"
    error = cause("dev", "", [f"Traceback …\n{first}", f"Traceback …\n{second}", f"Traceback …\n{first}"])
    assert type(error) is ImageError
    told = str(error).splitlines()
    assert told[:3] == ["2 things failed:", "- web as soci-v1: odd", "- app as plain: full disk"]
    assert "leave it out (settings images, variants, forms)" in told[3]
    assert "sociometer up --stack dev" in told[3]


def test_one_error_that_is_told_twice_is_one_line() -> None:
    assert str(cause("dev", "", ["kit.errors.ImageError: odd"] * 2)) == "odd"


def test_an_error_that_the_program_raised_keeps_its_type_and_its_line() -> None:
    said = "Setting vpc: there is no vpc-ffffffff in eu-west-2 for this account."
    error = cause("dev", "error: update failed", [f"SettingsError: {said}", "update failed"])
    assert type(error) is SettingsError
    assert str(error) == said


def test_a_warning_of_the_program_is_told_with_its_first_line() -> None:
    told: list[str] = []
    said = DiagnosticEvent(message="tasks need a way to ECR\nand more", color="never", severity="warning")
    Events(told.append)(EngineEvent(sequence=1, timestamp=1, diagnostic_event=said))
    assert told == ["warning: tasks need a way to ECR"]


def test_anything_else_is_said_in_pulumi_s_words() -> None:
    error = cause("dev", "", ["creating VPC: VpcLimitExceeded: too many"])
    assert type(error) is StackError
    assert "VpcLimitExceeded" in str(error)
