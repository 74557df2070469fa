"""A store, a stack and a way to sweep with the fake, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.plan.plan import Plan
from experiments.report.formats import Report, read
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from experiments.sweep import Progress, start
from infra.outputs import StackOutputs
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor

StartSweep = Callable[..., Sweep]


@pytest.fixture
def outputs() -> StackOutputs:
    """A stack with both variants in every form."""
    return stack_outputs()


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Where `store` lies."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(store_path: Path) -> Iterator[Store]:
    """An empty store, open for writing."""
    with Store(store_path, write=True) as opened:
        yield opened


@pytest.fixture
def heard() -> list[Progress]:
    """What the listener of `sweep` was told."""
    return []


@pytest.fixture
def sweep(store: Store, outputs: StackOutputs, heard: list[Progress]) -> StartSweep:
    """Starts a sweep of a plan (the small one by default) with a fake whose options are given by name."""

    def begin(plan: Plan | None = None, **fake: object) -> Sweep:
        executor = FakeExecutor(outputs, **fake)  # type: ignore[arg-type]
        return start(store, executor, plan or small_plan(), "lab", outputs, heard.append)

    return begin


@pytest.fixture
def reported(store: Store, sweep: StartSweep) -> Callable[..., Report]:
    """The report of a sweep, given as for `sweep`; its target is called `lab`, so it is not marked simulated."""

    def report(plan: Plan | None = None, **fake: object) -> Report:
        return read(store, sweep(plan, **{"metadata": {"target": "lab"}, **fake}))

    return report
