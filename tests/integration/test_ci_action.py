"""The action on a runner: two real images measured in the lab, commented on and judged, by a user with sudo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.toolchain import toolbox
from tests.support import forge_server
from tests.support.action_runner import USER, Runner, runner
from tests.support.field_images import Tar, gzip_layer, image
from tests.support.forge_server import ForgeServer
from tests.support.leftovers import left_on_the_machine
from tests.support.traced import busybox

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
SECONDS = {"before": 0.1, "after": 3.0}
"""How long each image works before it is done."""
SECRETS = ("TOKEN_OF_THE_JOB", "SOMETHING_SECRET")


def images(folder: Path) -> dict[str, str]:
    program, made = busybox(), {}
    for name, seconds in SECONDS.items():
        layer = gzip_layer(Tar().folder("bin").file("bin/busybox", program, 0o755).file(name, b""))
        written = image([layer], config={"Cmd": ["/bin/busybox", "sleep", str(seconds)]}).write(folder / name)
        made[name] = f"oci:{written}"
    return made


def restored(_key: str, path: Path) -> bool:
    """The tools of this machine's cache, each by a link; what root writes beside them is the job's own."""
    path.mkdir(parents=True)
    for tool in toolbox.tools_dir().iterdir():
        if tool.is_dir():
            (path / tool.name).symlink_to(tool)
    shutil.chown(path, USER)
    return False  # as after a partial hit: what is there now is kept again


@pytest.fixture(scope="module")
def forge() -> Iterator[ForgeServer]:
    with forge_server.serving() as server:
        yield server


@pytest.fixture(scope="module")
def ran(forge: ForgeServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Runner, str]]:
    """The action after it has run for pull request 5, and its outcome."""
    event = {"pull_request": {"number": 5}}
    environment = {"GITHUB_API_URL": forge.url, **dict.fromkeys(SECRETS, forge_server.GITHUB_TOKEN)}
    with runner(event, restored, **environment) as job:
        made = images(job.folder / "images")
        yield job, job.run(**made, ready="exit:0", blocks="3", options="--timeout=60\n--env=NAME=a b; touch /pwned\n")
    assert left_on_the_machine() == []


def test_a_slower_image_fails_the_job_in_its_last_step_alone(ran: tuple[Runner, str]) -> None:
    job, outcome = ran
    assert {name: step.outcome for name, step in job.ended.items() if step.outcome != "success"} == {
        "Judge": "failure"
    }, "\n".join(step.said for step in job.ended.values())
    assert outcome == "failure"
    assert "error: Slower by 5.0 % or more: " in job.ended["Judge"].said


def test_the_pull_request_has_one_comment_with_the_verdict(ran: tuple[Runner, str], forge: ForgeServer) -> None:
    [body] = forge.bodies
    assert body.startswith("<!-- sociometer: start-time -->\n### Starts are slower than allowed\n")
    assert "●" in body
    assert f"{ran[0].summary}" == f"{body.partition(chr(10))[2]}\n"


def test_the_records_are_packed_as_the_jobs_user(ran: tuple[Runner, str]) -> None:
    kept = ran[0].kept["start-time"]
    assert "./store.sqlite" in kept
    assert {Path(name).name for name in kept} >= {"report.html", "report.md", "averages.csv"}


def test_the_tools_are_kept_under_a_key_of_their_pins(ran: tuple[Runner, str]) -> None:
    [key] = [key for key in ran[0].kept if key.startswith("sociometer-tools-")]
    assert key.endswith(toolbox.key())
    assert "./answers.json" in ran[0].kept[key]


def test_nothing_runs_as_root_with_a_secret_of_the_job_and_no_input_is_run(ran: tuple[Runner, str]) -> None:
    assert not Path("/pwned").exists()
    job = ran[0]
    source = f'. "{job.folder}/action/tools/ci/job.sh"; as_root env'
    told = job.as_user("bash", "-c", source, environment=job.environment).stdout
    assert f"HOME={job.folder / 'home'}\n" in told
    assert [name for name in SECRETS if name in told] == []
    assert forge_server.GITHUB_TOKEN not in told


def test_what_root_has_written_belongs_to_the_jobs_user(ran: tuple[Runner, str]) -> None:
    folder = ran[0].temp / "sociometer-ci"
    assert (folder / "data" / "store.sqlite").owner() == USER
    theirs = [path for path in folder.rglob("*") if path.owner() != USER and not path.is_symlink()]
    assert [path for path in theirs if not str(path.resolve()).startswith(str(toolbox.tools_dir()))] == []


def test_in_a_fork_only_the_comment_is_missing(ran: tuple[Runner, str], forge: ForgeServer) -> None:
    job = ran[0]
    forge.read_only = True
    step = f'bash "{job.folder}/action/tools/ci/comment.sh"'
    done = job.as_user("bash", "-c", step, environment={**job.environment, "GITHUB_TOKEN": forge_server.GITHUB_TOKEN})
    assert done.returncode == 0
    assert "No comment was written: " in done.stdout
    assert "No comment was written: " in job.summary


def test_a_job_without_the_images_ends_in_its_measuring_step_with_a_line_that_says_so(ran: tuple[Runner, str]) -> None:
    job = ran[0]
    step = f'bash "{job.folder}/action/tools/ci/measure.sh"'
    done = job.as_user("bash", "-c", step, environment={**job.environment, "INPUT_AFTER": "web:1"})
    assert done.returncode != 0
    assert "INPUT_BEFORE: the image to compare with" in done.stdout
    assert [path.name for path in job.temp.iterdir()] == ["sociometer-ci"]
