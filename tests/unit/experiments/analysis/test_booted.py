"""Claims about how many tasks booted, in words."""

from __future__ import annotations

from experiments.analysis.booted import all_tasks, fates, of_tasks
from experiments.analysis.cells import Cell, Share


def cell(form: str, booted: int | None, tasks: int = 8, **outcomes: int) -> Cell:
    share = None if booted is None else Share(booted=booted, tasks=tasks, low=0.1, high=0.9)
    return Cell(
        variant="movie",
        form=form,
        task_count=tasks,
        rounds=1,
        rounds_under_load=0,
        tasks=tasks,
        tasks_in_figures=tasks,
        outcomes={name.replace("_", "-"): count for name, count in outcomes.items()},
        booted=share,
        received_bytes_median=None,
        phases={},
    )


def test_a_share_is_told_with_its_interval_and_what_was_done() -> None:
    share = Share(booted=1_000, tasks=1_200, low=0.8, high=0.86)
    assert of_tasks(share) == "1,000 of 1,200 tasks (80\N{EN DASH}86 %)"
    assert of_tasks(share, "booted") == "1,000 of 1,200 tasks booted (80\N{EN DASH}86 %)"


def test_each_fate_that_kept_a_task_from_its_promise_is_told_with_its_number() -> None:
    told = fates(cell("soci-v2", 2, timeout=1_000, stopped=2, not_lazy=1, aborted=3))
    assert list(told) == ["1,000 timed out", "2 stopped", "1 booted without lazy loading"]
    assert list(fates(cell("plain", 8, timeout=0))) == []


def test_a_headline_names_two_of_the_treatments_that_failed_and_counts_the_others() -> None:
    failing = [cell(f"form-{number}", 6, timeout=1, stopped=1) for number in range(4)]
    named = [f"movie as form-{number} with 8 tasks: 1 timed out, 1 stopped" for number in range(4)]
    assert (all_tasks([cell("plain", 8), *failing]) or "").split("; ")[1:] == [*named[:2], "and 2 more below"]
    assert (all_tasks([cell("plain", 8), *failing[:3]]) or "").split("; ")[1:] == [*named[:2], "and 1 more below"]
    assert (all_tasks([cell("plain", 8), *failing[:2]]) or "").split("; ")[1:] == named[:2]
    whole = all_tasks([cell("plain", 8), cell("soci-v2", None)]) or ""
    assert whole.startswith("8 of 8 tasks booted (")
    assert ";" not in whole


def test_a_headline_says_as_promised_where_a_task_booted_otherwise() -> None:
    told = all_tasks([cell("plain", 8), cell("soci-v2", 7, not_lazy=1)]) or ""
    assert told.startswith("15 of 16 tasks booted as promised (")
    assert told.endswith("; movie as soci-v2 with 8 tasks: 1 booted without lazy loading")


def test_without_any_task_there_is_nothing_to_tell() -> None:
    assert all_tasks([cell("plain", None)]) is None
