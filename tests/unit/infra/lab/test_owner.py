import os
import subprocess

from infra.lab import owner


def test_a_running_process_owns_its_lab() -> None:
    assert owner.is_alive(owner.own_name())


def test_a_reused_process_id_is_not_mistaken_for_the_owner() -> None:
    assert not owner.is_alive(f"{os.getpid()}-1")


def test_an_ended_process_owns_nothing() -> None:
    child = subprocess.Popen(["sleep", "30"])
    name = f"{child.pid}-{owner._start_ticks(child.pid)}"
    assert owner.is_alive(name)
    child.kill()
    child.wait()
    assert not owner.is_alive(name)


def test_names_of_other_things_are_owned_by_nobody() -> None:
    assert not owner.is_alive("notes")
    assert not owner.is_alive("12-abc")
