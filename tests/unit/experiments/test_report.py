from __future__ import annotations

import pytest

from sociometer.experiments import frames
from sociometer.experiments.records import Outcome
from sociometer.experiments.report import TEXT_WIDTH, change, comparisons, seconds, text
from sociometer.experiments.store import Store
from sociometer.experiments.summary import Summary, summarise
from tests.contracts.plans import small_plan
from tests.unit.experiments.conftest import StartSweep


@pytest.fixture
def summary(store: Store, sweep: StartSweep) -> Summary:
    """A sweep of three blocks in which one round timed out."""
    done = sweep(small_plan(blocks=3), script={0: [Outcome.TIMEOUT]})
    return summarise(done, frames.tasks(store, done.id), frames.rounds(store, done.id))


def test_the_report_names_the_sweep_and_shows_every_form_and_outcome(summary: Summary) -> None:
    shown = text(summary)
    assert summary.sweep_id in shown
    assert "seed 1" in shown
    for word in ("movie", "plain", "soci-v2", "booted", "1 timeout", "pull", "ready", "boot"):
        assert word in shown
    assert max(len(line) for line in shown.splitlines()) <= TEXT_WIDTH


def test_each_form_is_compared_with_plain_in_one_sentence_per_task_count(summary: Summary) -> None:
    sentences = list(comparisons(summary))
    assert len(sentences) == 2
    soci = next(cell for cell in summary.cells if cell.form == "soci-v2" and cell.task_count == 2)
    plain = next(cell for cell in summary.cells if cell.form == "plain" and cell.task_count == 2)
    pull, base = soci.phases["pull"].median_seconds, plain.phases["pull"].median_seconds
    assert f"movie, 2 tasks: soci-v2 pulls in {seconds(pull)} s instead of {seconds(base)} s" in sentences[1]
    assert change(pull / base) in sentences[1]


def test_a_report_over_nothing_is_a_report(store: Store, sweep: StartSweep) -> None:
    shown = text(summarise(sweep(), frames.tasks(store, "none"), frames.rounds(store, "none")))
    assert "nothing can be concluded" in shown
    assert "0 of 8 rounds complete" in shown


def test_markup_in_a_name_is_shown_as_it_is(store: Store, sweep: StartSweep, summary: Summary) -> None:
    hostile = summary.model_copy(update={"notes": ("[red]not markup[/red] [/]",)})
    assert "[red]not markup[/red] [/]" in text(hostile)


@pytest.mark.parametrize(("value", "shown"), [(0.3, "0.30"), (9.994, "9.99"), (16.44, "16.4"), (123.4, "123.4")])
def test_seconds_have_about_three_digits(value: float, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(("ratio", "shown"), [(0.54, "-46 %"), (1.0, "+0 %"), (1.32, "+32 %")])
def test_a_ratio_is_shown_as_its_change(ratio: float, shown: str) -> None:
    assert change(ratio) == shown
