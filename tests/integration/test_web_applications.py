"""Two applications as people have them, measured unchanged by one command: Python with Flask, Node with Express."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.automation import stack
from tests.support import web_applications
from tests.support.registry import TestRegistry, registry
from tests.support.web_applications import APPLICATIONS

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
MOST_BYTES = 150_000_000
FIRST_LINES = 3


@pytest.fixture(scope="module")
def theirs() -> Iterator[TestRegistry]:
    """The registry that their images lie in."""
    with registry() as running:
        yield running


@pytest.fixture
def stack_name(own_data: Path) -> Iterator[str]:
    name = f"test-web-{os.getpid()}"
    yield name
    stack.down(name, lambda _line: None)


def sociometer(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("sociometer"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=500)


def test_a_python_and_a_node_application_are_measured_unchanged_by_one_command(
    theirs: TestRegistry, stack_name: str, tmp_path: Path
) -> None:
    references = {name: web_applications.push(name, f"{theirs.host}/shop/{name}") for name in APPLICATIONS}
    images = [word for name, reference in references.items() for word in ("--image", f"{name}={reference}")]
    few = ("--forms", "plain,soci-v2", "--counts", "1", "--blocks", "1")
    done = sociometer(tmp_path, "run", "--stack", stack_name, *images, *few)
    assert done.returncode == 0, done.stderr
    first_lines = " ".join(" ".join(done.stdout.splitlines()[:FIRST_LINES]).split())
    for name in APPLICATIONS:
        assert f"{name}: cannot tell from 1 block" in first_lines, done.stdout
    tasks = exported(tmp_path)
    assert {(task["variant"], task["form"], task["outcome"]) for task in tasks} == {
        (name, form, "booted") for name in APPLICATIONS for form in ("plain", "soci-v2")
    }
    assert {(task["form"], task["snapshotter"]) for task in tasks} == {("plain", "overlayfs"), ("soci-v2", "soci")}
    for variant in stack.outputs(stack_name).variants.values():
        assert 10_000_000 < variant.image_bytes < MOST_BYTES


def exported(folder: Path) -> list[dict[str, Any]]:
    done = sociometer(folder, "export", "--format", "json")
    assert done.returncode == 0, done.stderr
    tasks: list[dict[str, Any]] = json.loads(done.stdout)
    return tasks
