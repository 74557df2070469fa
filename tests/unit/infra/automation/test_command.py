"""Claims about how the `pulumi` command ends, with a program in its place and real signals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from pulumi.automation.errors import CommandError

from infra.automation.command import OrderlyPulumi
from tests.support.programs import script


def command(folder: Path, body: str) -> OrderlyPulumi:
    script(folder / "pulumi", body)
    return OrderlyPulumi(folder / "pulumi", "3.258.0")


def test_command_gives_what_it_said_and_hands_on_each_line(tmp_path: Path) -> None:
    told: list[str] = []
    pulumi = command(tmp_path, 'echo "$1 $2"; echo "$MOOD" >&2; pwd')
    result = pulumi.run(["stack"], str(tmp_path), {"MOOD": "well"}, told.append)
    assert (result.stdout, result.stderr, result.code) == (f"--non-interactive stack\n{tmp_path}", "well", 0)
    assert told == ["--non-interactive stack", str(tmp_path)]


def test_failed_command_is_an_error_with_what_it_said(tmp_path: Path) -> None:
    pulumi = command(tmp_path, 'echo "error: no" >&2; exit 7')
    with pytest.raises(CommandError, match=r"code: 7(.|\n)*error: no"):
        pulumi.run(["up"], str(tmp_path), {})


def test_interrupted_command_ends_what_it_has_begun(tmp_path: Path) -> None:
    """It is interrupted once, and its last words are heard, before the interrupt goes on."""
    told: list[str] = []
    body = """trap 'echo interrupted; asked=1' INT
echo begun
until [ "$asked" ]; do sleep 0.01; done
echo saved
exit 1"""

    def interrupt(line: str) -> None:
        told.append(line)
        if line == "begun":
            os.kill(os.getpid(), signal.SIGINT)

    pulumi = command(tmp_path, body)
    with pytest.raises(KeyboardInterrupt):
        pulumi.run(["up"], str(tmp_path), {}, interrupt)
    assert told == ["begun", "interrupted", "saved"]
