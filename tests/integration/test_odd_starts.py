"""The tests of processes and signals pass however they are started: by cron, `nohup`, a script, without a terminal."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kit.paths import asset

pytestmark = pytest.mark.timeout(400)

TESTS = (
    "tests/unit/kit/test_command.py",
    "tests/unit/kit/test_child.py",
    "tests/unit/infra/automation/test_command.py",
)
STARTS = {
    "signals ignored": ("sh", "-c", 'trap "" INT QUIT HUP; exec "$@"', "sh"),
    "no terminal, no input": ("setsid", "--wait", "sh", "-c", 'exec "$@" <&-', "sh"),
    "all of it": ("setsid", "--wait", "sh", "-c", 'trap "" INT QUIT HUP; exec "$@" <&-', "sh"),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
def test_the_tests_of_processes_pass(start: tuple[str, ...]) -> None:
    words = [*start, sys.executable, "-m", "pytest", "--quiet", *TESTS]
    done = subprocess.run(words, cwd=asset("tests").parent, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
