"""Children are started with every signal at its default, and waiting for their end has an end, with real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit import child, command
from kit.errors import CommandTimeout

IGNORED = ["INT", "QUIT", "HUP", "TERM"]
"""What `nohup`, cron and a script's ``&`` make a process ignore, and more."""

STARTS = {
    "command": "out = command.run(['cat', '/proc/self/status'], timeout_seconds=30).stdout",
    "daemon": "daemon.start('d', ['cat', '/proc/self/status'], log).process.wait(30); out = log.read_text()",
    "from a thread": (
        "interrupts.for_children(); pool = ThreadPoolExecutor(1)\n"
        "out = pool.submit(command.run, ['cat', '/proc/self/status'], timeout_seconds=30).result(30).stdout"
    ),
}


def masked(status: str) -> set[str]:
    """Which of these signals a process ignores or blocks."""
    rows = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Sig"))
    mask = int(rows["SigIgn"], 16) | int(rows["SigBlk"], 16)
    return {name for name in (*IGNORED, "CHLD") if mask >> (getattr(signal, f"SIG{name}") - 1) & 1}


def ignoring(code: str) -> str:
    """What a Python program prints that was started to ignore signals."""
    words = ["sh", "-c", f'trap "" {" ".join(IGNORED)}; exec "$@"', "sh", sys.executable, "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.slow
@pytest.mark.parametrize("how", STARTS)
def test_a_child_finds_signals_at_their_default_that_its_parent_was_started_to_ignore(tmp_path: Path, how: str) -> None:
    code = f"""
import json, signal, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kit import command, daemon, interrupts
log = Path({str(tmp_path / "log")!r})
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
{STARTS[how]}
ignored = [interrupts.is_ignored(number) for number in interrupts.SIGNALS]
sys.stdout.write(json.dumps([ignored, out]))
"""
    ours, out = json.loads(ignoring(code))
    assert ours == [True, True, True]  # as its parent wished
    assert masked(out) == set()


def test_an_exit_code_is_heard_where_the_kernel_was_told_to_forget_it() -> None:
    code = """
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from kit.command import run
sys.stdout.write(str(run(["false"], timeout_seconds=30, check=False).exit_code))
"""
    words = [sys.executable, "-c", code]
    assert subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout == "1"


@pytest.mark.slow
def test_output_that_a_runaway_holds_open_does_not_hold_up_the_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "DEATH_SECONDS", 0.3)
    pid = tmp_path / "pid"
    script = f"echo heard; setsid sh -c 'echo $$ > {pid}; exec sleep 60' & wait"
    began = time.monotonic()
    with pytest.raises(CommandTimeout, match="heard"):
        command.run(["sh", "-c", script], timeout_seconds=1)
    assert time.monotonic() - began < 20
    subprocess.run(["kill", pid.read_text().strip()], check=True)


def test_a_child_that_stays_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "DEATH_SECONDS", 0.1)
    process = child.start(["sleep", "60"])
    assert not child.reap(process)
    child.signal_group(process, signal.SIGKILL)
    monkeypatch.setattr(child, "DEATH_SECONDS", 10)
    assert child.reap(process)
