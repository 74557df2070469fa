"""Marked credentials go through a whole experiment in the lab: nothing written, printed or started shows one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environments import ROOT
from tests.support.registry import TestRegistry
from tests.support.secrets.flow import Home, at_home, private_registry, push_secret_image
from tests.support.secrets.marks import Marks

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
STACK = ("--stack", f"test-secrets-{os.getpid()}")
NEEDS_CREDENTIALS = {
    *("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python", "git"),
    *("regctl", "bash", "sh", "setpriv", "python tests.support.aws.impatient", "python sociometer"),
    *("python pulumi.dynamic", "python pip"),
}
"""Pulumi and what it starts (it asks git about the checkout), of which some go to AWS; and what goes to registries."""


@pytest.fixture(scope="module")
def marks() -> Marks:
    return Marks()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is not the user's."""
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="module")
def private(marks: Marks, outside: Path) -> Iterator[TestRegistry]:
    with private_registry(marks, outside) as running:
        yield running


@pytest.fixture(scope="module")
def reference(marks: Marks, outside: Path, private: TestRegistry) -> str:
    return push_secret_image(marks, outside, private.host)


@pytest.fixture(scope="module")
def home(
    marks: Marks, private: TestRegistry, reference: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    """What a whole experiment leaves, made with a umask that forbids nothing."""
    with at_home(tmp_path_factory.mktemp("secrets"), marks, umask=0) as home:
        home.environment["DOCKER_CONFIG"] = str(marks.docker_login(private.host, home.folder / "login"))
        images = json.dumps({"web": {"image": reference, "ready": "exit:0"}})
        own = ("--set", "variants=[]", "--set", f"images={images}", "--set", "minLayerSize=0")
        (home.folder / "results").mkdir()
        try:
            home("up", *STACK, "--forms", "plain,soci-v2", *own)
            home.keep_in_the_stack(STACK[1])
            home("sweep", *STACK, "--counts", "1", "--blocks", "1")
            home("report", "--format", "html", "--output", str(home.results / "report.html"))
            home("trace", reference, "--ready", "exit:0", "--output", str(home.results / "trace.json"))
            home("outputs", *STACK)
            yield home
        finally:
            home("down", *STACK)


def test_nothing_that_is_left_or_was_printed_shows_a_credential(home: Home) -> None:
    stack = ROOT / f"Pulumi.{STACK[1]}.yaml"
    assert "app:token" in stack.read_text()
    assert home.marks.in_files(stack) == {}
    own_image = [home.data / "lab" / STACK[1] / "registry/storage"]  # as it was pushed, with its variables
    assert home.marks.in_files(*own_image) != {}
    assert home.shown(but=own_image) == {}


def test_no_process_was_started_with_a_credential_among_its_words(home: Home) -> None:
    assert {
        "regctl",
        "containerd",
        "soci-snapshotter-grpc",
        "docker-registry",
        "containerd-shim-runc-v2",
        "pulumi",
    } <= home.seen.programs
    assert home.seen.words == {}


def test_only_what_goes_to_registries_or_aws_had_credentials_among_its_variables(home: Home) -> None:
    assert home.seen.given_credentials() <= NEEDS_CREDENTIALS


def test_others_may_write_nothing_and_look_into_no_state(home: Home) -> None:
    assert home.open_to_others() == []
    assert (home.data / "pulumi").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("debug", ["0", "1"])
def test_refused_logins_and_dead_proxies_are_told_without_them(
    home: Home, private: TestRegistry, reference: str, debug: str
) -> None:
    wrong = home.marks.docker_login(private.host, home.folder / f"wrong-{debug}", "own-secret")
    told = {"SOCIOMETER_DEBUG": debug}
    refused = home("plan", "--image", f"web={reference}", exit_code=1, DOCKER_CONFIG=str(wrong), **told)
    assert f"`docker login {private.host}`" in refused.stderr
    dead = home("plan", "--image", "web=registry.invalid/team/web:1", "--ready", "exit:0", exit_code=1, **told)
    assert "127.0.0.1:9" in dead.stderr
    assert ("Traceback" in refused.stderr + dead.stderr) == (debug == "1")
    assert home.marks.named("\n".join(home.printed).encode()) == set()
