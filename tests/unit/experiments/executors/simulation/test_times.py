"""The times that the simulation draws: seeded, correlated within rounds, and near what was published."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from experiments.executors.simulation import Parameters, SimulatedExecutor, outputs, parameters
from experiments.executors.simulation.clock import EPOCH_NS, SimulatedClock
from experiments.executors.simulation.draw import RoundDraw
from experiments.executors.simulation.parameters import Bucket, Noise, Workload
from experiments.executors.simulation.stack_outputs import workload
from experiments.executors.simulation.task import SimulatedTask
from experiments.executors.simulation.world import treatments
from experiments.plan.plan import Design, make_plan
from experiments.plan.presets import PRESETS
from experiments.records.model import Outcome, Round
from experiments.records.phases import NS_PER_SECOND
from infra.forms import KINDS, is_lazy
from kit.errors import SettingsError
from tests.contracts.plans import small_design
from tests.support.simulated import PLATFORM, exact, run

FULL = PRESETS["full"].design


def drawn(
    variant: str, form: str, *, numbers: Parameters, block: int = 0, index: int = 0, attempt: int = 0, tasks: int = 1
) -> list[SimulatedTask]:
    """Tasks of one round, without running it."""
    treatment = next(t for t in treatments(outputs(FULL, PLATFORM), numbers) if (t.variant, t.form) == (variant, form))
    draw = RoundDraw(numbers, 1, Round(block=block, index=index, variant=variant, form=form, task_count=1), attempt)
    return [draw.task(treatment, number, EPOCH_NS, frozenset()) for number in range(tasks)]


def pull_seconds(task: SimulatedTask) -> float:
    assert task.pull_stopped_ns is not None
    assert task.pull_started_ns is not None
    return (task.pull_stopped_ns - task.pull_started_ns) / NS_PER_SECOND


def start_seconds(task: SimulatedTask) -> float:
    assert task.started_ns is not None
    return (task.started_ns - task.created_ns) / NS_PER_SECOND


def boot_seconds(task: SimulatedTask) -> float:
    assert task.boot_finished_ns is not None
    return (task.boot_finished_ns - task.created_ns) / NS_PER_SECOND


@pytest.mark.parametrize(
    ("variant", "phase", "published"),
    [
        ("movie", pull_seconds, -0.80),
        ("movie", start_seconds, -0.40),
        ("movie", boot_seconds, -0.24),
        ("parquet", boot_seconds, -0.46),
    ],
)
def test_without_noise_the_changes_are_within_seven_points_of_those_published(
    variant: str, phase: Callable[[SimulatedTask], float], published: float
) -> None:
    numbers = exact(FULL)
    (plain,), (lazy,) = drawn(variant, "plain", numbers=numbers), drawn(variant, "soci-v2", numbers=numbers)
    assert phase(lazy) / phase(plain) - 1 == pytest.approx(published, abs=0.07)


def test_a_lazy_pull_takes_no_longer_for_a_larger_image() -> None:
    numbers = exact(FULL)
    assert pull_seconds(*drawn("movie", "soci-v2", numbers=numbers)) == pytest.approx(
        pull_seconds(*drawn("parquet", "soci-v2", numbers=numbers))
    )


def test_tasks_of_a_round_are_alike_more_than_tasks_of_different_rounds() -> None:
    numbers = parameters(FULL).model_copy(update={"noise": Noise(0.0, 0.2, 0.05)})
    rounds = [[boot_seconds(t) for t in drawn("movie", "plain", numbers=numbers, index=i, tasks=20)] for i in range(30)]
    within = statistics.mean(statistics.variance(one) for one in rounds)
    between = statistics.variance([statistics.mean(one) for one in rounds])
    assert between > 3 * within


def test_rounds_of_a_block_share_its_effect() -> None:
    numbers = parameters(FULL).model_copy(update={"noise": Noise(0.2, 0.0, 0.0)})
    boots = {
        (block, index): boot_seconds(*drawn("movie", "plain", numbers=numbers, block=block, index=index))
        for block, index in ((0, 0), (0, 1), (1, 2))
    }
    assert boots[0, 0] == boots[0, 1] != boots[1, 2]


def test_another_attempt_is_another_draw() -> None:
    first, second = (boot_seconds(*drawn("movie", "plain", numbers=parameters(FULL), attempt=n)) for n in (0, 1))
    assert first != second


def test_a_task_s_clock_is_wrong_by_no_more_than_it_says() -> None:
    numbers = parameters(FULL).model_copy(update={"clock_error_bound_ms": 2.0})
    errors = [task.clock_error_ns for task in drawn("movie", "plain", numbers=numbers, tasks=100)]
    assert max(abs(error) for error in errors) <= 2_000_000
    assert max(errors) > 0 > min(errors)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("movie", Workload(765_000_000, 725_000_000)),
        ("parquet", Workload(740_000_000, 100_000_000)),
        ("own", Workload(765_000_000, 725_000_000)),
    ],
)
def test_images_are_as_large_as_the_plan_s_payload_makes_them(variant: str, expected: Workload) -> None:
    assert workload(variant, FULL.payload) == expected


def test_the_same_seed_gives_the_same_times_and_requests_and_another_seed_others() -> None:
    (first, one), (second, two), (other, _) = (run(20, seed=seed) for seed in (5, 5, 6))
    times = [[task.times for task in observation.tasks] for observation in (first, second, other)]
    assert sorted(times[0], key=str) == sorted(times[1], key=str) != sorted(times[2], key=str)
    assert (one.aws.calls, first.requests) == (two.aws.calls, second.requests)


def test_no_two_tasks_ever_have_the_same_id() -> None:
    ids = [task.task_id for _ in range(2) for task in run(20, seed=5)[0].tasks]
    assert len(set(ids)) == 40


def test_every_parameter_is_key_metadata() -> None:
    design = small_design()
    metadata = _open(design, parameters(design)).key_metadata()
    assert (metadata["target"], metadata["simulated"], metadata["seed"]) == ("sim", "true", "1")
    fields = set(Parameters.model_fields) - {"workloads"}
    assert {f"parameter.{name}" for name in (*fields, "workload.movie")} <= metadata.keys()
    for name in sorted(fields):
        value = getattr(parameters(design), name)
        changed = type(value)._make(part + 1 for part in value) if isinstance(value, (Bucket, Noise)) else value + 1
        other = _open(design, parameters(design).model_copy(update={name: changed})).key_metadata()
        assert other != metadata, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("launches", (0, 20)),
        ("launches", (100, 0)),
        ("rate_bits_per_second", 0),
        ("connect_seconds", -1),
        ("lag_seconds", float("inf")),
        ("unlisted_share", 1),
        ("noise", (0, 0, -0.1)),
        ("attempts", 0),
        ("workloads", {"movie": (-1, 0)}),
    ],
)
def test_a_parameter_that_no_fargate_can_have_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Parameters.model_validate({name: value})


def test_a_sweep_that_is_resumed_goes_on_after_its_earlier_rounds() -> None:
    design = small_design()
    executor = _open(design, parameters(design))
    with executor:
        observation = executor.run_round(
            Round(block=1, index=5, variant="movie", form="plain", task_count=1), lambda _: None
        )
    assert observation.tasks[0].times.created_ns >= EPOCH_NS + 5 * 3600 * NS_PER_SECOND


def test_things_that_are_due_happen_in_order_and_at_their_time() -> None:
    clock, seen = SimulatedClock(0), []
    for due_ns in (30, 10, 20, 10):
        clock.at(due_ns, lambda due_ns=due_ns: seen.append((due_ns, clock.now_ns)))  # type: ignore[misc]
    clock.sleep(25e-9)
    assert seen == [(10, 10), (10, 10), (20, 20)]
    assert clock.now_ns == 25


def test_a_sleep_however_short_lets_time_pass() -> None:
    clock = SimulatedClock(0)
    clock.sleep(1e-12)
    assert clock.now_ns == 1


def _open(design: Design, numbers: Parameters) -> SimulatedExecutor:
    return SimulatedExecutor(outputs(design, PLATFORM), numbers, seed=1, timeout_seconds=300.0)


def test_a_form_with_other_layers_takes_the_time_of_its_own_size_on_the_wire() -> None:
    design = FULL.model_copy(update={"forms": ("plain", "zstd", "uncompressed", "soci-v2(span=1MiB)")})
    numbers = exact(design)
    round_ = Round(block=0, index=0, variant="movie", form="plain", task_count=1)
    [plain, zstd, uncompressed, lazy] = [
        pull_seconds(RoundDraw(numbers, 1, round_, 0).task(treatment, 0, EPOCH_NS, frozenset()))
        for treatment in treatments(outputs(design, PLATFORM), numbers)
        if treatment.variant == "movie"
    ]
    size = workload("movie", design.payload).image_bytes
    byte = 8 / numbers.rate_bits_per_second
    assert zstd == pytest.approx(plain - 0.07 * size * byte)
    assert uncompressed == pytest.approx(plain + 2 * size * byte)
    assert lazy == pytest.approx(numbers.lazy_pull_seconds)


def test_every_form_that_fargate_has_is_simulated_lazy_ones_as_lazy() -> None:
    keys = {"files": "0123456789ab", "trace": "0123456789ab"}
    needed = {kind: [key for key, it in KINDS[kind].settings.items() if it.required] for kind in KINDS}
    forms = [
        f"{kind}({key[0]}={keys[key[0]]})" if (key := needed[kind]) else kind
        for kind in KINDS
        if not KINDS[kind].lab_only
    ]
    design = small_design(forms=tuple(forms))
    plan = make_plan(design)
    with _open(design, exact(design)) as simulated:
        simulated.check(plan.rounds)
        for form in forms:
            round_ = next(round_ for round_ in plan.rounds if round_.form == form)
            [task] = simulated.run_round(round_, lambda _phase: None).tasks
            snapshotter = "soci" if is_lazy(form) else "overlayfs"
            assert (form, task.outcome, task.snapshotter) == (form, Outcome.BOOTED, snapshotter)


def test_a_form_of_the_lab_alone_is_not_simulated_because_fargate_does_not_have_it() -> None:
    design = small_design(forms=("plain", "parallel-pull"))
    simulated = SimulatedExecutor(outputs(design, PLATFORM), parameters(design), seed=1, timeout_seconds=60)
    with pytest.raises(SettingsError, match="parallel-pull is not available on Fargate"):
        simulated.check(make_plan(design).rounds)
