"""A container's specification: what Docker and Fargate give it, and what the user sets instead of the image's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.lab.container_spec import Container, Place, specification
from infra.lab.reasons import ImageAtFault
from infra.lab.rootfs import User
from infra.oci.config import ImageConfig, parse
from infra.outputs import ContainerOutput

IMAGE = parse('{"config": {"Entrypoint": ["/web"], "Cmd": ["-p", "80"], "Env": ["A=1", "PATH=/opt"]}}', "it")
PLACE = Place(Path("/h0/rootfs"), Path("/h0/etc"), "/sociometer/lab/h0/task", "ip-10-0-0-2", 512 << 20)


def spec(container: Container, user: User | None = None, **environment: str) -> dict[str, Any]:
    return specification(container, container.argv, user or User(), PLACE, environment)


@pytest.mark.parametrize(
    ("changes", "argv"),
    [
        ({}, ("/web", "-p", "80")),
        ({"command": ("-p", "81")}, ("/web", "-p", "81")),
        ({"command": ()}, ("/web",)),
        ({"entry_point": ("/sh",)}, ("/sh",)),
        ({"entry_point": ("/sh",), "command": ("-c", "x")}, ("/sh", "-c", "x")),
    ],
)
def test_command_and_entry_point_replace_the_image_s_as_docker_does(
    changes: dict[str, Any], argv: tuple[str, ...]
) -> None:
    assert Container(IMAGE, ContainerOutput(**changes)).argv == argv


def test_an_image_without_any_command_is_refused() -> None:
    with pytest.raises(ImageAtFault, match="names no command"):
        _ = Container(ImageConfig()).argv


def test_variables_are_the_image_s_then_the_user_s_then_the_task_s() -> None:
    container = Container(IMAGE, ContainerOutput(environment={"A": "2", "B": "3=4"}))
    environment = spec(container, ECS_CONTAINER_METADATA_URI_V4="http://m")["process"]["env"]
    assert environment == [
        "PATH=/opt",
        "HOSTNAME=ip-10-0-0-2",
        "A=2",
        "B=3=4",
        "ECS_CONTAINER_METADATA_URI_V4=http://m",
    ]


def test_the_image_s_run_folder_is_left_alone_and_the_runtime_s_own_files_are_there() -> None:
    destinations = [mount["destination"] for mount in spec(Container(IMAGE))["mounts"]]
    assert "/run" not in destinations
    wanted = {"/proc", "/sys/fs/cgroup", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
    assert wanted <= set(destinations)


def test_open_files_memory_limit_and_setuid_programs_are_as_on_fargate() -> None:
    made = spec(Container(IMAGE))
    assert made["process"]["rlimits"] == [{"type": "RLIMIT_NOFILE", "soft": 65535, "hard": 65535}]
    assert made["process"]["noNewPrivileges"] is False
    assert made["linux"]["resources"]["memory"] == {"limit": 512 << 20}
    assert made["linux"]["cgroupsPath"] == PLACE.cgroup


def test_only_root_holds_capabilities_from_the_start() -> None:
    root, other = (spec(Container(IMAGE), User(uid))["process"]["capabilities"] for uid in (0, 1000))
    assert root["effective"] == root["permitted"] == root["bounding"]
    assert other == {"bounding": root["bounding"]}
    assert "CAP_SYS_ADMIN" not in root["bounding"]


def test_user_folder_and_read_only_root_are_passed_on() -> None:
    given = ContainerOutput(working_directory="/srv", read_only_root=True)
    made = spec(Container(IMAGE, given), User(1, 2, (3,)))
    assert made["process"]["user"] == {"uid": 1, "gid": 2, "additionalGids": [3]}
    assert made["process"]["cwd"] == "/srv"
    assert made["root"] == {"path": "/h0/rootfs", "readonly": True}


def test_the_container_has_no_network_of_its_own_but_the_host_s() -> None:
    assert {"type": "network"} not in spec(Container(IMAGE))["linux"]["namespaces"]
