from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

from kit.machine import processes


def test_a_running_process_owns_its_lab() -> None:
    assert processes.owner_is_alive(processes.owner_name())


def test_a_reused_process_id_is_not_mistaken_for_the_owner() -> None:
    assert not processes.owner_is_alive(f"{os.getpid()}-1")


def test_an_ended_process_owns_nothing() -> None:
    child = subprocess.Popen(["sleep", "30"])
    name = f"{child.pid}-{processes._start_ticks(psutil.Process(child.pid))}"
    assert processes.owner_is_alive(name)
    child.kill()
    child.wait()
    assert not processes.owner_is_alive(name)


def test_names_of_other_things_are_owned_by_nobody() -> None:
    assert not processes.owner_is_alive("notes")
    assert not processes.owner_is_alive("12-abc")


def test_the_name_that_an_earlier_version_made_is_understood() -> None:
    ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]  # proc(5): field 22, starttime
    assert processes.owner_is_alive(f"{os.getpid()}-{ticks}-1")


def test_a_zombie_owns_nothing() -> None:
    child = subprocess.Popen(["sleep", "30"])
    name = f"{child.pid}-{processes._start_ticks(psutil.Process(child.pid))}"
    child.kill()
    deadline = time.monotonic() + 10
    while processes.owner_is_alive(name) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not processes.owner_is_alive(name)
    assert child.wait() == -signal.SIGKILL


def test_a_program_that_is_just_being_started_shows_its_arguments_and_its_environment() -> None:
    """Read this early, psutil alone gives an empty environment in every second try."""
    for _ in range(30):
        child = subprocess.Popen(["sleep", "30"], env={**os.environ, "MARKED": "yes"})
        try:
            process = psutil.Process(child.pid)
            assert processes.environment(process).get("MARKED") == "yes"
            assert processes.words(process) == ["sleep", "30"]
        finally:
            child.kill()
            child.wait()


def test_a_process_is_found_by_the_end_of_its_command_line(tmp_path: Path) -> None:
    child = subprocess.Popen(["tail", "-f", tmp_path / "a", "/dev/null"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while (process := processes.find((str(tmp_path / "a"), "/dev/null"))) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process is not None and process.pid == child.pid
        assert processes.find((str(tmp_path / "a"),)) is None
        assert child.pid in processes.naming(str(tmp_path))
    finally:
        child.kill()
        child.wait()


def test_who_listens_on_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert (processes.listener(port) or "").endswith(f"(process {os.getpid()})")
    assert processes.listener(port) is None
