"""The example workflow of docs/ci.md, parsed."""

from __future__ import annotations

import re
from typing import Any

import yaml

from kit.paths import asset


def workflow() -> dict[str, Any]:
    """The one example of the page."""
    [text] = re.findall(r"^```yaml\n(.*?)^```", asset("docs/ci.md").read_text(), re.MULTILINE | re.DOTALL)
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


def steps() -> dict[str, dict[str, Any]]:
    """The steps of its job that have a name, by it, in their order."""
    return {step["name"]: step for step in _job()["steps"] if "name" in step}


def variables() -> dict[str, str]:
    """The job's environment."""
    return dict(_job()["env"])


def _job() -> dict[str, Any]:
    [job] = workflow()["jobs"].values()
    return dict(job)
