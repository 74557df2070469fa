"""Claims about the comment on a pull or merge request: one, written over, never somebody else's, and no leak."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from experiments.report.contents import SIMULATED
from experiments.store.store import Store
from experiments.sweep import start
from sociometer.cli import commenting
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor
from tests.support.forge_server import GITHUB_TOKEN, GITLAB_TOKEN, ForgeServer, serving
from tests.unit.cli.conftest import Sociometer

MARKER = "<!-- sociometer: start-time -->"
VERDICT = "### Starts are slower than allowed"
STRANGER = {"login": "somebody", "type": "User"}


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    stamina.set_testing(True, attempts=3)
    with serving() as server:
        yield server
    stamina.set_testing(False)


@pytest.fixture
def comment(sociometer: Sociometer, monkeypatch: pytest.MonkeyPatch) -> Sociometer:
    """The command on a sweep that need not be analysed, for its verdict is known."""

    def body(_sweep: str, _store: object, limit: float | None, link: str | None) -> str:
        assert limit == 0.05
        return f"{VERDICT}\n[records]({link})\n"

    monkeypatch.setattr(commenting, "_body", body)
    return lambda *words: sociometer("comment", "--fail-if-slower", "5%", *words)


@pytest.fixture
def github(forge: ForgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ForgeServer:
    """The environment of a job about pull request 5."""
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 5}}))
    monkeypatch.delenv("GITLAB_CI", raising=False)
    for name, value in {
        "NO_PROXY": "127.0.0.1",
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": forge.url,
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "team/web",
        "GITHUB_RUN_ID": "99",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_TOKEN": GITHUB_TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    return forge


@pytest.fixture
def gitlab(forge: ForgeServer, monkeypatch: pytest.MonkeyPatch) -> ForgeServer:
    """The environment of a job about merge request 3."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "NO_PROXY": "127.0.0.1",
        "GITLAB_CI": "true",
        "CI_API_V4_URL": forge.url,
        "CI_PROJECT_ID": "42",
        "CI_MERGE_REQUEST_IID": "3",
        "CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.example/team/web",
        "CI_JOB_URL": "https://gitlab.example/team/web/-/jobs/1",
        "SOCIOMETER_GITLAB_TOKEN": GITLAB_TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    return forge


def test_on_github_a_first_run_comments_and_a_second_one_writes_over_it(
    github: ForgeServer, comment: Sociometer, tmp_path: Path
) -> None:
    first = comment()
    assert (first.exit_code, first.stdout) == (0, "")
    assert "The comment is at /c/1000" in first.stderr
    [body] = github.bodies
    assert body.startswith(f"{MARKER}\n{VERDICT}\n")
    assert "(https://github.example/team/web/actions/runs/99)" in body
    assert f"{MARKER}\n{(tmp_path / 'summary.md').read_text()}" == f"{body}\n"
    github.comments[0]["body"] = f"{MARKER}\nold"
    comment()
    assert github.bodies == [body]


def test_on_gitlab_a_first_run_comments_and_a_second_one_writes_over_it(
    gitlab: ForgeServer, comment: Sociometer
) -> None:
    assert "The comment is at https://gitlab.example/team/web/-/merge_requests/3#note_1000" in comment().stderr
    [body] = gitlab.bodies
    assert "(https://gitlab.example/team/web/-/jobs/1/artifacts/browse)" in body
    gitlab.comments[0]["body"] = f"{MARKER}\nold"
    comment()
    assert gitlab.bodies == [body]


def test_ours_is_found_behind_many_others(github: ForgeServer, comment: Sociometer) -> None:
    for number in range(100):
        github.add(f"opinion {number}", STRANGER)
    github.add(f"{MARKER}\nold")
    comment()
    assert len(github.bodies) == 101
    assert github.bodies[-1].startswith(f"{MARKER}\n{VERDICT}")


def test_each_name_has_a_comment_of_its_own(github: ForgeServer, comment: Sociometer) -> None:
    for name in ("web", "worker", "web"):
        comment("--name", name)
    assert [body.partition("\n")[0] for body in github.bodies] == [
        "<!-- sociometer: web -->",
        "<!-- sociometer: worker -->",
    ]


def test_what_somebody_else_wrote_is_left_alone_whatever_it_begins_with(
    github: ForgeServer, comment: Sociometer
) -> None:
    github.add(f"{MARKER}\nmine", STRANGER)
    comment()
    assert github.bodies[0] == f"{MARKER}\nmine"
    assert len(github.bodies) == 2


def test_on_gitlab_another_accounts_note_is_left_alone(gitlab: ForgeServer, comment: Sociometer) -> None:
    gitlab.add(f"{MARKER}\nmine", author=8)
    comment()
    assert gitlab.bodies[0] == f"{MARKER}\nmine"
    assert len(gitlab.bodies) == 2


def test_the_pull_request_of_a_fork_has_the_summary_alone_and_one_line_says_why(
    github: ForgeServer, comment: Sociometer, tmp_path: Path
) -> None:
    github.read_only = True
    done = comment()
    assert done.exit_code == 0
    [line] = [line for line in done.stderr.splitlines() if "No comment" in line]
    assert "403 to POST" in line
    assert "Resource not accessible by integration" in line
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith(VERDICT)
    assert "No comment was written: " in summary
    assert github.bodies == []


def test_a_merge_request_without_a_token_has_the_report_in_the_log(
    gitlab: ForgeServer, comment: Sociometer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOCIOMETER_GITLAB_TOKEN")
    done = comment()
    assert done.exit_code == 0
    assert done.stdout.startswith(VERDICT)
    assert "No comment was written: the job has no SOCIOMETER_GITLAB_TOKEN" in done.stderr
    assert gitlab.requests == []


def test_a_wrong_token_fails_in_one_line(
    github: ForgeServer, comment: Sociometer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "wrong-token-of-a-test")
    done = comment()
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {github.url} answers 401 to GET")
    assert "wrong-token-of-a-test" not in done.stdout + done.stderr


def test_a_busy_api_is_asked_again(github: ForgeServer, comment: Sociometer) -> None:
    github.script.extend([(502, {}), (403, {"Retry-After": "1"})])
    assert comment().exit_code == 0
    assert len(github.bodies) == 1


def test_an_api_that_stays_busy_fails_in_one_line(github: ForgeServer, comment: Sociometer) -> None:
    github.script.extend([(503, {})] * 3)
    done = comment()
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {github.url} does not answer: 503 for GET")


def test_a_comment_whose_answer_was_lost_is_not_written_twice(github: ForgeServer, comment: Sociometer) -> None:
    github.lost_answers = 1
    assert comment().exit_code == 0
    assert len(github.bodies) == 1


def test_a_redirection_is_not_followed_with_the_token(github: ForgeServer, comment: Sociometer) -> None:
    with serving() as elsewhere:
        github.script.append((301, {"Location": f"{elsewhere.url}/repos/team/web/issues/5/comments"}))
        assert comment().exit_code == 1
        assert elsewhere.requests == []


def test_a_job_about_no_pull_request_asks_nobody(github: ForgeServer, comment: Sociometer, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"ref": "refs/heads/main"}))
    done = comment()
    assert (done.exit_code, github.requests) == (0, [])
    assert done.stdout.startswith(VERDICT)
    assert (tmp_path / "summary.md").read_text().startswith(VERDICT)


@pytest.mark.parametrize("content", ["no JSON", "[]"])
def test_an_event_that_is_none_fails_in_one_line(
    github: ForgeServer, comment: Sociometer, tmp_path: Path, content: str
) -> None:
    (tmp_path / "event.json").write_text(content)
    done = comment()
    assert (done.exit_code, github.requests) == (1, [])
    assert "event.json is not what a job on GitHub is about" in done.stderr.splitlines()[-1]


def test_a_variable_that_the_job_lacks_is_named(
    github: ForgeServer, comment: Sociometer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_API_URL")
    done = comment()
    assert (done.exit_code, github.requests) == (1, [])
    assert "error: This CI job has no variable GITHUB_API_URL, so" in done.stderr


@pytest.mark.slow
def test_outside_of_a_job_the_whole_comment_of_a_sweep_is_printed(
    sociometer: Sociometer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forge: ForgeServer
) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    with Store(tmp_path / "store.sqlite", write=True) as opened:
        executor = FakeExecutor(stack_outputs(), seed=1, factors={"soci-v2": 3.0})
        start(opened, executor, small_plan(blocks=5, task_counts=(1,)), "lab", stack_outputs(), lambda _: None)
    done = sociometer("comment", "--store", str(tmp_path / "store.sqlite"), "--fail-if-slower", "5%")
    assert (done.exit_code, forge.requests) == (0, [])
    assert done.stdout.startswith(f"**{SIMULATED}: no figure here is a measurement.**\n\n{VERDICT}\n")
    assert "movie soci-v2, 1 task, boot" in done.stdout
    assert "Repeat with: `sociometer sweep" in done.stdout
