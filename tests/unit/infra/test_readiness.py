"""When a task is ready, in one text: read, written back, and refused in one line."""

from __future__ import annotations

import pytest

from infra.oci.config import parse as parse_config
from infra.readiness import Ready, from_config, parse
from kit.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "ready"),
    [
        ("http:8080/health", Ready("http", 8080, "/health")),
        ("http:8080", Ready("http", 8080, "/")),
        ("http:80/a/b?c=d:e", Ready("http", 80, "/a/b?c=d:e")),
        ("tcp:5432", Ready("tcp", 5432)),
        ("port:80", Ready("port", 80)),
        ("log:^ready: .*$", Ready("log", pattern="^ready: .*$")),
        ("exit:0", Ready("exit", code=0)),
        ("healthcheck", Ready("healthcheck")),
    ],
)
def test_every_kind_is_read_and_can_be_written_again(text: str, ready: Ready) -> None:
    assert parse(text) == ready
    assert parse(str(ready)) == ready


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is none of"),
        ("8080", "it is none of"),
        ("https:443", "it is none of"),
        ("healthcheck:3", "it is none of"),
        ("http:", "'' is not a port"),
        ("http:70000", "'70000' is not a port"),
        ("tcp:0", "port 0 cannot be asked"),
        ("tcp:-1", "'-1' is not a port"),
        ("http:80/a b", "no spaces"),
        ("log:", "expression is missing"),
        ("log:(", "cannot be compiled: missing )"),
        ("exit:256", "'256' is not an exit code"),
        ("exit:ok", "'ok' is not an exit code"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line_with_the_kinds(text: str, why: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(text)
    assert str(error.value).startswith(f"ready {text!r}: ")
    assert why in str(error.value)
    assert "http:8080/health, tcp:8080, log:REGEX, exit:0 or healthcheck" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ports", ['{"8080/tcp": {}}', '{"8080": {}, "53/udp": {}}'])
def test_one_exposed_tcp_port_is_the_default(ports: str) -> None:
    config = parse_config(f'{{"config": {{"ExposedPorts": {ports}}}}}', "it")
    assert from_config("web", config) == Ready("port", 8080)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("{}", "exposes no port"),
        ('{"config": {"ExposedPorts": null}}', "exposes no port"),
        ('{"config": {"ExposedPorts": {"53/udp": {}}}}', "exposes no port"),
        ('{"config": {"ExposedPorts": {"9090/tcp": {}, "80": {}}}}', "exposes the ports 80, 9090"),
        ('{"config": {"ExposedPorts": {"7000-7002/tcp": {}}}}', "exposes the ports 7000, 7001, 7002"),
    ],
)
def test_none_or_several_ports_say_what_to_give(document: str, why: str) -> None:
    with pytest.raises(SettingsError, match=f"^The image of web {why}. Say when a task is ready, with --ready: "):
        from_config("web", parse_config(document, "it"))
