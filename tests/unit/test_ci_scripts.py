"""Claims about the steps of the CI job, run with a `sociometer` that notes what it was called with.

That the real one takes these words is checked by its own parser; `tests/integration/test_ci_action.py` runs the steps
with everything real.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.programs import script
from tests.support.typed import check
from tests.support.workflow import STEPS

IMAGES = {"INPUT_BEFORE": "ghcr.io/team/web:main", "INPUT_AFTER": "ghcr.io/team/web:pr-1"}
SECRETS = ("GITHUB_TOKEN", "SOCIOMETER_GITLAB_TOKEN", "CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD")
Run = Callable[..., subprocess.CompletedProcess[str]]


class Job:
    """A job's folder, and in it a `sociometer` that ends with ``exit_code``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "ci"
        self.exit_code = folder / "exit_code"
        self.exit_code.write_text("0")
        noting = f'printf "%s\\0" "$@" >{folder}/words; env >{folder}/environment; exit "$(cat {self.exit_code})"'
        script(self.folder / "bin" / "sociometer", noting)
        for name in ("data", "results"):
            (self.folder / name).mkdir()
        (self.folder / "data" / "store.sqlite").touch()
        self._noted = folder

    @property
    def words(self) -> list[str]:
        """What it was called with last."""
        return (self._noted / "words").read_text().split("\0")[:-1]

    @property
    def environment(self) -> dict[str, str]:
        """The environment that it had."""
        lines = (self._noted / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def run(self, step: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A step as the runner starts it, as root."""
        told = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self._noted), **environment}
        return subprocess.run(
            ["bash", STEPS / f"{step}.sh"],
            env={**told, "SOCIOMETER_CI_FOLDER": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_both_images_are_measured_next_to_each_other_with_the_gate_and_nothing_stays(job: Job) -> None:
    assert job.run("measure", **IMAGES, INPUT_READY="http:8080/health").returncode == 0
    assert job.words == [
        "run",
        "--image=before=ghcr.io/team/web:main",
        "--image=after=ghcr.io/team/web:pr-1",
        "--control=before",
        "--forms=plain",
        "--counts=1",
        "--blocks=8",
        "--fail-if-slower=5%",
        f"--results={job.folder}/results",
        "--destroy",
        "--ready=http:8080/health",
    ]
    check(job.words)


def test_an_input_is_one_word_whatever_is_in_it(job: Job) -> None:
    odd = "a b; $(touch /pwned) `x` \"' --yes"
    options = f"--env=NAME={odd}\n\n--user=1000"
    assert job.run("measure", INPUT_BEFORE=odd, INPUT_AFTER="-x", INPUT_OPTIONS=options).returncode == 0
    assert f"--image=before={odd}" in job.words
    assert "--image=after=-x" in job.words
    assert job.words[-2:] == [f"--env=NAME={odd}", "--user=1000"]
    check(job.words)


@pytest.mark.parametrize(("code", "step_code"), [(0, 0), (4, 0), (5, 0), (1, 1), (2, 2), (3, 3), (130, 130)])
def test_what_the_gate_says_of_a_measurement_is_no_failure_of_measuring(job: Job, code: int, step_code: int) -> None:
    job.exit_code.write_text(str(code))
    assert job.run("measure", **IMAGES).returncode == step_code
    assert (job.folder / "results" / "store.sqlite").exists() is (step_code == 0)


@pytest.mark.parametrize("code", [0, 4, 5])
def test_the_last_step_ends_as_the_gate_does(job: Job, code: int) -> None:
    job.exit_code.write_text(str(code))
    assert job.run("gate", INPUT_LIMIT="7%", INPUT_FAIL_IF_UNSURE="true").returncode == code
    assert job.words == ["compare", "last", "--fail-if-slower=7%", "--fail-if-unsure"]
    check(job.words)
    job.run("gate", INPUT_FAIL_IF_UNSURE="false")
    assert job.words == ["compare", "last", "--fail-if-slower=5%"]


def test_the_comment_is_named_and_has_the_gates_limit(job: Job) -> None:
    assert job.run("comment", INPUT_LIMIT="7%", INPUT_NAME="web").returncode == 0
    assert job.words == ["comment", "--fail-if-slower=7%", "--name=web"]
    check(job.words)


def test_only_the_comment_gets_the_jobs_tokens(job: Job) -> None:
    secrets = {name: f"value-{number}" for number, name in enumerate(SECRETS)}
    job.run("comment", **secrets)
    assert job.environment.items() >= secrets.items()
    for step in ("prepare", "measure"):
        job.run(step, **IMAGES, **secrets, DEPLOY_KEY="value", HTTPS_PROXY="http://proxy.example")
        assert job.environment["SOCIOMETER_DATA"] == f"{job.folder}/data"
        assert job.environment["HTTPS_PROXY"] == "http://proxy.example"
        assert not job.environment.keys() & {*secrets, *IMAGES, "DEPLOY_KEY"}


def login(job: Job, **environment: str) -> Mapping[str, object]:
    assert job.run("login", **environment).returncode == 0
    path = job.folder / "docker" / "config.json"
    assert path.stat().st_mode & 0o077 == 0
    job.run("measure", **IMAGES)
    assert job.environment["DOCKER_CONFIG"] == str(path.parent)
    read: Mapping[str, object] = json.loads(path.read_text())
    return read


def test_on_gitlab_the_job_is_logged_in_to_its_projects_registry(job: Job) -> None:
    of_job = {"CI_REGISTRY": "registry.example", "CI_REGISTRY_USER": "job", "CI_REGISTRY_PASSWORD": "x" * 100}
    expected = base64.b64encode(f"job:{'x' * 100}".encode()).decode()
    assert login(job, **of_job) == {"auths": {"registry.example": {"auth": expected}}}


def test_a_login_that_is_given_is_taken_instead(job: Job) -> None:
    given = {"auths": {"other.example": {"auth": "eDp5"}}}
    assert login(job, DOCKER_AUTH_CONFIG=json.dumps(given), CI_REGISTRY_PASSWORD="x") == given  # noqa: S106


def test_without_a_login_there_is_none(job: Job) -> None:
    assert job.run("login").returncode == 0
    job.run("measure", **IMAGES)
    assert "DOCKER_CONFIG" not in job.environment
