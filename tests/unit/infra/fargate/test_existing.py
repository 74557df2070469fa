"""What is read of a task definition that the user has, and which ones are refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from infra.fargate.existing import chosen
from kit.errors import SettingsError

ARN = "arn:aws:ecs:eu-west-2:123456789012:task-definition/shop:7"
SECRET = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:key-AbCdEf:password::"  # noqa: S105 - the name of one

CHECKED = {"healthCheck": {"command": ["CMD", "x"]}}


def container(name: str = "web", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": f"{name}:1", "essential": True, **fields}


def document(*containers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "taskDefinitionArn": ARN,
        "family": "shop",
        "revision": 7,
        "compatibilities": ["EC2", "FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "containerDefinitions": list(containers or [container()]),
        **fields,
    }


def test_size_platform_and_disk_become_the_stacks() -> None:
    arm = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    found = chosen(document(runtimePlatform=arm, ephemeralStorage={"sizeInGiB": 50}), None)
    assert found.settings() == {
        "platform": "linux/arm64",
        "cpuUnits": 512,
        "memoryMebibytes": 1024,
        "ephemeralStorageGib": 50,
    }
    assert chosen(document(), None).settings()["platform"] == "linux/amd64"


@pytest.mark.parametrize(
    ("fields", "ready"),
    [
        ({"portMappings": [{"containerPort": 8080}]}, "port:8080"),
        (
            {"portMappings": [{"containerPort": 80}, {"containerPort": 81}], "healthCheck": {"command": ["CMD", "x"]}},
            "healthcheck",
        ),
        (CHECKED, "healthcheck"),
        ({}, None),
    ],
)
def test_its_one_port_or_its_health_check_says_when_it_is_ready(fields: dict[str, Any], ready: str | None) -> None:
    settings = chosen(document(container(**fields)), None).image_settings()
    assert settings.get("ready") == ready
    assert (settings["image"], settings["taskDefinition"], settings["measuredContainer"]) == ("web:1", "shop:7", "web")


def test_the_only_essential_container_is_measured_unless_one_is_named() -> None:
    two = document(container("web"), container("proxy", essential=False))
    assert (chosen(two, None).container, chosen(two, "proxy").container) == ("web", "proxy")
    assert chosen(two, None).sidecars == {"proxy": "proxy:1"}
    with pytest.raises(SettingsError, match=r"has 2 essential containers: web, proxy\. Say which .* --container"):
        chosen(document(container("web"), container("proxy")), None)
    with pytest.raises(SettingsError, match=r"has no container app; it has: web, proxy\."):
        chosen(two, "app")


def test_secrets_of_all_containers_are_named_by_arn_and_a_parameter_s_name_becomes_one() -> None:
    app = container(secrets=[{"name": "KEY", "valueFrom": SECRET}])
    beside = container("proxy", essential=False, secrets=[{"name": "T", "valueFrom": "/shop/token"}])
    found = chosen(document(app, beside), None)
    assert found.secret_arns == (SECRET, "arn:aws:ssm:eu-west-2:123456789012:parameter/shop/token")


def test_logs_and_credentials_of_registries_are_the_stacks_own_and_all_else_stays() -> None:
    theirs = container(
        logConfiguration={"logDriver": "x"}, repositoryCredentials={"a": "b"}, command=["run"], user=None
    )
    [kept] = chosen(document(theirs), None).containers()
    assert kept == {"name": "web", "image": "web:1", "essential": True, "command": ["run"]}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"compatibilities": ["EC2"]}, "it is for EC2 alone"),
        ({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "SOCI loads Linux images alone"),
        ({"cpu": None}, "it names no cpu and memory"),
        ({"proxyConfiguration": {"type": "APPMESH"}}, "App Mesh"),
        ({"volumes": [{"name": "data", "configuredAtLaunch": True}]}, "its volume data has configuredAtLaunch"),
        ({"volumes": [{"name": "data", "dockerVolumeConfiguration": {"scope": "task"}}]}, "dockerVolumeConfiguration"),
    ],
)
def test_what_fargate_does_not_run_or_nobody_could_measure_is_refused_in_one_line(
    fields: dict[str, Any], why: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        chosen(document(**fields), None)
    assert why in str(refused.value) and "\n" not in str(refused.value)
    assert str(refused.value).startswith("The task definition shop:7 cannot be measured: ")
