from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.comparisons import Terms, bound, compare, taken_alone, verdict
from experiments.analysis.effects import Pairs, primary_phases
from experiments.analysis.findings import Comparison, Interval
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.permutation import Permuted

RNG = np.random.default_rng(2)
SAYS_NOTHING = Permuted(0.25, 0.25)


def pair(log_ratio: float = 0.0, spread: float = 0.02, blocks: int = 5, **place: object) -> Pairs:
    """A comparison whose blocks scatter around a true ratio."""
    control = np.exp(RNG.normal(2, 0.1, blocks))
    where = {"variant": "movie", "form": "soci-v2", "control": "plain", "task_count": 1, "phase": "boot", **place}
    seconds = control * np.exp(RNG.normal(log_ratio, spread, blocks))
    return Pairs(seconds=seconds, control_seconds=control, **where)  # type: ignore[arg-type]


def judged(pairs: list[Pairs], terms: Terms) -> tuple[Comparison, ...]:
    return compare(pairs, terms, primary_phases((pair.variant, pair.phase) for pair in pairs))


def told(differences: Floats) -> list[Pairs]:
    """Comparisons of one phase with these differences of logarithms: a row each."""
    ones = np.ones(differences.shape[1])
    return [Pairs("movie", f"form-{row}", "plain", 1, "boot", np.exp(own), ones) for row, own in enumerate(differences)]


def test_ratio_interval_and_p_values_agree_with_scipy() -> None:
    found = pair(-0.2, 0.1)
    (one,) = judged([found], Terms())
    reference = stats.ttest_rel(np.log(found.seconds), np.log(found.control_seconds))
    expected = np.exp(reference.confidence_interval(0.95))
    assert one.interval is not None
    assert (one.interval.low, one.interval.high) == pytest.approx(tuple(expected))
    assert one.ratio == pytest.approx(stats.gmean(found.seconds / found.control_seconds))
    assert one.t_p_value == one.p_adjusted == pytest.approx(reference.pvalue)
    assert one.median_seconds == np.median(found.seconds)
    assert one.control_median_seconds == np.median(found.control_seconds)


def test_the_primary_phase_bears_three_quarters_of_the_error() -> None:
    phases = ("pull", "start", "ready", "boot")
    found = [pair(-0.05, 0.02, phase=phase) for phase in phases]
    comparisons = {one.phase: one for one in judged(found, Terms())}
    shares = {phase: 0.75 if phase == "boot" else 0.25 / 3 for phase in phases}
    first = min(phases, key=lambda phase: (comparisons[phase].t_p_value or 1) / shares[phase])
    assert comparisons[first].p_adjusted == pytest.approx((comparisons[first].t_p_value or 0) / shares[first])


def test_fewer_than_three_blocks_have_no_interval_and_no_verdict() -> None:
    few, enough = judged([pair(-1, blocks=2), pair(-1, blocks=3, form="soci-v1")], Terms())
    assert (few.interval, few.p_value, few.p_adjusted, few.verdict) == (None, None, None, "undecided")
    assert few.blocks == 2
    assert few.ratio < 1
    assert enough.verdict == "faster"


def test_no_comparisons_are_none() -> None:
    assert judged([], Terms()) == ()


@pytest.mark.parametrize(("log_ratio", "said"), [(-0.5, "faster"), (0.5, "slower"), (0.0, "no-difference")])
def test_ten_quiet_blocks_tell_what_is_true(log_ratio: float, said: str) -> None:
    (one,) = judged([pair(log_ratio, 0.02, blocks=10)], Terms())
    assert one.verdict == said
    assert (one.margin is not None) == (said == "no-difference")


def test_noisy_blocks_leave_it_undecided_and_say_how_many_more_are_needed() -> None:
    found = pair(0.0, 0.2, blocks=4)
    (one,) = judged([found], Terms(precision=0.05))
    assert one.verdict == "undecided"
    assert one.blocks_needed is not None
    blocks = one.blocks_needed + 4
    deviation = found.differences.std(ddof=1)
    assert stats.t.ppf(0.975, blocks - 1) * deviation / np.sqrt(blocks) <= np.log(1.05)
    assert stats.t.ppf(0.975, blocks - 2) * deviation / np.sqrt(blocks - 1) > np.log(1.05)


def test_an_interval_as_narrow_as_wanted_that_holds_one_is_no_difference() -> None:
    found = [judged([pair(RNG.uniform(-0.06, 0.06), 0.05, blocks=8)], Terms(precision=0.05))[0] for _ in range(200)]
    narrow = [
        one for one in found if one.blocks_needed == 0 and one.interval and one.interval.low < 1 < one.interval.high
    ]
    assert len(narrow) > 20
    assert {one.verdict for one in narrow} == {"no-difference"}


def test_a_sweep_that_may_stop_early_has_wider_intervals_and_larger_p_values() -> None:
    found = pair(-0.1, 0.05, blocks=6)
    (fixed,) = judged([found], Terms())
    (stopped,) = judged([found], Terms(nominal_level=0.9675, p_factor=2))
    assert fixed.interval is not None
    assert stopped.interval is not None
    assert stopped.interval.low < fixed.interval.low < fixed.interval.high < stopped.interval.high
    assert stopped.interval.level == 0.95
    assert stopped.t_p_value == pytest.approx(2 * (fixed.t_p_value or 0))
    assert (stopped.detectable or 0) > (fixed.detectable or 1)


def test_the_permutation_test_can_contradict_where_it_can_speak() -> None:
    interval = Interval(low=0.7, high=0.95)
    assert verdict(interval, 0.01, Permuted(0.3, 1 / 512), 0.1) == "undecided"
    assert verdict(interval, 0.01, Permuted(0.25, 0.25), 0.1) == "faster"
    assert verdict(interval, 0.01, Permuted(0.004, 1 / 512), 0.1) == "faster"


@pytest.mark.parametrize(
    ("low", "high", "p_adjusted", "said"),
    [
        (0.96, 1.08, 0.4, "no-difference"),
        (0.89, 1.08, 0.4, "undecided"),
        (0.96, 1.11, 0.4, "undecided"),
        (1.01, 1.03, 0.01, "slower"),
        (1.01, 1.03, 0.2, "no-difference"),
        (0.60, 0.80, 0.2, "undecided"),
    ],
)
def test_verdicts_follow_the_corrected_test_first_and_the_margin_then(
    low: float, high: float, p_adjusted: float, said: str
) -> None:
    assert verdict(Interval(low=low, high=high), p_adjusted, SAYS_NOTHING, margin=0.1) == said


@pytest.mark.parametrize(
    ("low", "high", "permuted", "said"),
    [
        (0.60, 0.80, SAYS_NOTHING, "faster"),
        (1.20, 1.80, SAYS_NOTHING, "slower"),
        (0.60, 1.01, SAYS_NOTHING, None),
        (0.60, 0.80, Permuted(0.01, 1 / 512), "faster"),
        (0.60, 0.80, Permuted(0.30, 1 / 512), None),
    ],
)
def test_taken_alone_an_interval_without_one_tells_unless_the_permutation_test_contradicts(
    low: float, high: float, permuted: Permuted, said: str | None
) -> None:
    assert taken_alone(Interval(low=low, high=high), permuted) == said


def test_many_comparisons_over_three_blocks_still_say_what_each_shows_alone() -> None:
    found = judged([pair(-0.3, 0.08, blocks=3, form=f"form-{number}") for number in range(64)], Terms())
    undecided = [one for one in found if one.verdict == "undecided" and one.interval is not None]
    assert {one.taken_alone for one in undecided} == {"faster", None}
    assert all((one.taken_alone == "faster") == (one.interval.high < 1) for one in undecided if one.interval)
    assert {one.taken_alone for one in found if one.verdict != "undecided"} <= {None}


def test_over_three_blocks_the_corrected_test_leans_on_the_spread_of_its_phase() -> None:
    found = [pair(-1.0, spread, blocks=3, form=f"form-{spread}") for spread in (0.02, 0.03, 0.05, 0.2)]
    elsewhere = [pair(-1.0, 3.0, blocks=3, phase="pull", form=f"form-{number}") for number in range(4)]
    deviation = {one.form: one.differences.std(ddof=1) for one in found}
    pooled = np.mean([one**2 for one in deviation.values()])
    for one in judged([*found, *elsewhere], Terms()):
        if one.phase == "boot":
            moderated = np.sqrt((pooled + 2 * deviation[one.form] ** 2) / 3)
            leaning = 2 * stats.t.sf(abs(np.log(one.ratio)) / moderated * np.sqrt(3), 3)
            assert (one.p_adjusted or 0) >= max(2 * leaning, one.t_p_value or 1)
            assert (one.p_adjusted or 1) <= max(6 * leaning, one.t_p_value or 0)


def test_an_effect_far_above_the_noise_passes_the_correction_even_with_three_blocks() -> None:
    found = judged([pair(-3.0, 0.1, blocks=3, form=f"form-{number}") for number in range(64)], Terms())
    assert {one.verdict for one in found} == {"faster"}


def test_an_effect_of_the_detectable_size_is_called_in_four_of_five_sweeps_of_three_blocks() -> None:
    alike = np.random.default_rng(4).normal(0, 0.05, (400, 4, 3))
    size = -np.log1p(-np.median([one.detectable for sweep in alike for one in judged(told(sweep), Terms())]))
    called = [judged(told(sweep - size * np.eye(4)[0][:, None]), Terms())[0].verdict == "faster" for sweep in alike]
    assert 0.7 <= np.mean(called) <= 0.95


def test_a_verdict_never_contradicts_the_interval_beside_it() -> None:
    quiet = [pair(0.0, 0.01, blocks=3, form=f"form-{number}") for number in range(60)]
    noisy = [pair(0.5, 0.4, blocks=3, form=f"noisy-{number}") for number in range(40)]
    found = judged([*quiet, *noisy], Terms())
    called = [one for one in found if one.verdict in ("faster", "slower")]
    assert all(one.interval and not one.interval.low <= 1 <= one.interval.high for one in called)
    assert all((one.p_adjusted or 0) >= (one.t_p_value or 1) for one in found)


def test_the_bound_is_the_end_that_is_further_from_no_change() -> None:
    assert bound(Interval(low=0.9, high=1.05)) == pytest.approx(0.1)
    assert bound(Interval(low=0.99, high=1.2)) == pytest.approx(0.2)
