"""The benchmark's generator writes rows itself for speed; these tests check them against the store's own code."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.bench_report_scale import generate
from experiments.analysis.analyse import analyse
from experiments.records.model import RoundStatus
from experiments.store import frames
from experiments.store.store import Store


@pytest.mark.slow
def test_made_up_records_are_valid_and_are_analysed_as_a_whole(tmp_path: Path) -> None:
    generate(tmp_path / "store.sqlite", 840)
    with Store(tmp_path / "store.sqlite") as store:
        sweep = store.sweep()
        records = store.rounds(sweep.id)
        tasks, rounds = frames.tasks(store, sweep.id), frames.rounds(store, sweep.id)
    assert [record.round for record in records] == list(sweep.plan.rounds)
    assert {record.status for record in records} == {RoundStatus.COMPLETE}
    assert len(tasks) == 840 == sum(len(record.tasks()) for record in records)
    comparisons = analyse(sweep, tasks, rounds).comparisons
    assert len(comparisons) == 2 * 2 * 4 * 4
    assert {comparison.verdict for comparison in comparisons} == {"faster"}
