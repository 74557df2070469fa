from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial

import pytest

from experiments.compare.history import history
from experiments.compare.samples import Recorded
from experiments.plan.plan import Plan
from experiments.records.model import Round
from experiments.report import history as written
from kit.errors import SettingsError, SweepError
from tests.contracts.plans import small_plan
from tests.support.made_frames import made

PLAN = small_plan(blocks=3, task_counts=(1,))


def sweeps(
    count: int,
    *,
    factor: Callable[[int], float] = lambda _: 1.0,
    day: float = 0.0,
    release: Callable[[int], int] = lambda _: 0,
    metadata: Callable[[int], dict[str, str]] = lambda _: {},
    plan: Plan = PLAN,
) -> list[Recorded]:
    """Sweeps of `movie`; ``factor`` slows soci-v2, ``day`` moves whole sweeps (standard deviation of logarithms)."""
    noise = random.Random(3)
    sides = []
    for number in range(count):
        that_day = math.exp(noise.gauss(0, day))
        seconds = {"plain": 10.0 * that_day, "soci-v2": 4.0 * factor(number) * that_day}
        frames = made(plan, partial(_spread, seconds, noise))
        variants = {
            name: variant.model_copy(
                update={"source_image": f"registry:5000/team/{name}@sha256:{release(number):x}{'0' * 63}"}
            )
            for name, variant in frames.sweep.outputs.variants.items()
        }
        sweep = frames.sweep.model_copy(
            update={
                "id": f"s{number:02}",
                "created_ns": number,
                "outputs": frames.sweep.outputs.model_copy(update={"variants": variants}),
                "key_metadata": {**frames.sweep.key_metadata, **metadata(number)},
            }
        )
        sides.append(Recorded(sweep, frames.tasks))
    return sides


def _spread(seconds: dict[str, float], noise: random.Random, round_: Round, _: int) -> float:
    return seconds[round_.form] * math.exp(noise.gauss(0, 0.01))


def slower_from_six(number: int) -> float:
    return 1.12 if number >= 6 else 1.0


@pytest.mark.slow
def test_a_release_that_is_slower_is_named_with_its_size_and_interval() -> None:
    sides = sweeps(12, factor=slower_from_six, release=lambda number: number // 3)
    found = history(sides, "movie", None, {"sha256:2000": "1.8"})
    [series] = [each for each in found.series if each.form == "soci-v2"]
    [shift] = series.stretches[0].shifts
    assert (shift.index, shift.release, shift.image_changed) == (6, "1.8", True)
    assert shift.interval.low < 1.12 < shift.interval.high
    assert written.shift(shift).startswith("slower since release 1.8 (sha256:2")
    assert [each.stretches[0].shifts for each in found.series if each.form == "plain"] == [()]


@pytest.mark.slow
def test_days_that_hide_a_change_in_seconds_do_not_hide_it_in_ratios_to_the_control() -> None:
    sides = sweeps(12, factor=slower_from_six, day=0.3, release=lambda number: number // 3)
    in_seconds = history(sides, "movie", None)
    assert [stretch.shifts for series in in_seconds.series for stretch in series.stretches] == [(), ()]
    [series] = history(sides, "movie", "plain").series
    [shift] = series.stretches[0].shifts
    assert shift.ratio == pytest.approx(1.12, abs=0.02)


@pytest.mark.slow
def test_another_machine_is_a_break_and_never_a_change_of_the_image() -> None:
    sides = sweeps(16, factor=lambda n: 2.0 if n >= 8 else 1.0, metadata=lambda n: {"machine.cpu": f"cpu-{n // 8}"})
    for series in history(sides, "movie", None).series:
        assert [len(stretch.points) for stretch in series.stretches] == [8, 8]
        assert [stretch.shifts for stretch in series.stretches] == [(), ()]
        assert "cpu-0 / cpu-1" in (series.stretches[1].broken_by or "")


@pytest.mark.slow
def test_a_change_without_a_new_image_is_not_blamed_on_the_image() -> None:
    [series] = history(sweeps(12, factor=slower_from_six), "movie", "plain").series
    [shift] = series.stretches[0].shifts
    assert not shift.image_changed
    assert "the image did not change there" in written.shift(shift)


def test_too_few_sweeps_say_how_many_are_missing() -> None:
    found = history(sweeps(5, factor=lambda n: 3.0 if n > 2 else 1.0), "movie", "plain")
    assert found.series[0].stretches[0].missing == 3
    assert "too few sweeps to find a change: 3 more sweeps needed" in written.text(found)


def test_a_sweep_in_two_stores_counts_once_and_an_unfinished_one_is_named() -> None:
    sides = sweeps(4)
    broken = Recorded(sides[3].sweep.model_copy(update={"status": "running"}), sides[3].tasks)
    found = history([*sides[:3], *sides[:3], broken], "movie", "plain")
    assert len(found.series[0].stretches[0].points) == 3
    assert found.ignored == ("Sweep s03 is running.",)


def test_an_image_is_found_by_its_reference_and_an_unknown_one_lists_what_there_is() -> None:
    assert history(sweeps(3), "team/movie", None).series[0].variant == "movie"
    with pytest.raises(SweepError, match=r"No finished sweep measured 'film'\. Measured: movie"):
        history(sweeps(3), "film", None)


def test_simulated_and_measured_sweeps_are_not_mixed() -> None:
    sides = sweeps(4, metadata=lambda number: {"target": "sim" if number else "lab"})
    with pytest.raises(SettingsError, match="Simulated and measured"):
        history(sides, "movie", None)


@pytest.mark.slow
def test_the_page_holds_one_picture_and_every_sentence() -> None:
    found = history(sweeps(12, factor=slower_from_six, release=lambda n: n // 3), "movie", "plain")
    page = written.html(found)
    assert page.count('role="img"') == 1
    assert "slower since release sha256:2" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ("registry.example/team/movie:1.8", "1.8"),
        ("docker-daemon:movie:1.8", "1.8"),
        ("docker-archive:/tmp/movie.tar:team/movie:1.8", "1.8"),
        (f"registry.example/team/movie@sha256:{'7' * 64}", "seventh"),
        ("registry.example/team/movie", "sha256:00000000000"),
        ("registry.example/team/movie:latest", "sha256:00000000000"),
        ("docker-archive:/tmp/movie.tar", "sha256:00000000000"),
    ],
)
def test_a_release_is_called_as_the_user_named_the_image(reference: str, named: str) -> None:
    [side] = sweeps(1)
    variants = side.sweep.outputs.variants
    movie = variants["movie"].model_copy(update={"reference": reference})
    outputs = side.sweep.outputs.model_copy(update={"variants": {**variants, "movie": movie}})
    image = "movie" if reference.startswith("docker-") else "example/team/movie"
    found = history(
        [Recorded(side.sweep.model_copy(update={"outputs": outputs}), side.tasks)],
        image,
        None,
        {"sha256:77": "seventh"},
    )
    assert found.series[0].stretches[0].points[0].release.startswith(named)
