"""The report that most tests of what is shown read; none of them changes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from experiments.records.model import Outcome
from experiments.report.formats import Report, read
from experiments.store.store import Store
from experiments.sweep import start
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    """A sweep of three blocks in which one round timed out."""
    executor = FakeExecutor(stack_outputs(), script={0: [Outcome.TIMEOUT]}, metadata={"target": "lab"})
    with Store(tmp_path_factory.mktemp("store") / "store.sqlite", write=True) as store:
        yield read(store, start(store, executor, small_plan(blocks=3), "lab", stack_outputs(), lambda _: None))
