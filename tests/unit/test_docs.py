"""What the docs tell people to type is what the command takes."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from sociometer.cli.main import app
from tests.support.workflow import workflow

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.md")])
_ENDS = {"|", "||", "&&", ";", ">", ">>", "<", "&", ")"}


def commands(shell: str) -> Iterator[list[str]]:
    """The words after `sociometer` of every command in a script; variables and expressions stand for themselves."""
    for line in re.sub(r"\\\n\s*", " ", shell).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        words = list(lexer)
        while "sociometer" in words:
            words = words[words.index("sociometer") + 1 :]
            end = next((place for place, word in enumerate(words) if word in _ENDS), len(words))
            yield words[:end]


def check(words: list[str]) -> None:
    """Raises typer's error for an unknown command or option, or a missing argument; runs nothing."""
    command, context = typer.main.get_command(app), None
    while isinstance(command, TyperGroup):
        context = typer.Context(command, parent=context)
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]!r}"
        command, words = found, words[1:]
    command.make_context(command.name, list(words), parent=context)


def scripts() -> list[str]:
    return [step["run"] for job in workflow()["jobs"].values() for step in job["steps"] if "run" in step]


def test_every_command_of_the_workflow_exists_with_its_options() -> None:
    found = [words for script in scripts() for words in commands(script)]
    for words in found:
        check(words)
    named = [words[0] for words in found]
    assert named == ["tools", "doctor", "run", "report"]


def test_every_script_of_the_workflow_is_shell() -> None:
    for script in scripts():
        subprocess.run(["bash", "-n", "-c", re.sub(r"\$\{\{.*?\}\}", "value", script)], check=True)


def test_the_workflow_has_what_github_needs() -> None:
    parsed = workflow()
    assert parsed[True] == "pull_request"  # YAML 1.1 reads `on` as a truth value
    [job] = parsed["jobs"].values()
    assert all(("run" in step) != ("uses" in step) for step in job["steps"])
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]) for step in job["steps"] if "uses" in step)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_a_page_exists_with_its_options(page: Path) -> None:
    for line in re.findall(r"^ {4,}(?:uv run |\.venv/bin/)?(sociometer [a-z].*)", page.read_text(), re.MULTILINE):
        for words in commands(re.split(r"#|\s{2,}", line)[0]):  # what follows is said about it
            check(words)


@pytest.mark.parametrize("line", ["sociometer nonsense", "sociometer compare", "sociometer sweep --nonsense 1"])
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    [words] = commands(f"true && sudo {line} > /dev/null")
    with pytest.raises((AssertionError, TyperException)):
        check(words)


def paths_named(page: Path) -> Iterator[str]:
    """What a page links to in this repository, and the files of ours that it names in code."""
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in link:
            yield str((page.parent / link).resolve().relative_to(ROOT))
    yield from re.findall(r"`((?:sociometer|experiments|infra|kit|tests|benchmarks|docs|images)/[\w/.-]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    assert [name for name in paths_named(page) if not (ROOT / name).exists()] == []


def test_every_test_that_the_page_on_reliability_names_is_there() -> None:
    named = re.findall(r"\[`(test_\w+)`\]\(\.\./([\w/.]+)\)", (ROOT / "docs" / "reliability.md").read_text())
    assert [name for name, file in named if f"def {name}(" not in (ROOT / file).read_text()] == []
    assert len(named) > 40
