from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from experiments.analysis import comparisons
from experiments.analysis.comparisons import Terms, bound, compare, taken_alone, verdict
from experiments.analysis.effects import Pairs, primary_phases
from experiments.analysis.findings import Comparison, Interval
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.permutation import Permuted

RNG = np.random.default_rng(2)
SAYS_NOTHING = Permuted(0.25, 0.25)


@pytest.fixture(autouse=True)
def _draws_do_not_depend_on_the_tests_before() -> None:
    RNG.bit_generator.state = np.random.default_rng(2).bit_generator.state


def pair(log_ratio: float = 0.0, spread: float = 0.02, blocks: int = 5, **place: object) -> Pairs:
    """A comparison whose blocks scatter around a true ratio."""
    control = np.exp(RNG.normal(2, 0.1, blocks))
    where = {
        "variant": "movie",
        "form": "soci-v2",
        "control": "plain",
        "control_variant": "movie",
        "task_count": 1,
        "phase": "boot",
        **place,
    }
    seconds = control * np.exp(RNG.normal(log_ratio, spread, blocks))
    return Pairs(seconds=seconds, control_seconds=control, **where)  # type: ignore[arg-type]


def judged(pairs: list[Pairs], terms: Terms) -> tuple[Comparison, ...]:
    return compare(pairs, terms, primary_phases((pair.variant, pair.phase) for pair in pairs))


def pairs_of(differences: Floats) -> list[Pairs]:
    """One comparison per row of differences of logarithms, all of one phase."""
    ones = np.ones(differences.shape[1])
    return [
        Pairs("movie", f"form-{row}", "movie", "plain", 1, "boot", np.exp(logs), ones)
        for row, logs in enumerate(differences)
    ]


def test_ratio_interval_and_p_values_agree_with_scipy() -> None:
    measured = pair(-0.2, 0.1)
    (comparison,) = judged([measured], Terms())
    reference = stats.ttest_rel(np.log(measured.seconds), np.log(measured.control_seconds))
    expected = np.exp(reference.confidence_interval(0.95))
    assert comparison.interval is not None
    assert (comparison.interval.low, comparison.interval.high) == pytest.approx(tuple(expected))
    assert comparison.ratio == pytest.approx(stats.gmean(measured.seconds / measured.control_seconds))
    assert comparison.t_p_value == comparison.p_adjusted == pytest.approx(reference.pvalue)
    assert comparison.seconds == pytest.approx(stats.gmean(measured.seconds))
    assert comparison.seconds / comparison.control_seconds == pytest.approx(comparison.ratio)


def test_the_primary_phase_bears_three_quarters_of_the_error() -> None:
    phases = ("pull", "start", "ready", "boot")
    pairs = [pair(-0.05, 0.02, phase=phase) for phase in phases]
    comparisons = {each.phase: each for each in judged(pairs, Terms())}
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


@pytest.mark.parametrize(("log_ratio", "expected"), [(-0.5, "faster"), (0.5, "slower"), (0.0, "no-difference")])
def test_ten_quiet_blocks_tell_what_is_true(log_ratio: float, expected: str) -> None:
    (comparison,) = judged([pair(log_ratio, 0.02, blocks=10)], Terms())
    assert comparison.verdict == expected
    assert (comparison.margin is not None) == (expected == "no-difference")


def test_noisy_blocks_leave_it_undecided_and_say_how_many_more_are_needed() -> None:
    measured = pair(0.0, 0.2, blocks=4)
    (comparison,) = judged([measured], Terms(precision=0.05))
    assert comparison.verdict == "undecided"
    assert comparison.blocks_needed is not None
    blocks = comparison.blocks_needed + 4
    deviation = measured.differences.std(ddof=1)
    assert stats.t.ppf(0.975, blocks - 1) * deviation / np.sqrt(blocks) <= np.log(1.05)
    assert stats.t.ppf(0.975, blocks - 2) * deviation / np.sqrt(blocks - 1) > np.log(1.05)


@pytest.mark.slow
def test_an_interval_as_narrow_as_wanted_that_holds_one_is_no_difference() -> None:
    comparisons = [
        judged([pair(RNG.uniform(-0.06, 0.06), 0.05, blocks=8)], Terms(precision=0.05))[0] for _ in range(200)
    ]
    narrow = [
        each
        for each in comparisons
        if each.blocks_needed == 0 and each.interval and each.interval.low < 1 < each.interval.high
    ]
    assert len(narrow) > 20
    assert {each.verdict for each in narrow} == {"no-difference"}


def test_a_sweep_that_may_stop_early_has_wider_intervals_and_larger_p_values() -> None:
    measured = pair(-0.1, 0.05, blocks=6)
    (fixed,) = judged([measured], Terms())
    (stopped,) = judged([measured], Terms(nominal_level=0.9675, p_factor=2))
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
    ("low", "high", "p_adjusted", "expected"),
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
    low: float, high: float, p_adjusted: float, expected: str
) -> None:
    assert verdict(Interval(low=low, high=high), p_adjusted, SAYS_NOTHING, margin=0.1) == expected


@pytest.mark.parametrize(
    ("low", "high", "permuted", "expected"),
    [
        (0.60, 0.80, SAYS_NOTHING, "faster"),
        (1.20, 1.80, SAYS_NOTHING, "slower"),
        (0.60, 1.01, SAYS_NOTHING, None),
        (0.60, 0.80, Permuted(0.01, 1 / 512), "faster"),
        (0.60, 0.80, Permuted(0.30, 1 / 512), None),
    ],
)
def test_taken_alone_an_interval_without_one_tells_unless_the_permutation_test_contradicts(
    low: float, high: float, permuted: Permuted, expected: str | None
) -> None:
    assert taken_alone(Interval(low=low, high=high), permuted) == expected


@pytest.mark.slow
def test_many_comparisons_over_three_blocks_still_say_what_each_shows_alone() -> None:
    comparisons = judged([pair(-0.3, 0.08, blocks=3, form=f"form-{number}") for number in range(64)], Terms())
    undecided = [each for each in comparisons if each.verdict == "undecided" and each.interval is not None]
    assert {each.taken_alone for each in undecided} == {"faster", None}
    assert all((each.taken_alone == "faster") == (each.interval.high < 1) for each in undecided if each.interval)
    assert {each.taken_alone for each in comparisons if each.verdict != "undecided"} <= {None}


def test_over_three_blocks_the_corrected_test_leans_on_the_spread_of_its_phase() -> None:
    pairs = [pair(-1.0, spread, blocks=3, form=f"form-{spread}") for spread in (0.02, 0.03, 0.05, 0.2)]
    elsewhere = [pair(-1.0, 3.0, blocks=3, phase="pull", form=f"form-{number}") for number in range(4)]
    deviation = {each.form: each.differences.std(ddof=1) for each in pairs}
    pooled = np.mean([value**2 for value in deviation.values()])
    for each in judged([*pairs, *elsewhere], Terms()):
        if each.phase == "boot":
            moderated = np.sqrt((pooled + 2 * deviation[each.form] ** 2) / 3)
            borrowing = 2 * stats.t.sf(abs(np.log(each.ratio)) / moderated * np.sqrt(3), 3)
            assert (each.p_adjusted or 0) >= max(2 * borrowing, each.t_p_value or 1)
            assert (each.p_adjusted or 1) <= max(6 * borrowing, each.t_p_value or 0)


def test_an_effect_far_above_the_noise_passes_the_correction_even_with_three_blocks() -> None:
    comparisons = judged([pair(-3.0, 0.1, blocks=3, form=f"form-{number}") for number in range(64)], Terms())
    assert {each.verdict for each in comparisons} == {"faster"}


@pytest.mark.slow
def test_an_effect_of_the_detectable_size_is_called_in_four_of_five_sweeps_of_three_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparisons, "saved_interval", lambda *_: None)  # takes most of the time; has its own tests
    alike = np.random.default_rng(4).normal(0, 0.05, (200, 4, 3))
    size = -np.log1p(-np.median([each.detectable for sweep in alike for each in judged(pairs_of(sweep), Terms())]))
    called = [judged(pairs_of(sweep - size * np.eye(4)[0][:, None]), Terms())[0].verdict == "faster" for sweep in alike]
    assert 0.7 <= np.mean(called) <= 0.95


@pytest.mark.slow
def test_a_verdict_never_contradicts_the_interval_beside_it() -> None:
    quiet = [pair(0.0, 0.01, blocks=3, form=f"form-{number}") for number in range(60)]
    noisy = [pair(0.5, 0.4, blocks=3, form=f"noisy-{number}") for number in range(40)]
    comparisons = judged([*quiet, *noisy], Terms())
    called = [each for each in comparisons if each.verdict in ("faster", "slower")]
    assert all(each.interval and not each.interval.low <= 1 <= each.interval.high for each in called)
    assert all((each.p_adjusted or 0) >= (each.t_p_value or 1) for each in comparisons)


def test_the_bound_is_the_end_that_is_further_from_no_change() -> None:
    assert bound(Interval(low=0.9, high=1.05)) == pytest.approx(0.1)
    assert bound(Interval(low=0.99, high=1.2)) == pytest.approx(0.2)


@pytest.mark.parametrize("blocks", [3, 5, 6, 10])
def test_equal_durations_do_not_give_a_certainty_that_the_clock_does_not_have(blocks: int) -> None:
    """Without a floor, 2.000 and 2.001 s in every block gave p = 0 and an interval without width."""
    pair = Pairs("movie", "soci-v2", "movie", "plain", 1, "boot", np.full(blocks, 2.001), np.full(blocks, 2.0))
    (only,) = compare([pair], Terms(), {"movie": "boot"})
    assert only.interval is not None
    assert only.interval.low < 1 < only.interval.high
    assert (only.t_p_value or 0) > 0.05
    assert (only.detectable or 0) > 0


def test_equal_durations_far_apart_are_different_but_not_with_p_0() -> None:
    pair = Pairs("movie", "soci-v2", "movie", "plain", 1, "boot", np.full(3, 1.5), np.full(3, 2.0))
    (only,) = compare([pair], Terms(), {"movie": "boot"})
    assert only.verdict == "faster"
    assert 0 < (only.t_p_value or 0) < 1e-4
