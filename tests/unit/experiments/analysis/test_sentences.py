from __future__ import annotations

import pytest

from experiments.analysis.findings import Comparison, Interval
from experiments.analysis.sentences import sentence, verdict
from experiments.wording import faster_or_slower, percent


def comparison(ratio: float = 0.81, low: float = 0.77, high: float = 0.85, **changes: object) -> Comparison:
    place = {
        "variant": "movie",
        "form": "soci-v2",
        "control": "plain",
        "control_variant": "movie",
        "task_count": 1,
        "phase": "boot",
        "blocks": 5,
    }
    figures = {"seconds": ratio, "control_seconds": 1.0, "ratio": ratio, "verdict": "faster"}
    return Comparison.model_validate({**place, **figures, "interval": Interval(low=low, high=high), **changes})


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
            "movie with 1 task boots between 12 % faster and 5.0 % slower (95 % CI) as soci-v2 than plain: "
            "cannot tell yet",
        ),
        (
            comparison(0.79, 0.74, 0.84, verdict="undecided", taken_alone="faster"),
            "movie with 1 task boots 16-26 % faster (95 % CI) as soci-v2 than plain: probably faster",
        ),
        (
            comparison(1.2, 1.05, 1.37, verdict="undecided", taken_alone="slower"),
            "movie with 1 task boots 5-37 % slower (95 % CI) as soci-v2 than plain: probably slower",
        ),
        (
            comparison(0.5, interval=None, blocks=2, verdict="undecided", phase="pull"),
            "movie with 1 task pulls 50 % faster as soci-v2 than plain in 2 blocks: too few to tell that from chance",
        ),
    ],
)
def test_each_verdict_is_one_sentence(judged: Comparison, expected: str) -> None:
    assert sentence(judged) == expected


@pytest.mark.parametrize(
    ("share", "text"), [(0.193, "19 %"), (0.05, "5.0 %"), (0.0996, "10 %"), (0.0004, "0.0 %"), (2.5, "250 %")]
)
def test_small_shares_have_one_digit_more(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_ratio_is_told_by_its_direction() -> None:
    assert tuple(map(faster_or_slower, (0.81, 1.3, 1.0))) == ("19 % faster", "30 % slower", "0.0 % slower")


def test_a_hostile_name_is_text_as_any_other() -> None:
    assert "<script>" in sentence(comparison(variant="<script>alert(1)</script>"))


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({"lost_blocks": 1}, "too many failed"),
        ({"control_lost_blocks": 1}, "too many failed as plain"),
        ({}, "cannot tell yet"),
    ],
)
def test_an_undecided_verdict_says_whose_tasks_failed(lost: dict[str, int], said: str) -> None:
    assert verdict(comparison(verdict="undecided", **lost)) == said
