from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kit.command import LAST_LINES, last_lines, run
from kit.errors import CommandFailed, CommandNotFound, CommandTimeout


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_exit_code_and_duration_are_returned() -> None:
    done = run(python("import sys; print('out'); print('err', file=sys.stderr)"), timeout_seconds=30)
    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 0)
    assert 0 < done.seconds < 30


def test_standard_input_is_passed_on() -> None:
    assert run(["cat"], timeout_seconds=30, stdin="text").stdout == "text"


def test_standard_input_is_empty_when_none_is_given() -> None:
    assert run(["cat"], timeout_seconds=30).stdout == ""


def test_environment_is_added_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "kept")
    code = "import os; print(os.environ['OURS'], os.environ['ADDED'])"
    assert run(python(code), timeout_seconds=30, env={"ADDED": "new"}).stdout == "kept new\n"


def test_command_runs_in_the_given_folder(tmp_path: Path) -> None:
    assert run(["pwd"], timeout_seconds=30, cwd=tmp_path).stdout.strip() == str(tmp_path.resolve())


def test_output_that_is_no_text_does_not_fail() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'\xff\n')"
    assert run(python(code), timeout_seconds=30).stdout == "\N{REPLACEMENT CHARACTER}\n"


def test_failed_command_raises_with_its_exit_code_and_last_lines() -> None:
    code = "import sys; print(chr(10).join(f'line {n}' for n in range(20)), file=sys.stderr); sys.exit(7)"
    with pytest.raises(CommandFailed) as caught:
        run(python(code), timeout_seconds=30)
    message = str(caught.value)
    assert "exit code 7" in message
    assert "line 19" in message
    assert f"line {19 - LAST_LINES}" not in message


def test_failed_command_is_returned_when_it_is_not_checked() -> None:
    assert run(["false"], timeout_seconds=30, check=False).exit_code == 1


def test_error_does_not_repeat_arguments_that_may_be_secret() -> None:
    with pytest.raises(CommandFailed) as caught:
        run(["false", "login", "registry", "--password", "hunter2"], timeout_seconds=30)
    assert "false login registry failed" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_missing_program_is_named_with_how_to_install_it() -> None:
    with pytest.raises(CommandNotFound, match="no-such-program is not installed"):
        run(["no-such-program"], timeout_seconds=30)


@pytest.mark.slow
def test_command_that_hangs_is_killed_with_everything_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    began = time.monotonic()
    with pytest.raises(CommandTimeout, match=r"did not end within 0\.5 s.*\n  still here"):
        run(["sh", "-c", f"echo still here; sleep 60 & echo $! > {pids}; wait"], timeout_seconds=0.5)
    assert time.monotonic() - began < 30
    assert ended(int(pids.read_text()))


@pytest.mark.slow
def test_interrupt_kills_the_command_with_everything_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    code = f"""
from kit.command import run
script = "read _; sleep 60 & echo $! > {pids}.draft; mv {pids}.draft {pids}; wait"
run(["sh", "-c", script], timeout_seconds=60, stdin="go\\n")  # which it gets only when `run` can kill it
"""
    with subprocess.Popen(python(code), stderr=subprocess.DEVNULL) as child:
        wait_for(pids)
        child.send_signal(signal.SIGINT)
    assert ended(int(pids.read_text()))


def test_interrupt_during_the_start_kills_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Interrupted(subprocess.Popen[str]):
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            started.append(self.pid)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(["sleep", "60"], timeout_seconds=60)
    assert ended(started[0])


def test_last_lines_prefers_errors_to_output() -> None:
    assert last_lines("output", "error") == " It said:\n  error"
    assert last_lines("output\n\n", " \n") == " It said:\n  output"
    assert last_lines("", "") == ""


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} did not appear"
        time.sleep(0.01)


def ended(pid: int) -> bool:
    """Whether a killed process is gone (or a zombie that nobody has looked at yet) within a moment."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False
