"""Claims about money: it is shown what a command on AWS costs, and nothing is spent unless somebody says so."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.settings.model import Settings
from kit.errors import MachineError
from kit.toolchain.pins import Tool
from sociometer.cli import spending
from tests.support import network_that_is_there
from tests.unit.cli.conftest import Sociometer

FARGATE = ("--target", "fargate")


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever gets through to AWS fails at once, and spends nothing."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def test_plan_shows_rounds_time_tasks_and_cost_and_starts_nothing(sociometer: Sociometer) -> None:
    shown = sociometer("plan", *FARGATE)
    assert shown.exit_code == 0
    text = " ".join(shown.stdout.split())
    assert "48 rounds, 168 tasks to be launched" in text
    for part in ("Fargate vCPU", "Fargate memory", "load balancer", "interface endpoints", "images in ECR", "logs"):
        assert part in text
    assert "2.67 USD a day" in text
    assert "AWS Price List, eu-west-2, published 2026-" in text


def test_plan_tells_scripts_the_same(sociometer: Sociometer) -> None:
    cost = json.loads(sociometer("plan", *FARGATE, "--json").stdout)["cost"]
    assert (cost["region"], cost["rounds"], cost["tasks"]) == ("eu-west-2", 48, 168)
    assert cost["usd"] == pytest.approx(sum(part["usd"] for part in cost["parts"]), abs=1e-4)
    assert cost["usd_per_day"] == pytest.approx(2.66064 + 0.0138, abs=0.001)


def test_a_plan_of_thousands_of_tasks_costs_more(sociometer: Sociometer) -> None:
    few, many = (
        json.loads(sociometer("plan", *FARGATE, "--json", "--counts", count).stdout)["cost"]["usd"]
        for count in ("1", "10000")
    )
    assert many > 100 * few


@pytest.mark.parametrize("command", ["run", "up"])
def test_without_a_terminal_and_without_yes_nothing_is_started(sociometer: Sociometer, command: str) -> None:
    refused = sociometer(command, *FARGATE)
    assert refused.exit_code == 2
    assert "a day" in refused.stderr
    assert refused.stderr.endswith(
        "error: This costs money, and there is no terminal to ask on. Confirm it with --yes.\n"
    )


@pytest.mark.parametrize("command", ["run", "up"])
def test_missing_tools_are_installed_when_the_cost_was_confirmed(
    sociometer: Sociometer, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    wanted: list[str] = []

    def install(tools: Sequence[Tool], *_: object) -> None:
        wanted.extend(tool.name for tool in tools)
        raise MachineError("There is no room for tools.")

    monkeypatch.setattr("kit.toolchain.install.install", install)
    sociometer(command, *FARGATE)
    assert wanted == []
    failed = sociometer(command, *FARGATE, "--yes")
    assert (failed.exit_code, failed.stderr.splitlines()[-1]) == (3, "error: There is no room for tools.")
    assert wanted == ["go", "regctl", "soci", "pulumi"]


@pytest.mark.parametrize("command", ["run", "up"])
def test_images_are_weighed_with_tools_that_are_there(
    sociometer: Sociometer, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def install(*_: object) -> None:
        raise MachineError("There is no room for tools.")

    monkeypatch.setattr("kit.toolchain.install.install", install)
    own = ("--set", 'images={"web": {"image": "registry.example/web:1", "ready": "tcp:80"}}', "--set", "variants=web")
    words = (*FARGATE, "--image", "web=registry.example/web:1") if command == "run" else (*FARGATE, *own)
    failed = sociometer(command, *words)
    assert failed.stderr.splitlines()[-1] == "error: There is no room for tools."


def test_a_region_without_prices_is_said_and_no_number_is_made_up(sociometer: Sociometer) -> None:
    refused = sociometer("run", *FARGATE, "--set", "region=af-south-1")
    assert refused.exit_code == 2
    assert "No prices are known for af-south-1" in " ".join(refused.stderr.split())
    assert "USD" not in refused.stderr


def test_what_is_not_in_the_estimate_is_said(sociometer: Sociometer) -> None:
    asked = sociometer("up", *FARGATE, "--set", "bastion=true")
    assert "This does not include the bastion (a t4g.small with 40 GB of disk)." in asked.stderr
    assert "bastion" not in sociometer("up", *FARGATE).stderr


def test_a_network_that_was_there_costs_no_endpoints_and_what_it_charges_is_said_to_be_missing(
    sociometer: Sociometer,
) -> None:
    network = [f"--set={key}={value}" for key, value in network_that_is_there.SETTINGS.items()]
    asked = " ".join(sociometer("up", *FARGATE, *network, "--set", "ephemeralStorageGib=50").stderr.split())
    assert "interface endpoints" not in asked
    assert "what your own network charges, such as a NAT gateway for each GB; a task's disk beyond 20 GiB." in asked
    public = [f"--set=vpc={network_that_is_there.VPC}", f"--set=subnets={','.join(network_that_is_there.PUBLIC)}"]
    asked = " ".join(sociometer("run", *FARGATE, *public, "--set", "assignPublicIp=true").stderr.split())
    assert "tasks' public IPv4 addresses 2.82 task-hours x 0.005 0.0141" in asked
    assert "interface endpoints" not in asked


def test_a_setting_that_cannot_be_is_named_before_anything_is_asked(sociometer: Sociometer) -> None:
    refused = sociometer("run", *FARGATE, "--set", "cpuUnits=300")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: Setting cpuUnits: '300' cannot be used")


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_a_no_on_a_terminal_ends_it_before_anything_is_started(tmp_path: Path, answer: str) -> None:
    exit_code, text = on_a_terminal(tmp_path, answer, "run", *FARGATE)
    assert exit_code == 1
    assert "Spend it? [y/N]" in text
    assert "Nothing was started, and nothing was spent." in text
    assert not (tmp_path / "data" / "store.sqlite").exists()


def on_a_terminal(folder: Path, answer: str, *words: str) -> tuple[int, str]:
    """Run the real command in a process with a terminal, type an answer, and give its end and what it said."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "SOCIOMETER_DATA": str(folder / "data"), "TERM": "dumb"}
    command = [sys.executable, "-c", "from sociometer.cli.main import main; main()", *words]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=folder
    ) as process:
        os.write(ours, answer.encode())
        text, _ = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    return process.returncode, text


@pytest.mark.parametrize(("ranges", "warned"), [("203.0.113.0/24", True), ("203.0.113.0/24,8.8.8.8/32", False)])
def test_a_load_balancer_that_is_open_to_nobody_is_warned_of(
    capsys: pytest.CaptureFixture[str], ranges: str, warned: bool
) -> None:
    spending.warn_of_nobody(Settings.parse({"target": "fargate", "loadbalancerAllowCidrs": ranges.split(",")}))
    assert ("lets nobody in" in capsys.readouterr().err) == warned
