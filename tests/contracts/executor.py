"""The executor contract: inherit `ExecutorContract` in a class named ``Test…``, and give it an executor.

The rounds run once per class, for a real executor takes seconds for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from experiments.executors.protocol import Executor
from experiments.records.model import Outcome, Round, RoundObservation, RoundRecord, round_status
from experiments.store.store import Store
from infra.forms import is_lazy
from infra.outputs import StackOutputs
from tests.contracts.plans import small_plan

Observed = Sequence[tuple[Round, RoundObservation]]


class ExecutorContract:
    """Needs two fixtures of class scope (class methods): ``outputs`` and ``executor``, the latter not entered yet."""

    @pytest.fixture(scope="class")
    @classmethod
    def outputs(cls) -> StackOutputs:
        """The stack whose treatments the rounds run."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def executor(cls, outputs: StackOutputs) -> Executor:
        """The executor under test, not entered."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def rounds(cls, outputs: StackOutputs) -> list[Round]:
        """One task of the first treatment, then two of the last one of the first variant."""
        variant = next(iter(outputs.variants))
        forms = list(outputs.variants[variant].treatments)
        return [
            Round(block=0, index=index, variant=variant, form=form, task_count=task_count)
            for index, (form, task_count) in enumerate([(forms[0], 1), (forms[-1], 2)])
        ]

    @pytest.fixture(scope="class")
    @classmethod
    def phases(cls) -> list[str]:
        """What the executor notified."""
        return []

    @pytest.fixture(scope="class")
    @classmethod
    def observed(cls, executor: Executor, rounds: list[Round], phases: list[str]) -> Observed:
        """Every round with its observation."""
        executor.check(rounds)
        with executor as entered:
            return [(round_, entered.run_round(round_, phases.append)) for round_ in rounds]

    def test_key_metadata_names_target_and_profile_before_it_is_entered(self, executor: Executor) -> None:
        assert executor.key_metadata().keys() >= {"target", "profile"}

    def test_every_task_of_a_round_is_observed_exactly_once(self, observed: Observed) -> None:
        ids = [task.task_id for _, observation in observed for task in observation.tasks]
        assert [len(observation.tasks) for _, observation in observed] == [round_.task_count for round_, _ in observed]
        assert len(set(ids)) == len(ids)

    def test_tasks_ran_the_image_of_their_treatment(self, observed: Observed, outputs: StackOutputs) -> None:
        for round_, observation in observed:
            digest = outputs.variants[round_.variant].treatments[round_.form].image_digest
            assert {task.image_digest for task in observation.tasks} == {digest}

    def test_a_healthy_round_is_booted_throughout_by_the_snapshotter_of_its_form(self, observed: Observed) -> None:
        for round_, observation in observed:
            snapshotter = "soci" if is_lazy(round_.form) else "overlayfs"
            seen = {(task.outcome, task.snapshotter, task.reason) for task in observation.tasks}
            assert seen == {(Outcome.BOOTED, snapshotter, None)}

    def test_booted_tasks_have_every_time_and_all_lie_within_their_round(self, observed: Observed) -> None:
        for _, observation in observed:
            for task in observation.tasks:
                times = task.times.model_dump().values()
                assert None not in times
                assert observation.started_ns <= min(times)
                assert max(times) <= observation.finished_ns

    def test_rounds_follow_one_another(self, observed: Observed) -> None:
        spans = [(observation.started_ns, observation.finished_ns) for _, observation in observed]
        assert spans == sorted(spans)
        assert all(finished <= begun for (_, finished), (begun, _) in pairwise(spans))

    def test_the_listener_is_told_of_phases(self, observed: Observed, phases: list[str]) -> None:
        assert len(phases) >= len(observed)
        assert all(phase and "\n" not in phase for phase in phases)

    def test_what_was_observed_comes_back_from_the_store_unchanged(
        self, observed: Observed, outputs: StackOutputs, tmp_path: Path
    ) -> None:
        with Store(tmp_path / "store.sqlite", write=True) as store:
            sweep = store.begin_sweep(small_plan(), "contract", {}, outputs)
            records = [
                RoundRecord(
                    sweep_id=sweep.id,
                    round=round_,
                    attempt=1,
                    status=round_status(observation.tasks),
                    observation=observation,
                )
                for round_, observation in observed
            ]
            for record in records:
                store.add_round(record)
            assert store.rounds(sweep.id) == records
