"""What `sociometer help` shows: the pages of docs/, words for sections of them, and the files that come with them.

Nothing is written here anew.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kit.errors import SettingsError
from kit.paths import asset


class Place(NamedTuple):
    """A page of docs/, and a heading in it; without one, all of the page."""

    page: str
    heading: str | None = None


WORDS: Mapping[str, Place] = {
    "readiness": Place("images", "When a task is ready"),
    "container": Place("images", "What a container is given"),
    "references": Place("images", "How an image is named"),
    "terms": Place("design", "Terms"),
    "rounds": Place("lab", "How a round runs"),
    "profiles": Place("lab", "What is real, and what is imitated"),
    "blocks": Place("measuring", "What a sweep is"),
    "figures": Place("measuring", "The figures"),
    "verdicts": Place("measuring", "The verdict"),
    "precision": Place("measuring", "Adding blocks until it is precise"),
    "failures": Place("measuring", "Tasks that do not boot"),
    "warnings": Place("measuring", "Warnings"),
    "columns": Place("data"),
    "gate": Place("ci"),
    "permissions": Place("fargate", "Permissions"),
    "settings": Place("fargate", "Stacks and settings"),
    "network": Place("fargate", "In a network that you have"),
    "costs": Place("fargate", "What it costs"),
    "cleaning": Place("fargate", "Cleaning up"),
}
_HEADING = re.compile(r"(#+) (.*)")
_PICTURE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_PAGE = re.compile(r"\[([^\]]*)\]\((?:\.\./docs/)?([\w-]+)\.md(?:#[\w-]*)?\)")
_POLICY = re.compile(r"\[[^\]]*\]\((fargate-policy[\w-]*)\.json\)")
_FILE = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)]*\)")


@cache
def pages() -> Mapping[str, Path]:
    """The pages, by name."""
    return {path.stem: path for path in sorted(asset("docs").glob("*.md"))}


@cache
def files() -> Mapping[str, Path]:
    """Files for other programs, by name: what an account must allow, as IAM reads it, and the notebook."""
    policies = {path.stem: path for path in sorted(asset("docs").glob("fargate-policy*.json"))}
    return {**policies, "notebook": asset("notebooks") / "experiment.ipynb"}


def topics() -> Mapping[str, str]:
    """Every word, page and file with what it is, in the order of the alphabet."""
    words = {word: place.heading or _title(place.page) for word, place in WORDS.items()}
    whole = {page: _title(page) for page in pages()}
    return dict(
        sorted({**words, **whole, **{name: f"Prints the file {path.name}" for name, path in files().items()}}.items())
    )


def text(topic: str) -> str:
    """A topic as Markdown, a file as it is; links to other pages say how to read them here. Raises `SettingsError`."""
    known = topics()
    name = topic.lower()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise SettingsError(f"There is no topic {topic!r}.{hint} `sociometer help` lists them.")
    if name in files():
        return files()[name].read_text()
    page, heading = WORDS.get(name, Place(name))
    whole = pages()[page].read_text()
    return _for_here(whole if heading is None else section(whole, heading))


def section(page: str, heading: str) -> str:
    """A section of a page, with its heading and those below it; raises `LookupError` where there is none."""
    found: list[str] = []
    depth, fenced = 0, False
    for line in page.splitlines():
        fenced ^= line.startswith("```")
        match = None if fenced else _HEADING.fullmatch(line)
        if match and depth and len(match[1]) <= depth:
            break
        if match and match[2] == heading:
            depth = len(match[1])
        if depth:
            found.append(line)
    if not found:
        raise LookupError(heading)
    return "\n".join(found).rstrip() + "\n"


def _title(page: str) -> str:
    return pages()[page].read_text().partition("\n")[0].removeprefix("# ")


def _for_here(page: str) -> str:
    """The text without links that lead nowhere outside of the project's folder."""
    page = _PICTURE.sub(r"(Picture: \1.)", page)
    page = _POLICY.sub(r"`sociometer help \1`", page)
    page = _PAGE.sub(_read_here, page)
    return _FILE.sub(r"\1", page)


def _read_here(link: re.Match[str]) -> str:
    label, page = link[1], link[2]
    if page not in pages():
        return label
    command = f"`sociometer help {page}`"
    return command if label == f"{page}.md" else f"{label} ({command})"
