"""A daemon is started, waited for and stopped; one that does not come up is told with its last lines."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from kit import daemon
from kit.errors import LabError, MachineError

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(code: str) -> list[str | Path]:
    return [sys.executable, "-c", code]


def test_a_daemon_runs_for_as_long_as_the_block(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import time; print('up', flush=True); time.sleep(60)"
    with daemon.running("sleeper", python(code), log, lambda: "up" in log.read_text(), failure=LabError) as running:
        assert running.trouble() is None
    assert running.process.returncode == -signal.SIGTERM


def test_one_that_ends_before_it_answers_is_told_with_its_exit_code_and_last_lines(tmp_path: Path) -> None:
    code = "print('one'); print('two'); print('three'); print('four'); raise SystemExit(3)"
    with (
        pytest.raises(LabError, match=r"^broken did not start: broken ended with exit code 3: two three four$"),
        daemon.running("broken", python(code), tmp_path / "log", lambda: False, failure=LabError),
    ):
        pass


def test_one_that_is_killed_while_memory_is_short_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = daemon.start("sleeper", ["sleep", "60"], tmp_path / "log")
    kills = daemon.load.memory_kills()
    started.process.kill()
    started.process.wait()
    assert (started.trouble() or "").startswith("sleeper ended with exit code -9")
    monkeypatch.setattr(daemon.load, "memory_kills", lambda: kills + 1)
    assert (started.trouble() or "").startswith("sleeper was killed while the kernel killed for lack of memory")


def test_an_answer_of_another_program_is_not_taken_for_the_daemon_s(tmp_path: Path) -> None:
    started = daemon.start("broken", ["false"], tmp_path / "log")
    started.process.wait()
    with pytest.raises(MachineError, match="broken ended with exit code 1"):
        daemon.wait_until(lambda: True, [started], what="It", failure=MachineError)


def test_one_that_never_answers_is_told_when_time_is_up(tmp_path: Path) -> None:
    started = daemon.start("silent", ["sleep", "60"], tmp_path / "log")
    try:
        with pytest.raises(LabError, match=r"It did not start within 0\.05 s"):
            daemon.wait_until(lambda: False, [started], what="It", failure=LabError, seconds=0.05)
    finally:
        started.stop()


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "STOP_SECONDS", 0.2)
    log = tmp_path / "log"
    with daemon.running(
        "stubborn", python(STUBBORN), log, lambda: "up" in log.read_text(), failure=LabError
    ) as running:
        pass
    assert running.process.returncode == -signal.SIGKILL


def test_what_an_earlier_daemon_wrote_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for word in ("first", "second"):
        daemon.start("echo", ["echo", word], log).process.wait()
    assert log.read_text() == "first\nsecond\n"


def test_a_daemon_that_nobody_reaps_is_stopped_when_it_is_a_zombie() -> None:
    child = subprocess.Popen(["sleep", "60"])
    daemon.stop(psutil.Process(child.pid))
    assert child.returncode is None  # stopped, and still to be reaped by its parent
    assert child.wait() == -signal.SIGTERM


def test_a_daemon_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time; from kit import daemon\n"
        "command = [*daemon.DIES_WITH_US, 'sleep', '60']\n"
        "print(daemon.start('sleep', command, pathlib.Path(sys.argv[1])).process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([*python(code), str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    orphan = psutil.Process(int(parent.stdout.readline()))
    until = time.monotonic() + 10
    while orphan.name() != "sleep" and time.monotonic() < until:  # setpriv has done its work once it is replaced
        time.sleep(0.01)
    parent.kill()
    parent.communicate()
    while daemon.processes.alive(orphan) and time.monotonic() < until:
        time.sleep(0.01)
    assert not daemon.processes.alive(orphan)
