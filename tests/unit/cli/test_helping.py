"""Claims about `sociometer help`: every word leads to text of docs/, and no link leads nowhere."""

from __future__ import annotations

import json
import re

import pytest

from kit.paths import asset
from sociometer.cli import topics
from tests.unit.cli.conftest import Sociometer


@pytest.mark.parametrize("word", [word for word in topics.topics() if word not in topics.files()])
def test_every_topic_has_text_without_links_that_lead_nowhere(word: str) -> None:
    text = topics.text(word)
    assert text.startswith("#")
    assert len(text) > 300
    assert re.findall(r"\]\((?!https?:)[^)]*\)", text) == []
    named = set(re.findall(r"`sociometer help ([\w-]+)`", text))
    assert named <= set(topics.topics())


def test_a_word_is_the_section_of_its_page_and_nothing_after_it() -> None:
    text = topics.text("readiness")
    page = asset("docs").joinpath("images.md").read_text()
    assert text.startswith("## When a task is ready\n")
    assert "`tcp:5432`" in text
    assert "## What a container is given" in page
    assert "## What a container is given" not in text


def test_a_heading_within_a_block_of_code_ends_no_section() -> None:
    page = "# A\n## B\n```\n## no heading\n```\n### C\nlast\n## D\n"
    assert topics.section(page, "B") == "## B\n```\n## no heading\n```\n### C\nlast\n"
    with pytest.raises(LookupError):
        topics.section(page, "no heading")


def test_a_file_is_printed_as_other_programs_take_it(sociometer: Sociometer) -> None:
    assert json.loads(sociometer("help", "fargate-policy").stdout)["Version"] == "2012-10-17"
    assert "`sociometer help fargate-policy`" in topics.text("permissions")
    assert json.loads(sociometer("help", "notebook").stdout)["nbformat"] == 4


def test_the_command_lists_shows_and_hints(sociometer: Sociometer) -> None:
    listed = sociometer("help").stdout.splitlines()
    assert [line.split()[0] for line in listed] == sorted(topics.topics())
    assert sociometer("help", "Rounds").stdout == topics.text("rounds")
    unknown = sociometer("help", "readyness")
    assert unknown.exit_code == 2
    assert unknown.stderr == (
        "error: There is no topic 'readyness'. Did you mean 'readiness'? `sociometer help` lists them.\n"
    )
