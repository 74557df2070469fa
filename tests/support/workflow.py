"""The examples of docs/ci.md, the action at the repository's root and GitLab's template, parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kit.paths import asset

STEPS = asset("tools") / "ci"
ACTION = asset("Pulumi.yaml").parent / "action.yml"
TEMPLATE = STEPS / "gitlab.yml"


def examples() -> list[Any]:
    """The page's examples, in their order: GitHub's step, its workflow, GitLab's job."""
    page = asset("docs").joinpath("ci.md").read_text()
    return [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]


def workflow() -> dict[str, Any]:
    """GitHub's workflow among them."""
    [found] = [each for each in examples() if isinstance(each, dict) and "jobs" in each]
    return dict(found)


def action() -> dict[str, Any]:
    """`action.yml`."""
    parsed: dict[str, Any] = yaml.safe_load(ACTION.read_text())
    return parsed


def steps() -> list[dict[str, Any]]:
    """The action's steps."""
    return list(action()["runs"]["steps"])


def template() -> dict[str, Any]:
    """The job of GitLab's template."""
    parsed: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())
    return dict(parsed[".sociometer"])


def scripts() -> list[Path]:
    """The steps' scripts."""
    return sorted(STEPS.glob("*.sh"))


def told(script: Path) -> Iterator[str]:
    """The variables with a step's input that a script reads."""
    yield from sorted(set(re.findall(r"\bINPUT_[A-Z_]+", _code(script))))


def _code(script: Path) -> str:
    return "\n".join(line for line in script.read_text().splitlines() if not line.lstrip().startswith("#"))
