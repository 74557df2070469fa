from __future__ import annotations

import pytest

from experiments.analysis.findings import Comparison, Interval
from experiments.analysis.sentences import MOST_IN_HEADLINE, headline, sentence
from experiments.wording import faster_or_slower, percent
from tests.contracts.plans import small_design


def comparison(ratio: float = 0.81, low: float = 0.77, high: float = 0.85, **changes: object) -> Comparison:
    place = {"variant": "movie", "form": "soci-v2", "control": "plain", "task_count": 1, "phase": "boot", "blocks": 5}
    figures = {"seconds": ratio, "control_seconds": 1.0, "ratio": ratio, "verdict": "faster"}
    return Comparison.model_validate({**place, **figures, "interval": Interval(low=low, high=high), **changes})


def of(comparisons: list[Comparison], **phases: str) -> str:
    """Return the headline; ``phases`` are the primary phases by variant, `boot` by default."""
    return headline(comparisons, {**{each.variant: "boot" for each in comparisons}, **phases}, small_design())


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (comparison(), "movie with 1 task boots 19 % (95 % CI 15-23 %) faster as soci-v2 than plain"),
        (
            comparison(1.2, 1.05, 1.37, verdict="slower", task_count=8),
            "movie with 8 tasks boots 20 % (95 % CI 5-37 %) slower as soci-v2 than plain",
        ),
        (
            comparison(1.0, 0.98, 1.04, verdict="no-difference", margin=0.04),
            "movie with 1 task boots equally fast as soci-v2 and plain: no difference larger than 4.0 %",
        ),
        (
            comparison(0.95, 0.88, 1.05, verdict="undecided"),
            "movie with 1 task boots between 12 % faster and 5.0 % slower (95 % CI) as soci-v2 than plain: undecided",
        ),
        (
            comparison(0.79, 0.74, 0.84, verdict="undecided", taken_alone="faster"),
            "movie with 1 task boots 16-26 % faster (95 % CI) as soci-v2 than plain: undecided, faster if taken alone",
        ),
        (
            comparison(1.2, 1.05, 1.37, verdict="undecided", taken_alone="slower"),
            "movie with 1 task boots 5-37 % slower (95 % CI) as soci-v2 than plain: undecided, slower if taken alone",
        ),
        (
            comparison(0.5, interval=None, blocks=2, verdict="undecided", phase="pull"),
            "movie with 1 task pulls 50 % faster as soci-v2 than plain in 2 blocks: too few to tell that from chance",
        ),
    ],
)
def test_each_verdict_is_one_sentence(judged: Comparison, expected: str) -> None:
    assert sentence(judged) == expected


def test_the_headline_names_each_variant_and_form_once_at_the_smallest_count_in_the_primary_phase() -> None:
    others = [comparison(task_count=8), comparison(phase="pull"), comparison(variant="parquet", phase="ready")]
    text = of([*others, comparison(), comparison(form="soci-v1")], parquet="ready")
    assert text.count("movie with 1 task boots") == 1
    assert text.count("than plain") == 3
    assert "parquet with 1 task is ready 19 %" in text
    assert "8 tasks" not in text
    assert "pulls" not in text


def test_a_headline_that_takes_a_comparison_alone_says_what_that_leaves_open() -> None:
    sure = [comparison(form=f"form-{number}") for number in range(63)]
    alone = comparison(variant="parquet", blocks=3, verdict="undecided", taken_alone="faster")
    assert of([alone, *sure]).endswith(
        "more below. Taken alone, about 3 of 64 comparisons would look different even if none were."
    )
    assert "would look different" not in of(sure)


def test_a_long_headline_is_cut_and_says_so() -> None:
    many = [comparison(variant=f"v{number}") for number in range(MOST_IN_HEADLINE + 2)]
    assert of(many).endswith("; and 2 more below.")


@pytest.mark.parametrize(
    ("share", "text"), [(0.193, "19 %"), (0.05, "5.0 %"), (0.0996, "10 %"), (0.0004, "0.0 %"), (2.5, "250 %")]
)
def test_small_shares_have_one_digit_more(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_ratio_is_told_by_its_direction() -> None:
    assert tuple(map(faster_or_slower, (0.81, 1.3, 1.0))) == ("19 % faster", "30 % slower", "0.0 % slower")


def test_a_hostile_name_is_text_as_any_other() -> None:
    assert "<script>" in sentence(comparison(variant="<script>alert(1)</script>"))
