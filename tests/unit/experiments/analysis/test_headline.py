from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.cells import Cell, Share
from experiments.analysis.comparisons import Terms
from experiments.analysis.deciding import blocks_to_decide, decided_after, lasting, likely
from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Comparison, Interval
from experiments.analysis.headline import MOST_VARIANTS, headline
from experiments.wording import about, duration
from tests.contracts.plans import small_design


def comparison(seconds: float = 1.55, **changes: object) -> Comparison:
    ratio = seconds / 4.31
    place = {"variant": "movie", "form": "soci-v2", "control": "plain", "task_count": 1, "phase": "boot", "blocks": 5}
    figures = {"seconds": seconds, "control_seconds": 4.31, "ratio": ratio, "verdict": "faster"}
    values = {**place, **figures, "interval": Interval(low=ratio * 0.95, high=ratio / 0.95), **changes}
    return Comparison.model_validate({"control_variant": values["variant"], **values})


def failing(form: str = "soci-v2", booted: int = 12, *, less: bool = True) -> Cell:
    share = Share(booted=booted, tasks=24, low=booted / 24 - 0.1, high=booted / 24 + 0.1)
    place = {"variant": "movie", "form": form, "task_count": 1, "rounds": 3, "rounds_under_load": 0, "tasks": 24}
    figures = {
        "tasks_in_figures": booted,
        "outcomes": {"booted": booted, "timeout": 24 - booted},
        "received_bytes_median": None,
        "phases": {},
    }
    return Cell.model_validate({**place, **figures, "booted": share, "boots_less": less})


def of(*comparisons: Comparison, cells: tuple[Cell, ...] = (), counts: tuple[int, ...] = (1,)) -> str:
    variants = tuple(dict.fromkeys(each.variant for each in comparisons)) or ("movie",)
    forms = ("plain", *dict.fromkeys(each.form for each in comparisons))
    design = small_design(variants=variants, forms=forms, task_counts=counts)
    return headline(comparisons, cells, dict.fromkeys(variants, "boot"), design, 60.0)


UNDECIDED: dict[str, object] = {"verdict": "undecided", "blocks_to_decide": 20}


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (comparison(), "Use soci-v2 for movie: it boots 2.8 s sooner (64 %)."),
        (comparison(5.0, verdict="slower"), "Keep plain for movie: soci-v2 boots 0.69 s later (16 %)."),
        (
            comparison(4.3, verdict="no-difference", margin=0.04),
            "Keep plain for movie: with soci-v2 there is no difference above 4.0 %.",
        ),
        (comparison(4.0, **UNDECIDED), "movie: cannot tell yet; a sweep of 20 blocks (20 minutes) should tell."),
        (
            comparison(4.0, **{**UNDECIDED, "blocks_to_decide": None}),
            "movie: cannot tell yet; it scatters too much for any sweep to tell.",
        ),
        (
            comparison(**UNDECIDED, lost_blocks=2),
            "movie: cannot tell, because too many tasks did not boot as soci-v2.",
        ),
        (
            comparison(interval=None, verdict="undecided", blocks=2),
            "movie: cannot tell from 2 blocks; it takes at least 3.",
        ),
    ],
)
def test_the_headline_says_what_to_do(judged: Comparison, expected: str) -> None:
    assert of(judged) == expected


def test_what_would_be_different_alone_is_probable_and_by_how_many_chance_makes_so() -> None:
    assert of(comparison(**UNDECIDED, taken_alone="faster")) == (
        "movie as soci-v2: probably boots 2.8 s sooner (64 %); a sweep of 20 blocks (20 minutes) should tell. "
        "By chance alone, up to 5.0 % of such sweeps would call something probable."
    )


def test_the_best_of_several_forms_is_named_first() -> None:
    text = of(comparison(2.0, form="soci-v1"), comparison())
    assert text == "Use soci-v2 for movie: it boots 2.8 s sooner (64 %); soci-v1 boots 2.3 s sooner (54 %)."


def test_a_form_that_is_slower_at_another_task_count_is_not_recommended() -> None:
    text = of(comparison(), comparison(5.0, verdict="slower", task_count=8), counts=(1, 8))
    assert text == "movie: boots 2.8 s sooner (64 %) with 1 task, but 0.69 s later (16 %) with 8 tasks."


def test_a_form_whose_tasks_fail_is_not_recommended_however_fast_the_others_are() -> None:
    cells = (failing("plain", 24, less=False), failing())
    text = of(comparison(), cells=cells)
    assert text.startswith("Keep plain for movie: as soci-v2 only 12 of 24 tasks (40–60 %) booted as")  # noqa: RUF001
    assert ", as plain 24 of 24" in text
    assert "Use" not in text
    assert text.endswith("36 of 48 tasks booted (60–86 %); movie as soci-v2 with 1 task: 12 timed out.")  # noqa: RUF001
    both = of(comparison(), comparison(form="soci-v1"), cells=cells)
    assert both.startswith("Use soci-v1 for movie: it boots 2.8 s sooner (64 %); as soci-v2 only 12 of 24 tasks")


def test_a_long_headline_is_cut_and_says_so() -> None:
    assert of(*(comparison(variant=f"v{number}") for number in range(MOST_VARIANTS + 2))).endswith(
        "(64 %). 2 more images below."
    )


def test_of_many_forms_the_best_and_the_decided_are_named() -> None:
    unsure = [comparison(1.0, form=f"zstd(level={n})", interval=None, verdict="undecided", blocks=1) for n in (1, 2, 4)]
    text = of(*unsure, comparison(3.0, form="soci-v1"), comparison(), comparison(3.5, form="zstd"))
    assert text.startswith("Use soci-v2 for movie: it boots 2.8 s sooner (64 %); soci-v1 boots 1.3 s sooner")
    assert text.endswith("zstd boots 0.81 s sooner (19 %); 3 more forms below.")


def test_blocks_to_decide_are_fewer_for_a_large_effect_than_for_a_narrow_interval() -> None:
    scatter = 0.1 * np.array([-1.0, 0.4, 0.6])
    large, none, hopeless = (
        blocks_to_decide(Pairs("movie", "zstd", "movie", "plain", 1, "boot", np.exp(logs), np.ones(3)), Terms(), 0.1)
        for logs in (scatter - 0.9, scatter, 100 * scatter)
    )
    assert large is not None and none is not None
    assert 3 < large < 8 < none
    assert hopeless is None


def test_the_blocks_that_decide_are_a_range() -> None:
    pair = Pairs("movie", "zstd", "movie", "plain", 1, "boot", np.exp(np.array([-0.30, -0.16, -0.14])), np.ones(3))
    usual, least, most = decided_after(pair, Terms(), 0.1)
    assert least is not None and usual is not None and most is not None
    assert 3 < least < usual < most
    assert [likely(8, 30), likely(8, 8), likely(8, None)] == ["8 to 30", "8", "8 to more than 1,000"]
    assert [lasting(8, 30, 60), lasting(8, 300, 60), lasting(8, None, 60), lasting(8, 8, 60)] == [
        "8 to 30 minutes",
        "8 minutes to 5 hours",
        "8 minutes or much longer",
        "8 minutes",
    ]


def test_durations_and_differences_are_rough() -> None:
    assert [duration(value) for value in (0.2, 80, 1_230, 9_000)] == ["1 second", "80 seconds", "20 minutes", "2 hours"]
    assert [about(value) for value in (0.347, 2.75, 12.4)] == ["0.35", "2.8", "12"]


@pytest.mark.parametrize(("compared", "said"), [(4, "up to 19 % of such sweeps"), (64, "about 3 of 64 comparisons")])
def test_what_probable_is_worth_is_said_for_few_and_many_comparisons(compared: int, said: str) -> None:
    primary = [comparison(**UNDECIDED, taken_alone="faster")]
    others = [comparison(phase="pull", task_count=count) for count in range(1, compared)]
    assert f"By chance alone, {said}" in of(*primary, *others)
