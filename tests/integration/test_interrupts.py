"""How a command ends when a signal, a closed terminal or a lost connection meets it: real processes, real signals.

The command in question works, and when it is interrupted it clears for a while and says so, as a sweep does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from kit.interrupts import SIGNALS

CODE = """
    import sys, time
    from pathlib import Path
    from sociometer.cli import entry

    def say(line):
        print(line, file=sys.stderr, flush=True)

    def work():
        folder = Path(sys.argv[1])
        try:
            folder.joinpath("working").touch()
            for _ in range(3000):
                time.sleep(0.02)
                say("working")
        finally:
            for step in range(5):
                say(f"clearing, step {step}")
                time.sleep(0.1)
            folder.joinpath("cleared").touch()

    entry._commands = work
    entry.main()
"""


class Command:
    """The command in a process of its own, from the moment at which it works."""

    def __init__(self, folder: Path, *, ignored: str = "", **streams: int) -> None:
        self.folder = folder
        words = [sys.executable, "-c", textwrap.dedent(CODE), str(folder)]
        if ignored:
            words = ["sh", "-c", f'trap "" {ignored}; exec "$@"', "sh", *words]
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams}
        self.process = subprocess.Popen(words, start_new_session=True, **given)
        until = time.monotonic() + 60
        while not (folder / "working").exists():
            assert self.process.poll() is None and time.monotonic() < until, "it does not work"
            time.sleep(0.01)

    def end(self) -> int:
        """Its exit code, once it has cleared."""
        code = self.process.wait(60)
        assert (self.folder / "cleared").exists()
        return code


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_ends_a_command_cleared_with_128_and_its_number(tmp_path: Path, number: signal.Signals) -> None:
    command = Command(tmp_path)
    command.process.send_signal(number)
    assert command.end() == 128 + number


def test_a_machine_that_is_shut_down_does_not_cut_the_clearing_short(tmp_path: Path) -> None:
    command = Command(tmp_path)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGTERM):
        command.process.send_signal(number)
        time.sleep(0.05)
    assert command.end() == 128 + signal.SIGHUP


def test_a_third_ctrl_c_leaves_the_clearing_to_the_next_start(tmp_path: Path) -> None:
    command = Command(tmp_path)
    for _ in range(3):
        command.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert command.process.wait(60) == 130
    assert not (tmp_path / "cleared").exists()


def test_a_closed_terminal_is_cleared_up_after_though_nothing_can_be_written_to_it(tmp_path: Path) -> None:
    master, terminal = os.openpty()
    command = Command(tmp_path, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    os.close(master)  # from now on every write to the terminal fails
    os.kill(command.process.pid, signal.SIGHUP)  # what the kernel sends to those whose terminal it controls
    assert command.end() == 128 + signal.SIGHUP


def test_a_terminal_that_is_gone_is_noticed_without_a_signal(tmp_path: Path) -> None:
    master, terminal = os.openpty()
    command = Command(tmp_path, stderr=terminal)
    os.close(terminal)
    os.close(master)
    assert command.end() == 128 + signal.SIGHUP


def test_a_lost_connection_without_a_terminal_is_noticed_where_the_progress_is_written(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    command = Command(tmp_path, stderr=writer)
    os.close(writer)
    os.close(reader)
    assert command.end() == 128 + signal.SIGHUP


def test_what_nohup_and_a_script_ignore_stays_ignored_and_sigterm_ends_it(tmp_path: Path) -> None:
    command = Command(tmp_path, ignored="INT HUP TERM")
    for number in (signal.SIGINT, signal.SIGHUP):
        command.process.send_signal(number)
    time.sleep(0.3)
    assert command.process.poll() is None
    command.process.send_signal(signal.SIGTERM)
    assert command.end() == 128 + signal.SIGTERM


@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_obstacle(tmp_path: Path, closed: str) -> None:
    sociometer = Path(sys.executable).with_name("sociometer")
    script = f'"$1" plan --target sim {closed}'
    done = subprocess.run(["sh", "-c", script, "sh", sociometer], cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
