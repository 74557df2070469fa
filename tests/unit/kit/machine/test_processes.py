import os
import subprocess

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
