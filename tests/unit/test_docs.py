"""What the docs tell people to type is what the command takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.exceptions import TyperException

from tests.support.typed import check, commands

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.md")])


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
