"""What the integration tests share: one small stack with every form, and how the tests are dealt out to workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

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


LONGEST = (
    *("test_fargate_run", "test_lab", "test_lab_container", "test_fargate_engine", "test_fargate_unchanged"),
    *("test_wheel", "test_forms", "test_soci_provider", "test_ecr_images", "test_tune", "test_fargate_existing"),
    *("test_crash", "test_committed_stack", "test_two_at_once", "test_relayout", "test_standin_aws"),
    *("test_form_settings", "test_secrets_on_fargate", "test_traced_forms", "test_ci_action", "test_lab_forms"),
    "test_web_applications",
)
"""The files that begin first, the longest before the others, so that no worker ends long after the rest."""
OF_THE_TINY_STACK = ("test_lab", "test_lab_faults", "test_lab_hardship", "test_notebook", "test_probe")
"""The files that one worker runs, because making the stack takes longer than any of their tests."""


class _ByFile(LoadScopeScheduling):
    """A file's tests share what is dear to make, so one worker runs them all, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        name = Path(nodeid.partition("::")[0]).stem
        return "tiny stack" if name in OF_THE_TINY_STACK else name


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How pytest-xdist deals out the tests (`-n`)."""
    config.option.loadscopereorder = False  # it would begin with the file that has most tests
    return _ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    order = {name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


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
