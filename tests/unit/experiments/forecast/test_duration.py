from __future__ import annotations

from pathlib import Path

import pytest

from experiments.forecast.duration import TargetModel, plan_seconds, round_seconds
from experiments.forecast.history import known_seconds, medians, wall_seconds
from experiments.plan.plan import Payload, make_plan
from experiments.plan.presets import PRESETS
from experiments.records.model import Outcome, Round
from experiments.store.store import Store
from experiments.sweep import start
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor

LAB = TargetModel()
FULL = PRESETS["full"].design.payload


def movie(form: str, task_count: int = 1) -> Round:
    return Round(block=0, index=0, variant="movie", form=form, task_count=task_count)


def test_the_default_plan_is_expected_to_leave_time_for_making_the_stack_within_six_minutes() -> None:
    assert plan_seconds(make_plan(PRESETS["default"].design), {}, LAB) < 4 * 60


def test_the_model_is_within_a_third_of_what_was_measured_at_full_size() -> None:
    """Boot seconds of one 0.25 vCPU task at 1 Gbit/s, measured by hand; the round adds its preparing and clearing."""
    measured = {
        ("movie", "plain"): 22.1,
        ("movie", "soci-v2"): 16.6,
        ("parquet", "plain"): 9.0,
        ("parquet", "soci-v2"): 2.8,
    }
    for (variant, form), boot_seconds in measured.items():
        round_ = Round(block=0, index=0, variant=variant, form=form, task_count=1)
        assert 0.67 < round_seconds(round_, FULL, {}, LAB) / (boot_seconds + 3.4) < 1.33


def test_eight_plain_pulls_share_the_machine_and_so_take_longer() -> None:
    assert round_seconds(movie("plain", 8), FULL, {}, LAB) > round_seconds(movie("plain", 1), FULL, {}, LAB) + 10


def test_earlier_records_take_the_place_of_the_model() -> None:
    assert round_seconds(movie("plain"), FULL, {("movie", "plain", 1): 1.5}, LAB) == 1.5


def test_an_own_image_is_pulled_at_its_own_size_and_what_its_boot_reads_is_between_nothing_and_all() -> None:
    """100 MB at 1 Gbit/s: 0.8 s of wire, 0.234 s of unpacking, 1.82 s of hashing at 0.25 vCPU; 3.4 s beside."""
    model = TargetModel(layer_bytes={"web": 100_000_000})
    plain, lazy = (Round(block=0, index=0, variant="web", form=form, task_count=1) for form in ("plain", "soci-v2"))
    assert model.least().seconds(plain, FULL) == pytest.approx(3.4 + 0.8 + 0.2345, abs=0.001)
    assert model.seconds(plain, FULL) == pytest.approx(3.4 + 0.8 + 0.2345 + 1.8207, abs=0.001)
    assert model.least().seconds(lazy, FULL) == pytest.approx(3.4 + 0.4)
    assert model.seconds(lazy, FULL) == pytest.approx(3.4 + 0.4 + 0.4 + 1.8207, abs=0.001)


def test_a_built_in_image_s_boot_reads_what_the_table_says_however_large_its_layers_are() -> None:
    model = TargetModel(layer_bytes={"movie": 1})
    assert model.least().seconds(movie("plain"), FULL) == model.seconds(movie("plain"), FULL)
    assert model.seconds(movie("plain"), FULL) == pytest.approx(3.4 + 13.2, abs=0.001)


def test_history_is_the_median_over_complete_rounds_of_the_same_payload_target_and_profile(tmp_path: object) -> None:
    outputs, plan = stack_outputs(), small_plan(blocks=3)
    failing = plan.rounds[0].index
    with Store(tmp_path / "store.sqlite", write=True) as store:  # type: ignore[operator]
        executor = FakeExecutor(outputs, script={failing: [Outcome.FAILED]})
        sweep = start(store, executor, plan, "lab", outputs, lambda _: None)
        records = store.rounds(sweep.id)
        known = known_seconds(store, plan.design.payload, "fake", "fake")
        assert known == medians(records)
        own = [r for r in records if (r.round.form, r.round.task_count) == ("plain", 1) and r.status == "complete"]
        assert len(own) == 3
        assert known["movie", "plain", 1] == sorted(wall_seconds(record) for record in own)[1]
        assert known_seconds(store, plan.design.payload, "fake", "other") == {}
        other = Payload(movie_megabytes=1, parquet_test_megabytes=1, parquet_train_megabytes=1)
        assert known_seconds(store, other, "fake", "fake") == {}


@pytest.mark.parametrize(("now", "counts"), [(240_000_000, True), (220_000_000, True), (200_000_000, False)])
def test_rounds_of_an_own_image_count_while_its_name_means_one_of_that_size(
    tmp_path: Path, now: int, counts: bool
) -> None:
    held = stack_outputs()
    outputs = held.model_copy(update={"variants": {"web": held.variants["movie"]}})
    plan = small_plan(blocks=1)
    design = plan.design.model_copy(update={"variants": ("web",)})
    with Store(tmp_path / "store.sqlite", write=True) as store:
        start(store, FakeExecutor(outputs), make_plan(design), "lab", outputs, lambda _: None)
        known = known_seconds(store, design.payload, "fake", "fake", {"web": now})
    assert bool(known) == counts
