"""What the integration tests share: one small stack with every form, and how the tests are dealt out to workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.automation import stack
from infra.outputs import StackOutputs
from tests.support.forms import FORMS
from tests.support.leftovers import left_on_the_machine

TINY = {
    "variants": ["movie", "parquet"],
    "forms": list(FORMS),
    "movieMegabytes": 96,  # two seconds of hashing at a quarter of a CPU: time to break something meanwhile
    "parquetTestMegabytes": 12,
    "parquetTrainMegabytes": 12,
    "base": "debian",
}


LONGEST = ("test_fargate_run", "test_fargate_existing", "test_ecr_images", "test_committed_stack")
"""The groups that begin first, so that no worker ends long after the others."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share what is dear to make, so one worker runs them; those of the tiny stack, too."""
    groups: dict[pytest.Item, str] = {}
    for item in items:
        if (mark := item.get_closest_marker("xdist_group")) is None:
            shared = "tiny_stack" in getattr(item, "fixturenames", ())
            mark = pytest.mark.xdist_group("tiny-stack" if shared else item.path.stem)
            item.add_marker(mark)
        groups[item] = mark.args[0]
    order = {name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(groups[item], len(order)))


@pytest.fixture(scope="session")
def own_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory of the tests' own: the user's stacks, records and labs stay untouched."""
    folder = tmp_path_factory.mktemp("data")
    before = os.environ.get("SOCIOMETER_DATA")
    os.environ["SOCIOMETER_DATA"] = str(folder)
    yield folder
    assert left_on_the_machine() == []
    if before is None:
        del os.environ["SOCIOMETER_DATA"]
    else:
        os.environ["SOCIOMETER_DATA"] = before


@pytest.fixture(scope="session")
def tiny_stack(own_data: Path) -> Iterator[StackOutputs]:
    """Both variants in every form, with payloads of a few megabytes, in a real registry; gone afterwards."""
    name = f"test-lab-{os.getpid()}"
    try:
        yield stack.up(name, TINY, lambda _line: None)
    finally:
        stack.down(name, lambda _line: None)
