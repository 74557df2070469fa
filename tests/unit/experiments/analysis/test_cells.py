from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analysis.cells import CPU_PRESSURE_LIMIT, STEAL_LIMIT, Cell, spread
from experiments.records.model import HostLoad, Outcome, RoundRecord, RoundStatus
from experiments.records.phases import durations
from experiments.report.contents import Summary
from experiments.report.formats import read
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.unit.experiments.conftest import StartSweep


def summary_of(store: Store) -> Summary:
    """The summary of the latest sweep."""
    return read(store, store.sweep()).contents.summary


def summary_with(tmp_path: Path, done: Sweep, record: RoundRecord) -> Summary:
    """The summary of a sweep that has only this record."""
    with Store(tmp_path / "other.sqlite", write=True) as store:
        begun = store.begin_sweep(done.plan, done.stack, done.key_metadata, done.outputs)
        store.add_round(record.model_copy(update={"sweep_id": begun.id}))
        return summary_of(store)


def cell(summary: Summary, form: str, task_count: int) -> Cell:
    return next(cell for cell in summary.cells if (cell.form, cell.task_count) == (form, task_count))


def booted(records: Sequence[RoundRecord], form: str, task_count: int) -> list[float]:
    """Boot seconds of all booted tasks of a treatment, computed independently of the summary."""
    return [
        seconds
        for record in records
        if (record.round.form, record.round.task_count) == (form, task_count)
        for task in record.observation.tasks
        if (seconds := durations(task).boot_seconds) is not None
    ]


@pytest.mark.slow
def test_medians_are_those_of_the_records(store: Store, sweep: StartSweep) -> None:
    records = store.rounds(sweep(small_plan(blocks=5)).id)
    summary = summary_of(store)
    for task_count in (1, 2):
        soci = booted(records, "soci-v2", task_count)
        assert len(soci) == 5 * task_count
        boot = cell(summary, "soci-v2", task_count).phases["boot"]
        assert boot.median_seconds == statistics.median(soci)
        assert (boot.least_seconds, boot.most_seconds, boot.n) == (min(soci), max(soci), len(soci))


def test_quartiles_and_mad_are_the_textbook_s() -> None:
    summary = spread([4, 1, 3, 2, 10])
    assert (summary.lower_quartile_seconds, summary.median_seconds, summary.upper_quartile_seconds) == (2, 3, 4)
    assert summary.mad_seconds == 1
    assert (summary.mean_seconds, summary.p5_seconds, summary.p95_seconds) == pytest.approx((4, 1.2, 8.8))
    assert summary.deviation_seconds == pytest.approx(statistics.stdev([4, 1, 3, 2, 10]))


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=50))
def test_quartiles_agree_with_the_standard_library(values: list[float]) -> None:
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    summary = spread(values)
    assert summary.lower_quartile_seconds == pytest.approx(lower, abs=1e-6)
    assert summary.upper_quartile_seconds == pytest.approx(upper, abs=1e-6)
    assert summary.least_seconds <= summary.lower_quartile_seconds <= summary.median_seconds + 1e-6


def test_a_single_duration_is_its_own_summary() -> None:
    summary = spread([2.5])
    assert {summary.median_seconds, summary.lower_quartile_seconds, summary.upper_quartile_seconds} == {2.5}
    assert summary.mad_seconds == 0
    assert summary.deviation_seconds is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome.TIMEOUT, "timed out"),
        (Outcome.STOPPED, "stopped"),
        (Outcome.NOT_LAZY, "booted without lazy loading"),
    ],
)
def test_tasks_that_did_not_boot_are_counted_and_give_no_figure(
    store: Store, sweep: StartSweep, outcome: Outcome, told: str
) -> None:
    sweep(small_plan(forms=("soci-v2",), task_counts=(2,), blocks=2), script={1: [outcome]})
    first = summary_of(store).cells[0]
    assert first.outcomes == {outcome.value: 2, "booted": 2}
    assert (first.tasks, first.tasks_in_figures, first.phases["boot"].n) == (4, 2, 2)
    assert f"2 tasks of movie as soci-v2 with 2 tasks {told}: scripted" in " ".join(summary_of(store).notes)


def test_a_treatment_without_any_booted_task_has_no_phases(store: Store, sweep: StartSweep) -> None:
    plan = small_plan(forms=("plain", "soci-v2"), task_counts=(1,), blocks=1)
    [plain] = [round_.index for round_ in plan.rounds if round_.form == "plain"]
    sweep(plan, script={plain: [Outcome.TIMEOUT]})
    assert cell(summary_of(store), "plain", 1).phases == {}


def test_booted_tasks_of_a_failed_round_are_left_out_and_said(store: Store, sweep: StartSweep, tmp_path: Path) -> None:
    plan = small_plan(forms=("plain",), task_counts=(2,), blocks=1)
    done = sweep(plan)
    record = store.rounds(done.id)[0]
    tasks = record.observation.tasks
    failed = tasks[0].model_copy(update={"outcome": Outcome.FAILED, "reason": "corrupt blob"})
    mixed = record.model_copy(
        update={
            "status": RoundStatus.FAILED,
            "reason": "corrupt blob",
            "observation": record.observation.model_copy(update={"tasks": (failed, tasks[1])}),
        }
    )
    summary = summary_with(tmp_path, done, mixed)
    assert (summary.cells[0].tasks, summary.cells[0].tasks_in_figures, summary.cells[0].phases) == (2, 0, {})
    assert any("booted in a round that failed" in note for note in summary.notes)
    assert any("corrupt blob" in note for note in summary.notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "marked"),
    [
        (HostLoad(), False),
        (HostLoad(cpu_pressure=CPU_PRESSURE_LIMIT, steal=STEAL_LIMIT), False),
        (HostLoad(cpu_pressure=CPU_PRESSURE_LIMIT + 0.01), True),
        (HostLoad(steal=STEAL_LIMIT + 0.01), True),
    ],
)
def test_a_round_on_a_machine_short_of_cpu_is_marked(
    store: Store, sweep: StartSweep, tmp_path: Path, load: HostLoad, marked: bool
) -> None:
    done = sweep(small_plan(forms=("plain",), task_counts=(1,), blocks=1))
    record = store.rounds(done.id)[0]
    loaded = record.model_copy(update={"observation": record.observation.model_copy(update={"load": load})})
    summary = summary_with(tmp_path, done, loaded)
    assert summary.cells[0].rounds_under_load == int(marked)
    assert any("CPU" in note for note in summary.notes) is marked


def test_a_sweep_without_rounds_says_that_nothing_can_be_concluded(store: Store) -> None:
    begun = store.begin_sweep(small_plan(), "lab", {}, stack_outputs())
    summary = read(store, begun).contents.summary
    assert summary.rounds_complete == 0
    assert summary.notes == ("No round has run: nothing can be concluded.",)


def test_a_missing_control_is_said(store: Store, sweep: StartSweep) -> None:
    sweep(small_plan(forms=("soci-v2",), blocks=2))
    assert "no 'plain' form" in " ".join(summary_of(store).notes)
