"""A sweep's process is really killed, in the middle of a round, and really resumed by another one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.store.store import Store
from experiments.sweep import resume
from tests.contracts.outputs import stack_outputs
from tests.support.fake_executor import FakeExecutor

SWEEP = """
import sys
from pathlib import Path
from tests.support.fake_executor import FakeExecutor
from experiments.store.store import Store
from experiments.sweep import start
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan

def during(round_):
    if round_.index == 3:
        print("in round 3", flush=True)
        sys.stdin.read()

outputs = stack_outputs()
with Store(Path(sys.argv[1]), write=True) as store:
    start(store, FakeExecutor(outputs, during=during), small_plan(), "lab", outputs, lambda _: None)
"""


@pytest.mark.slow
def test_a_sweep_killed_in_a_round_keeps_every_finished_one_and_resumes_at_this_one(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    command = [sys.executable, "-c", SWEEP, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"in round 3\n"
        process.kill()
    outputs = stack_outputs()
    with Store(path, write=True) as store:
        killed = store.sweep()
        before = store.rounds(killed.id)
        assert [record.round.index for record in before] == [0, 1, 2]
        assert killed.status == "running", "nobody was left to say otherwise"
        done = resume(store, FakeExecutor(outputs), killed, outputs, lambda _: None)
        after = store.rounds(killed.id)
    assert after[:3] == before
    assert [(record.round.index, record.attempt) for record in after] == [(index, 1) for index in range(8)]
    assert done.status == "finished"
    assert not list(tmp_path.glob("*.reserve"))
