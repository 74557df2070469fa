"""Claims about the action, GitLab's template and their scripts that can be read off the files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.workflow import ACTION, STEPS, TEMPLATE, action, examples, scripts, steps, template, told, workflow

PINNED = re.compile(r"actions/(?:cache/restore|cache/save|upload-artifact)@[0-9a-f]{40}")


def script_of(line: str) -> str:
    """The script that a step's line runs."""
    match = re.fullmatch(r'bash "\$\w+(?:/sociometer-ci/source)?/tools/ci/([a-z]+\.sh)"', line)
    assert match is not None, line
    return match[1]


def test_each_step_of_the_action_is_a_script_or_an_action_pinned_by_its_commit() -> None:
    for step in steps():
        if "uses" in step:
            assert PINNED.fullmatch(step["uses"])
        else:
            assert (STEPS / script_of(step["run"])).is_file()
            assert step["shell"] == "bash"
    assert all("# v" in line for line in ACTION.read_text().splitlines() if "uses:" in line)


def test_no_input_is_part_of_a_scripts_text() -> None:
    for step in steps():
        assert "${{" not in step.get("run", "")
    for line in (*template()["before_script"], *template()["script"]):
        assert "INPUT_" not in line


def test_each_step_is_told_what_its_script_reads_and_nothing_else() -> None:
    names = {f"INPUT_{name.upper().replace('-', '_')}": name for name in action()["inputs"]}
    for step in steps():
        if "run" in step:
            given = {name: value for name, value in step.get("env", {}).items() if name.startswith("INPUT_")}
            assert sorted(given) == list(told(STEPS / script_of(step["run"])))
            assert given == {name: f"${{{{ inputs.{names[name]} }}}}" for name in given}


def test_every_input_reaches_a_step() -> None:
    text = ACTION.read_text()
    assert [name for name in action()["inputs"] if f"inputs.{name} " not in text] == []
    assert [name for name, about in action()["inputs"].items() if not about.get("description")] == []


def test_only_the_step_that_comments_has_a_token() -> None:
    with_token = [step["name"] for step in steps() if "token" in str(step.get("env", {})).lower()]
    assert with_token == ["Comment"]


def test_the_scripts_defaults_are_those_of_the_action_and_of_the_template() -> None:
    for name, about in action()["inputs"].items():
        variable = f"INPUT_{name.upper().replace('-', '_')}"
        for script in scripts():
            for default in re.findall(rf"\$\{{{variable}:-([^}}]*)\}}", script.read_text()):
                if default and not default.startswith("$("):
                    assert default == about["default"]
        if variable in template()["variables"] and not about.get("required"):
            assert template()["variables"][variable] == about["default"]


def test_the_template_runs_the_actions_scripts_in_their_order() -> None:
    of_action = [script_of(step["run"]) for step in steps() if "run" in step]
    of_template = [script_of(line) for line in template()["script"]]
    assert [name for name in of_template if name != "login.sh"] == of_action
    read = {name for script in scripts() for name in told(script)} - {"INPUT_PACKAGE"}
    assert read == {name for name in template()["variables"] if name.startswith("INPUT_")}


@pytest.mark.parametrize("script", scripts(), ids=lambda path: path.name)
def test_every_script_is_shell(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)


def test_the_lines_of_the_template_are_shell() -> None:
    for line in (*template()["before_script"], *template()["script"]):
        subprocess.run(["bash", "-n", "-c", line], check=True)


def test_the_page_shows_five_lines_for_github_and_a_workflow_with_the_least_permissions() -> None:
    [step], *_ = examples()
    assert set(step["with"]) <= set(action()["inputs"])
    assert {name for name, about in action()["inputs"].items() if about.get("required")} <= set(step["with"])
    assert len(step["with"]) == 4
    example = workflow()
    assert example[True] == "pull_request"  # YAML 1.1 reads `on` as a truth value
    assert example["permissions"] == {}
    [job] = example["jobs"].values()
    assert job["permissions"] == {"packages": "read", "pull-requests": "write"}
    for other in job["steps"]:
        assert "${{" not in other.get("run", "")
    *_, last = job["steps"]
    assert last["with"] == step["with"]


def test_the_page_shows_the_job_for_gitlab() -> None:
    *_, gitlab = examples()
    assert [entry["file"] for entry in gitlab["include"]] == [str(TEMPLATE.relative_to(ACTION.parent))]
    job = gitlab["start-time"]
    assert job["extends"] == ".sociometer"
    assert set(job["variables"]) <= set(template()["variables"])


def test_no_file_offers_what_would_give_a_stranger_secrets() -> None:
    for path in (ACTION, TEMPLATE, *scripts()):
        assert "pull_request_target" not in path.read_text()
