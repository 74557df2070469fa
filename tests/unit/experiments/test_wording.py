from __future__ import annotations

import pytest

from experiments import wording
from experiments.analysis import sentences
from experiments.analysis.findings import Comparison, Interval, Verdict


def comparison(verdict: Verdict = "faster", margin: float | None = None) -> Comparison:
    return Comparison(
        variant="movie",
        form="soci-v2",
        control_variant="movie",
        control="plain",
        task_count=8,
        phase="boot",
        blocks=5,
        seconds=16.44,
        control_seconds=22.3,
        ratio=0.74,
        interval=Interval(low=0.7, high=0.79),
        verdict=verdict,
        margin=margin,
    )


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0042, "0.004"), (0.3, "0.30"), (9.994, "9.99"), (9.996, "10.0"), (123.4, "123.4")]
)
def test_seconds_have_about_three_digits(value: float, shown: str) -> None:
    assert wording.seconds(value) == shown


@pytest.mark.parametrize(
    ("figures", "shown"),
    [
        ((2.8,), "2.80"),
        ((14.23, 12.06, 16.41), "14.2 (12.1 to 16.4)"),
        ((-0.004, -0.01, 0.002), "−0.004 (−0.010 to 0.002)"),  # noqa: RUF001
        ((0.0, -0.0001, 0.2), "0.00 (0.00 to 0.20)"),
    ],
)
def test_signed_seconds_have_the_decimals_of_the_largest(figures: tuple[float, ...], shown: str) -> None:
    assert wording.seconds_between(*figures) == shown


@pytest.mark.parametrize(
    ("figures", "shown"),
    [
        ((0.0391, 0.0343, 0.0446), "0.039 (0.034 to 0.045)"),
        ((12.345,), "12.35"),
        ((-0.00001, -0.00002, 0.0), "−0.000010 (−0.000020 to 0.000000)"),  # noqa: RUF001
        ((0.0, 0.0, 0.0), "0.00 (0.00 to 0.00)"),
    ],
)
def test_dollars_have_two_digits_and_cents_at_least(figures: tuple[float, ...], shown: str) -> None:
    assert wording.dollars_between(*figures) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (0.54, "−46 %"),  # noqa: RUF001
        (2, "+100 %"),
        (1, "0 %"),
        (0.9999, "0 %"),
        (0.985, "−1.5 %"),  # noqa: RUF001
        (1.021, "+2.1 %"),
        (0.937, "−6.3 %"),  # noqa: RUF001
        (1.0996, "+10 %"),
    ],
)
def test_a_ratio_is_a_change_with_its_sign(ratio: float, shown: str) -> None:
    assert wording.change(ratio) == shown


def test_an_interval_names_its_unit_once() -> None:
    assert sentences.interval(Interval(low=0.7, high=1.1)) == "−30 to +10 %"  # noqa: RUF001
    assert sentences.interval(None) == ""


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0004, "<0.001"), (0.012, "0.012"), (0.31, "0.31"), (1.0, "1.00"), (None, "")]
)
def test_a_small_probability_is_not_called_zero(value: float | None, shown: str) -> None:
    assert wording.probability(value) == shown


def test_no_difference_is_said_with_the_difference_that_it_excludes() -> None:
    assert sentences.verdict(comparison("no-difference", margin=0.042)) == "no difference above 4.2 %"
    assert sentences.verdict(comparison("undecided")) == "cannot tell yet"


def test_a_comparison_that_only_its_number_of_neighbours_leaves_open_says_so() -> None:
    one = comparison("undecided").model_copy(update={"taken_alone": "faster"})
    assert sentences.verdict(one) == "probably faster"


def test_counts_agree_with_their_nouns() -> None:
    assert [wording.plural(count, "task") for count in (0, 1, 1000)] == ["0 tasks", "1 task", "1,000 tasks"]
