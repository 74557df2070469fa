"""Claims about what is checked before a stack is made on AWS, and that each finding says what to do."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError

from infra.fargate import doctor
from infra.settings.model import Settings
from kit.machine.check import Check
from tests.support import network_that_is_there

CONFIG = Config()


def settings(**changes: object) -> Settings:
    ranges = {"loadbalancerAllowCidrs": ["203.0.113.7/32"]}
    return Settings.parse({"target": "fargate", **ranges, **changes})


class Account:
    """In the place of boto3's session and clients: an account with quotas and VPCs, or with an error."""

    def __init__(self, *, vcpus: float = 6, vpcs: int = 1, error: Exception | None = None) -> None:
        self._quotas = {"fargate": vcpus, "vpc": 5.0}
        self._vpcs, self._error = vpcs, error
        self._endpoint = SimpleNamespace(http_session=None)

    def Session(self, region_name: str) -> Account:  # noqa: N802
        assert region_name == "eu-west-2"
        return self

    def client(self, name: str, config: Config) -> Account:
        assert name in ("sts", "ec2", "service-quotas")
        return self

    def get_caller_identity(self) -> dict[str, str]:
        self._fail()
        return {"Arn": "arn:aws:iam::123456789012:user/me"}

    def describe_vpcs(self) -> dict[str, Any]:
        return {"Vpcs": [{}] * self._vpcs}

    def get_service_quota(self, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:  # noqa: N803
        self._fail()
        return {"Quota": {"Value": self._quotas[ServiceCode]}}

    def _fail(self) -> None:
        if self._error is not None:
            raise self._error


def states(checks: list[Check]) -> list[str]:
    return [check.state for check in checks]


def test_it_says_who_is_logged_in_and_where() -> None:
    check = doctor.credentials("eu-west-2", CONFIG, Account())
    assert (check.state, check.found) == ("ok", "arn:aws:iam::123456789012:user/me in eu-west-2")


def test_without_credentials_it_says_how_to_log_in() -> None:
    check = doctor.credentials("eu-west-2", CONFIG, Account(error=NoCredentialsError()))
    assert check.state == "failure"
    assert "There are no AWS credentials" in check.found
    assert "aws sso login" in check.found


def test_quotas_that_suffice_are_ok_and_what_exceeds_them_says_which_to_raise() -> None:
    assert states(doctor.quotas(settings(), 8, CONFIG, Account())) == ["ok", "ok"]
    vcpus, vpcs = doctor.quotas(settings(cpuUnits=1024, memoryMebibytes=2048), 8, CONFIG, Account(vpcs=5))
    assert (vcpus.found, vcpus.state) == ("6; 8 tasks at once need 8", "failure")
    assert "--service-code fargate --quota-code L-3032A538 --desired-value 8" in vcpus.advice
    assert (vpcs.found, vpcs.state) == ("5; with this stack's there are 6", "failure")


def test_a_network_that_was_there_needs_no_further_vpc() -> None:
    there = settings(**network_that_is_there.SETTINGS)
    assert states(doctor.quotas(there, 8, CONFIG, Account(vpcs=5))) == ["ok"]


def test_quotas_that_nobody_may_read_are_a_warning() -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetServiceQuota")
    found = doctor.quotas(settings(), 8, CONFIG, Account(error=denied))
    assert states(found) == ["warning", "warning"]
    assert "`sociometer help fargate-policy`" in found[0].found


class Daemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The one answer of a Docker daemon that is asked for."""

    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"Version": "28.1.0"}).encode()
        self.send_response(200 if self.path == "/version" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, format: str, *args: object) -> None:
        """Tests are not told."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Path]:
    with Daemon(str(tmp_path / "docker.sock"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield tmp_path / "docker.sock"
        server.shutdown()
        thread.join()


def test_a_docker_daemon_that_answers_is_named(daemon: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{daemon}")
    assert doctor.docker() == Check("Docker", "ok", f"28.1.0 at unix://{daemon}")


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "ssh://me@there"])
def test_one_that_does_not_answer_is_a_failure_that_names_the_other_builder(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    check = doctor.docker()
    assert check.state == "failure"
    assert host in check.found
    assert "--set builder=buildkit" in check.advice


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without plugins that cannot fetch any; gives Pulumi's home."""

    def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("no way out")

    monkeypatch.setattr(httpx, "head", refuse)
    monkeypatch.setenv("SOCIOMETER_MIRROR", "http://127.0.0.1:1")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_a_plugin_that_is_nowhere_says_how_to_bring_it(offline: Path) -> None:
    check = doctor.plugin("aws")
    assert check.state == "failure"
    assert "https://get.pulumi.com/ is out of reach" in check.found
    assert "pulumi plugin install resource aws 7." in check.advice


def test_a_plugin_that_pulumi_installed_or_that_lies_on_path_is_found(offline: Path) -> None:
    (offline / "plugins" / f"resource-docker-v{doctor.version('pulumi-docker')}").mkdir(parents=True)
    assert doctor.plugin("docker").state == "ok"
    (offline / "bin").mkdir()
    program = offline / "bin" / "pulumi-resource-aws"
    program.touch(0o755)
    assert doctor.plugin("aws") == Check("Pulumi plugin aws", "ok", str(program))


def test_a_system_without_soci_and_a_build_without_root_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert states([doctor.system(settings()), doctor.system(settings(forms=["plain"]))]) == ["failure", "ok"]
    assert doctor.root().state == "failure"


def test_every_finding_that_is_not_ok_says_what_it_means_and_what_to_do(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boto3.session", Account(vcpus=1, vpcs=5))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    found = doctor.examine(settings(), 8)
    assert [check.name for check in found if check.state != "ok" and not (check.meaning and check.advice)] == []
    assert len({check.name for check in found}) == len(found)
