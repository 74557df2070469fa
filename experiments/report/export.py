"""Records for other programs: one row per task as JSON or CSV, and the averages of each round. Pure.

A task row has the columns of `columns.TASKS`. A value is empty (JSON: null) if it was not observed or the task did not
boot. `parquet` writes the same rows as Parquet.

The averages have the columns of the CSV written by the published Fargate experiment on this question
(ppabis/ecs-soci-experiments), one row per round in the plan's order. That experiment writes a file per treatment; where
several are in one file, two leading columns say which a row is of. "First connection" there is ECS's
connectivityAt - createdAt, our `connect`, and not the first HTTP answer, our `ready`. Simulated rows are marked: task
rows by ``target`` and ``simulated``, the averages by an extra column, `simulated`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import mean
from typing import Any

from experiments.analysis.cells import in_figures
from experiments.records.columns import COLUMNS, SPENT
from experiments.records.model import RoundRecord, RoundStatus, TaskObservation, TaskRecord
from experiments.records.origin import is_simulated, target_of
from experiments.records.phases import durations

AVERAGES = {
    "averageFirstConnectionTime": "connect",
    "averageStartTime": "start",
    "averagePullTime": "pull",
    "averageBootTime": "boot",
}
TREATMENT = ("variant", "form")


def task_rows(records: Iterable[RoundRecord]) -> Iterator[dict[str, Any]]:
    """One flat row per task, with the keys of `COLUMNS`, in the order in which the rounds ran."""
    for record in records:
        for task in record.tasks():
            yield {**_row(task), **record.observation.load.model_dump()}


def to_json(records: Sequence[RoundRecord]) -> str:
    """A list of objects, one per task."""
    rows = [{name: row[name] for name in COLUMNS} for row in task_rows(records)]
    return json.dumps(rows, indent=2) + "\n"


def to_csv(records: Sequence[RoundRecord]) -> str:
    """A header, then one row per task."""
    return _csv(COLUMNS, task_rows(records))


def to_averages_csv(records: Sequence[RoundRecord]) -> str:
    """The published experiment's five columns: means over the tasks of each round that count as measurements.

    A repeated round has one row, from its last attempt. A round without measurements has empty averages. Nothing says
    which treatment a row is of: give one treatment's records, or take `to_averages_by_treatment_csv`.
    """
    return _averages_csv(records, ())


def to_averages_by_treatment_csv(records: Sequence[RoundRecord]) -> str:
    """The five columns of `to_averages_csv`, after two that name the treatment."""
    return _averages_csv(records, TREATMENT)


def _averages_csv(records: Sequence[RoundRecord], leading: Sequence[str]) -> str:
    last = {record.round.index: record for record in records if record.status is not RoundStatus.ABORTED}
    simulated = any(is_simulated(task.task_id) for record in records for task in record.observation.tasks)
    mark = {"simulated": True} if simulated else {}
    rows = (_averages(last[index]) | mark for index in sorted(last))
    return _csv((*leading, "taskCount", *AVERAGES, *mark), rows)


def files(records: Sequence[RoundRecord]) -> dict[str, str]:
    """The records in every format, by file name."""
    return {
        "records.json": to_json(records),
        "records.csv": to_csv(records),
        "averages.csv": to_averages_by_treatment_csv(records),
    }


EXPORT_FORMATS: dict[str, Callable[[Sequence[RoundRecord]], str]] = {
    "json": to_json,
    "csv": to_csv,
    "averages-csv": to_averages_csv,
    "averages-by-treatment-csv": to_averages_by_treatment_csv,
}


def _row(task: TaskRecord) -> dict[str, Any]:
    observation: TaskObservation = task.observation
    return {
        **task.model_dump(mode="json", exclude={"observation"}),
        "target": target_of(observation.task_id),
        "simulated": is_simulated(observation.task_id),
        **observation.model_dump(mode="json", exclude={"times", "spent"}),
        **{name: getattr(observation.spent, name, None) for name in SPENT},
        **durations(observation).model_dump(),
        **observation.times.model_dump(),
    }


def _averages(record: RoundRecord) -> dict[str, Any]:
    measured = [durations(task.observation) for task in record.tasks() if in_figures(task)]
    round_ = record.round
    row: dict[str, Any] = {"variant": round_.variant, "form": round_.form, "taskCount": round_.task_count}
    for column, phase in AVERAGES.items():
        values = [value for task in measured if (value := task.of(phase)) is not None]
        row[column] = mean(values) if values else None
    return row


def _csv(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
