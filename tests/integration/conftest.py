"""What the integration tests share: one small stack with every form, made once by the real program."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.automation import stack
from infra.outputs import StackOutputs
from tests.support.forms import FORMS

TINY = {
    "variants": ["movie", "parquet"],
    "forms": list(FORMS),
    "movieMegabytes": 96,  # two seconds of hashing at a quarter of a CPU: time to break something meanwhile
    "parquetTestMegabytes": 12,
    "parquetTrainMegabytes": 12,
    "base": "debian",
}


@pytest.fixture(scope="session")
def own_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory of the tests' own: the user's stacks, records and labs stay untouched."""
    folder = tmp_path_factory.mktemp("data")
    before = os.environ.get("SOCIOMETER_DATA")
    os.environ["SOCIOMETER_DATA"] = str(folder)
    yield folder
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
