"""Marked credentials go through a whole experiment on a local AWS: nothing written, printed or started shows one."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from infra.automation.files import FARGATE_STACK
from tests.integration.test_fargate_run import SMALL, TREATMENTS
from tests.support.aws.world import World, whole_world
from tests.support.secrets.flow import Home, at_home
from tests.support.secrets.marks import Marks

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with whole_world(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def home(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """What a whole experiment leaves, with its stack still up."""
    [granted] = world.aws.client("ecr").get_authorization_token()["authorizationData"]
    token = granted["authorizationToken"]
    marks = Marks(also=(token, base64.b64decode(token).decode().partition(":")[2]))
    with at_home(tmp_path_factory.mktemp("secrets"), marks, umask=0o077) as home:
        plan = (*TREATMENTS, "--counts", "1", "--blocks", "1", *SMALL, "--yes")
        home("run", "--target", "fargate", *plan, "--results", str(home.results))
        home("report")
        home("clean", "--target", "fargate")
        try:
            yield home
        finally:
            home("down", "--target", "fargate")


def test_nothing_that_is_left_or_was_printed_shows_a_credential(home: Home) -> None:
    states = [path for path in (home.data / "pulumi").rglob("*.json*") if b"aws:ecs/service" in path.read_bytes()]
    assert any(FARGATE_STACK in path.name for path in states)
    assert home.shown() == {}


def test_no_process_was_started_with_a_credential_among_its_words(home: Home) -> None:
    assert {"regctl", "pulumi", "soci"} <= home.seen.programs
    assert home.seen.words == {}


def test_a_stricter_umask_is_kept(home: Home) -> None:
    files = [path for path in (home.data, home.results) for path in path.rglob("*") if path.is_file()]
    assert files and not [path for path in files if path.stat().st_mode & 0o077]


def test_what_aws_refuses_is_told_without_the_credentials(home: Home) -> None:
    words = ("sweep", "--target", "fargate", *TREATMENTS, "--counts", "1", "--blocks", "1", "--yes")
    done = home(*words, exit_code=1, AWS_ENDPOINT_URL="http://127.0.0.1:9", SOCIOMETER_DEBUG="1")
    assert home.marks.named(f"{done.stdout}{done.stderr}".encode()) == set()
