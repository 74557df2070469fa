"""Claims about how the `pulumi` command ends, with a program in its place and real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pulumi.automation.errors import CommandError

from infra.automation import command as commands
from infra.automation import strays
from infra.automation.command import OrderlyPulumi
from kit.errors import CommandTimeout
from kit.machine import processes
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


@pytest.mark.slow
def test_the_signal_that_came_is_the_one_that_is_told(tmp_path: Path) -> None:
    """The exit code of the process says which signal ended it; a second hang-up does not make Pulumi drop its work."""
    received: list[int] = []
    body = "trap 'echo interrupted >>count' INT\necho begun\nuntil [ -e count ]; do sleep 0.01; done; sleep 0.3; exit 1"

    def hang_up(line: str) -> None:
        if line == "begun":
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGHUP)

    earlier = signal.signal(signal.SIGHUP, lambda number, _: received.append(number))
    try:
        with pytest.raises(KeyboardInterrupt):
            command(tmp_path, body).run(["up"], str(tmp_path), {}, hang_up)
    finally:
        signal.signal(signal.SIGHUP, earlier)
    assert received == [signal.SIGHUP]
    assert (tmp_path / "count").read_text() == "interrupted\n"


@pytest.mark.slow
def test_a_command_whose_owner_is_killed_is_interrupted_and_can_still_write(tmp_path: Path) -> None:
    body = "trap 'echo of many words; echo saved >saved; exit 1' INT\ntouch begun\nwhile :; do sleep 0.01; done"
    command(tmp_path, body)
    code = (
        "import sys; from pathlib import Path; from infra.automation.command import OrderlyPulumi\n"
        "OrderlyPulumi(Path(sys.argv[1], 'pulumi'), '3.258.0').run(['up'], sys.argv[1], {})"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as owner:
        await_file(tmp_path / "begun")
        owner.kill()
    await_file(tmp_path / "saved")


def test_what_a_killed_command_leaves_is_ended(tmp_path: Path) -> None:
    """A provider leads a session of its own; only its environment tells whose it is."""
    body = "setsid sleep 60 & echo $! >provider; kill -KILL $$"
    with pytest.raises(CommandError):
        command(tmp_path, body).run(["up"], str(tmp_path), {})
    provider = int((tmp_path / "provider").read_text())
    assert not psutil.pid_exists(provider) or not processes.alive(psutil.Process(provider))


def test_what_the_command_of_a_killed_owner_leaves_is_ended_by_the_next_one(tmp_path: Path) -> None:
    gone = f"{2**22 - 1}-1-1"
    orphan = subprocess.Popen(["sleep", "60"], env={**os.environ, strays.MARK: gone})
    mine = subprocess.Popen(["sleep", "60"], env={**os.environ, strays.MARK: processes.owner_name()})
    command(tmp_path, "")
    assert orphan.wait(30) == -signal.SIGTERM
    assert mine.poll() is None
    mine.kill()
    mine.wait(30)


@pytest.mark.slow
def test_a_command_that_does_not_end_is_asked_and_at_last_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"LONGEST_SECONDS": 0.2, "FINISH_SECONDS": 0.2, "DROP_SECONDS": 0.2}.items():
        monkeypatch.setattr(commands, name, seconds)
    body = "trap 'echo interrupted >>count' INT\nwhile :; do sleep 0.01; done"
    with pytest.raises(CommandTimeout, match="pulumi up did not end within"):
        command(tmp_path, body).run(["up"], str(tmp_path), {})
    assert (tmp_path / "count").read_text().count("interrupted") == 2


def await_file(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.01)
