from __future__ import annotations

import csv
import io
import json
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.records.columns import COLUMNS
from experiments.records.model import Outcome, Round, RoundRecord, TaskTimes, round_status
from experiments.records.phases import PHASES, TIMED
from experiments.report.export import files, to_averages_csv, to_csv, to_json
from experiments.store.store import Store
from kit.errors import SociometerError
from kit.files import write
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor
from tests.unit.experiments.conftest import StartSweep

PROMISED = {
    *("sweep_id", "block", "round", "variant", "form", "task_count", "task_id", "image_digest", "snapshotter"),
    *("outcome", "connect_seconds", "pull_seconds", "start_seconds", "ready_seconds", "boot_seconds"),
}
AVERAGE_COLUMNS = "taskCount,averageFirstConnectionTime,averageStartTime,averagePullTime,averageBootTime"

executors = st.builds(
    lambda seed, outcomes: FakeExecutor(stack_outputs(), seed=seed, script={0: outcomes}),
    st.integers(0, 1000),
    st.lists(st.sampled_from(Outcome), max_size=1),
)


def one_record(executor: FakeExecutor) -> RoundRecord:
    round_ = Round(block=0, index=0, variant="movie", form="soci-v2", task_count=3)
    observation = executor.run_round(round_, lambda _: None)
    status = round_status(observation.tasks)
    return RoundRecord(sweep_id="s", round=round_, attempt=1, status=status, observation=observation)


@given(executors)
def test_json_is_a_list_of_flat_objects_that_hold_what_was_recorded(executor: FakeExecutor) -> None:
    record = one_record(executor)
    rows = json.loads(to_json([record]))
    assert [tuple(row) for row in rows] == [COLUMNS] * 3
    assert set(COLUMNS) > PROMISED
    for row, task in zip(rows, record.observation.tasks, strict=True):
        assert TaskTimes(**{name: row[name] for name in TaskTimes.model_fields}) == task.times
        assert (row["task_id"], row["outcome"], row["reason"]) == (task.task_id, task.outcome.value, task.reason)
        assert (row["boot_seconds"] is None) == (task.outcome not in TIMED)


@given(executors)
def test_csv_holds_the_same_as_json(executor: FakeExecutor) -> None:
    record = one_record(executor)
    table = list(csv.DictReader(io.StringIO(to_csv([record]))))
    rows = json.loads(to_json([record]))
    assert table == [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]


def test_a_reason_with_commas_quotes_and_lines_survives_csv() -> None:
    record = one_record(FakeExecutor(stack_outputs(), script={0: [Outcome.FAILED]}))
    reason = 'manifest "sha256:…", not found,\nsecond line'
    tasks = tuple(task.model_copy(update={"reason": reason}) for task in record.observation.tasks)
    hostile = record.model_copy(update={"observation": record.observation.model_copy(update={"tasks": tasks})})
    assert {row["reason"] for row in csv.DictReader(io.StringIO(to_csv([hostile]), newline=""))} == {reason}


def test_averages_have_the_published_columns_and_one_row_a_round_in_the_plan_s_order(
    store: Store, sweep: StartSweep
) -> None:
    plan = small_plan()
    records = store.rounds(sweep(plan, script={1: [Outcome.FAILED]}).id)
    text = to_averages_csv(records)
    assert text.splitlines()[0] == f"{AVERAGE_COLUMNS},simulated"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["taskCount"]) for row in rows] == [round_.task_count for round_ in plan.rounds]
    tasks = [task for task in json.loads(to_json(records)) if task["round"] == 1 and task["round_status"] == "complete"]
    assert float(rows[1]["averagePullTime"]) == pytest.approx(statistics.mean(task["pull_seconds"] for task in tasks))
    assert float(rows[1]["averageStartTime"]) == pytest.approx(statistics.mean(task["start_seconds"] for task in tasks))
    assert float(rows[1]["averageBootTime"]) == pytest.approx(statistics.mean(task["boot_seconds"] for task in tasks))


def test_in_a_file_of_several_treatments_each_row_of_averages_says_which_it_is_of(
    store: Store, sweep: StartSweep
) -> None:
    plan = small_plan()
    records = store.rounds(sweep(plan).id)
    rows = list(csv.DictReader(io.StringIO(files(records)["averages.csv"])))
    assert list(rows[0]) == ["variant", "form", *AVERAGE_COLUMNS.split(","), "simulated"]
    assert [(row["variant"], row["form"]) for row in rows] == [(each.variant, each.form) for each in plan.rounds]


def test_first_connection_is_connectivity_after_creation_as_in_the_published_experiment(
    store: Store, sweep: StartSweep
) -> None:
    records = store.rounds(sweep(small_plan(task_counts=(1,), blocks=1)).id)
    rows = list(csv.DictReader(io.StringIO(to_averages_csv(records))))
    assert [float(row["averageFirstConnectionTime"]) for row in rows] == [
        task["connect_seconds"] for task in json.loads(to_json(records))
    ]


def test_a_round_without_a_measurement_has_a_row_with_empty_averages(store: Store, sweep: StartSweep) -> None:
    plan = small_plan(forms=("plain",), task_counts=(2,), blocks=1)
    text = to_averages_csv(store.rounds(sweep(plan, script={0: [Outcome.TIMEOUT]}).id))
    assert text.splitlines()[1:] == ["2,,,,,True"]


@pytest.mark.parametrize(
    ("task_id", "target", "simulated"),
    [
        ("arn:lab:ecs:local:000000000000:task/sociometer/1", "lab", False),
        ("arn:aws:ecs:eu-west-2:123456789012:task/sociometer/1", "fargate", False),
        ("arn:aws-cn:ecs:cn-north-1:123456789012:task/sociometer/1", "fargate", False),
        ("arn:aws:ecs:sim:000000000000:task/simulated/1", "sim", True),
        ("fake/1", "fake", True),
    ],
)
def test_every_export_says_where_a_task_ran_and_whether_it_was_simulated(
    task_id: str, target: str, simulated: bool
) -> None:
    record = one_record(FakeExecutor(stack_outputs()))
    tasks = tuple(task.model_copy(update={"task_id": task_id}) for task in record.observation.tasks)
    moved = record.model_copy(update={"observation": record.observation.model_copy(update={"tasks": tasks})})
    assert {(row["target"], row["simulated"]) for row in json.loads(to_json([moved]))} == {(target, simulated)}
    assert {row["simulated"] for row in csv.DictReader(io.StringIO(to_csv([moved])))} == {str(simulated)}
    averages = list(csv.DictReader(io.StringIO(to_averages_csv([moved]))))
    assert [row.get("simulated") for row in averages] == (["True"] if simulated else [None])


def test_exporting_nothing_gives_an_empty_list_and_headers() -> None:
    assert json.loads(to_json([])) == []
    assert to_csv([]) == ",".join(COLUMNS) + "\n"
    assert to_averages_csv([]) == AVERAGE_COLUMNS + "\n"


def test_every_phase_is_exported() -> None:
    assert {f"{phase}_seconds" for phase in PHASES} < set(COLUMNS)


def test_a_file_is_replaced_at_once_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    write(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SociometerError, match="folder cannot be written"):
        write(tmp_path / "folder", "text")
    with pytest.raises(SociometerError, match="missing/out cannot be written"):
        write(tmp_path / "missing" / "out", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
