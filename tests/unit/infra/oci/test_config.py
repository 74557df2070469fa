"""An image's configuration, as different tools write it."""

from __future__ import annotations

import pytest

from infra.oci.config import parse
from kit.errors import ImageError


def test_what_a_container_needs_is_read() -> None:
    config = parse(
        """{"os": "linux", "architecture": "arm64", "config": {"Entrypoint": ["/web"], "Cmd": ["-p", "80"],
        "Env": ["A=1"], "User": "web:www", "WorkingDir": "/srv", "ExposedPorts": {"80/tcp": {}}, "Labels": {"x": "y"},
        "Healthcheck": {"Test": ["CMD-SHELL", "curl -f localhost"], "Timeout": 5000000000},
        "Shell": ["/bin/bash", "-c"]}}""",
        "it",
    )
    assert (config.os, config.architecture) == ("linux", "arm64")
    assert (config.entrypoint, config.command) == (("/web",), ("-p", "80"))
    assert (config.environment, config.user, config.working_directory) == (("A=1",), "web:www", "/srv")
    assert config.tcp_ports == (80,)
    assert config.health_command == ("/bin/bash", "-c", "curl -f localhost")


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        '{"config": null}',
        '{"config": {"Entrypoint": null, "Cmd": null, "Env": null, "User": null, "WorkingDir": null, '
        '"ExposedPorts": null, "Healthcheck": null, "Shell": null}}',
    ],
)
def test_missing_and_null_fields_are_empty(document: str) -> None:
    config = parse(document, "it")
    assert (config.entrypoint, config.command, config.environment, config.user) == ((), (), (), "")
    assert config.tcp_ports == ()
    assert config.health_command is None


@pytest.mark.parametrize(
    ("test", "command"),
    [
        ('["CMD", "/check", "-q"]', ("/check", "-q")),
        ('["CMD-SHELL", "true"]', ("/bin/sh", "-c", "true")),
        ('["NONE"]', None),
        ('["CMD"]', None),
        ("[]", None),
        ("null", None),
    ],
)
def test_a_health_check_is_run_as_its_kind_says(test: str, command: tuple[str, ...] | None) -> None:
    assert parse(f'{{"config": {{"Healthcheck": {{"Test": {test}}}}}}}', "it").health_command == command


@pytest.mark.parametrize("document", ["", "[]", "{", '{"config": {"Entrypoint": "sh"}}', '{"config": {"Env": 3}}'])
def test_what_is_no_configuration_is_refused_by_name(document: str) -> None:
    with pytest.raises(ImageError, match=r"^The configuration of web:1 cannot be read: "):
        parse(document, "web:1")
