from __future__ import annotations

import io
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from experiments.records.model import Outcome
from experiments.report.parquet import PARQUET_FORMATS, to_parquet
from experiments.store import frames
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from tests.contracts.plans import small_plan
from tests.unit.experiments.conftest import StartSweep

TYPES = {"integer": "int64", "number": "double", "boolean": "bool"}


@pytest.fixture
def done(sweep: StartSweep) -> Sweep:
    """A sweep in which something went wrong."""
    return sweep(small_plan(blocks=2), script={0: [Outcome.FAILED], 1: [Outcome.TIMEOUT]})


def written(
    store: Store, sweep: Sweep, format_: str, variant: str | None = None, form: str | None = None
) -> io.BytesIO:
    return io.BytesIO(to_parquet(store, sweep, format_, variant=variant, form=form))


def test_pandas_reads_back_the_very_frames(store: Store, done: Sweep) -> None:
    tasks, rounds = (pd.read_parquet(written(store, done, format_)) for format_ in ("parquet", "rounds-parquet"))
    pd.testing.assert_frame_equal(tasks, frames.tasks(store, done.id), check_categorical=False)
    pd.testing.assert_frame_equal(rounds, frames.rounds(store, done.id), check_categorical=False)
    assert str(tasks["form"].dtype) == "category"


@pytest.mark.parametrize("format_", PARQUET_FORMATS)
def test_every_field_says_what_it_is_and_in_which_unit(store: Store, done: Sweep, format_: str) -> None:
    schema = pq.read_schema(written(store, done, format_))
    assert schema.names == [column.name for column in PARQUET_FORMATS[format_]]
    for field, column in zip(schema, PARQUET_FORMATS[format_], strict=True):
        metadata = field.metadata or {}
        assert metadata[b"description"].decode() == column.description
        assert metadata[b"unit"].decode() == column.unit
        assert column.type == "text" or str(field.type) == TYPES[column.type]


def test_the_file_says_which_sweep_it_is(store: Store, done: Sweep) -> None:
    about = json.loads(pq.read_schema(written(store, done, "parquet")).metadata[b"sociometer"])
    assert (about["sweep_id"], about["plan_digest"]) == (done.id, done.plan.digest)
    assert about["key_metadata"] == done.key_metadata


def test_only_the_wanted_rounds_are_written(store: Store, done: Sweep) -> None:
    tasks = pd.read_parquet(written(store, done, "parquet", form="soci-v2"))
    assert set(tasks["form"]) == {"soci-v2"}
    assert len(pd.read_parquet(written(store, done, "parquet", variant="parquet"))) == 0
