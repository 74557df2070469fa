"""Frames as Parquet files that describe themselves: each field's metadata holds its unit and meaning.

For `export`. Anything that reads Parquet opens such a file; pandas restores exactly the types of `frames`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.records import columns
from experiments.records.columns import Column
from experiments.records.model import RECORD_SCHEMA
from experiments.store.store import Store
from experiments.store.sweeps import Sweep

if TYPE_CHECKING:
    import pandas as pd

FILE_KEY = "sociometer"
"""The key in the file's metadata under which the sweep is described as JSON."""
PARQUET_FORMATS: Mapping[str, Sequence[Column]] = {"parquet": columns.TASKS, "rounds-parquet": columns.ROUNDS}


def to_parquet(store: Store, sweep: Sweep, format_: str, *, variant: str | None, form: str | None) -> bytes:
    """The tasks or rounds of a sweep as the bytes of a file; ``variant`` and ``form`` select rows."""
    from experiments.store import frames  # pandas and pyarrow are slow to import

    described = PARQUET_FORMATS[format_]
    frame = (frames.tasks if described is columns.TASKS else frames.rounds)(store, sweep.id)
    for name, selected in (("variant", variant), ("form", form)):
        frame = frame if selected is None else frame[frame[name] == selected]
    about = {
        "sweep_id": sweep.id,
        "record_schema": RECORD_SCHEMA,
        "plan_digest": sweep.plan.digest,
        "control": sweep.plan.design.against.text,
        "key_metadata": sweep.key_metadata,
    }
    return _encoded(frame, described, {FILE_KEY: json.dumps(about)})


def _encoded(frame: pd.DataFrame, described: Sequence[Column], about: Mapping[str, str]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [
        field.with_metadata({"description": column.description, "unit": column.unit})
        for field, column in zip(table.schema, described, strict=True)
    ]
    schema = pa.schema(fields, metadata={**table.schema.metadata, **about})
    buffer = io.BytesIO()
    parquet.write_table(table.cast(schema), buffer, compression="zstd")
    return buffer.getvalue()
