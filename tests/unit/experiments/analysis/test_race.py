from __future__ import annotations

from collections.abc import Mapping

import pytest

from experiments.analysis.race import Seen, Standing, due, standing
from experiments.analysis.raced import raced
from experiments.plan import schedule
from experiments.plan.plan import make_plan
from experiments.plan.race import Race
from experiments.report import raced as texts
from experiments.store.store import Store
from tests.contracts.plans import small_design
from tests.unit.experiments.conftest import StartSweep

FORMS = ("plain", "soci-v2", "soci-v1")
NOISE = (1.0, 1.02, 0.99, 1.01, 0.98)


def race(**changes: object) -> Race:
    values = {"image": "web", "forms": FORMS, "references": FORMS[:2], "budget_seconds": 1000.0}
    return Race.model_validate({**values, **changes})


def played(rule: Race, seconds: Mapping[str, float | None]) -> tuple[Standing, list[tuple[str, ...]]]:
    """A race to its end, with a little noise, and the forms of its blocks."""
    times: dict[int, dict[str, Seen]] = {}
    blocks: list[tuple[str, ...]] = []
    while (now := standing(rule, times)).next_forms:
        noise = {form: NOISE[(len(times) + place) % len(NOISE)] for place, form in enumerate(now.next_forms)}
        each = {form: seconds[form] for form in now.next_forms}
        times[len(times)] = {
            form: Seen(None if value is None else value * noise[form], (value or 20) + 4)
            for form, value in each.items()
        }
        blocks.append(now.next_forms)
    return now, blocks


def test_what_takes_twice_as_long_is_dropped_after_one_block_and_still_gets_an_interval() -> None:
    end, blocks = played(race(), {"plain": 40, "soci-v2": 10, "soci-v1": 9.9})
    assert end.dropped["plain"] == 1
    assert all("plain" not in forms for forms in blocks[1 : end.raced])
    assert sum("plain" in forms for forms in blocks[end.raced :]) == 3


def test_what_cannot_be_told_apart_goes_to_the_form_that_changes_least() -> None:
    end, _ = played(race(), {"plain": 10.05, "soci-v2": 10, "soci-v1": 10.02})
    assert end.chosen == "plain" and set(end.tied) >= {"plain", "soci-v2"}


def test_a_form_that_is_never_ready_is_dropped_after_two_blocks() -> None:
    end, _ = played(race(), {"plain": 10, "soci-v2": 8, "soci-v1": None})
    assert end.dropped["soci-v1"] == 2 and end.chosen == "soci-v2"


@pytest.mark.slow
@pytest.mark.parametrize("budget", [150, 400, 1000])
def test_a_race_ends_within_its_budget(budget: float) -> None:
    _, blocks = played(race(budget_seconds=budget), {"plain": 12, "soci-v2": 10, "soci-v1": 9.9})
    used = sum({"plain": 12, "soci-v2": 10, "soci-v1": 9.9}[form] * 1.02 + 4 for forms in blocks for form in forms)
    assert used <= budget * 1.05


def test_a_race_is_a_sweep_and_what_is_due_follows_from_its_records(store: Store, sweep: StartSweep) -> None:
    rule = race(budget_seconds=600.0)
    plan = make_plan(small_design(forms=FORMS, task_counts=(1,), blocks=60), race=rule)
    done = sweep(plan, factors={"soci-v1": 0.1})
    records = store.rounds(done.id)
    assert done.status == "finished" and schedule.next_round(due(plan, rule, records), records) is None
    for count in range(len(records)):  # as it was when the process would have been killed
        following = schedule.next_round(due(plan, rule, records[:count]), records[:count])
        assert following is not None and following == records[count].round
    found = raced(done, rule, records)
    assert found.chosen == "soci-v1" and found.confirmed >= 3
    assert texts.headline(found).startswith("soci-v1 is ready in ")


def test_no_round_of_the_first_block_begins_when_the_time_is_over(store: Store, sweep: StartSweep) -> None:
    rule = race(budget_seconds=1.0)
    plan = make_plan(small_design(forms=FORMS, task_counts=(1,), blocks=60), race=rule)
    done = sweep(plan)
    records = store.rounds(done.id)
    assert len(records) == 1 and done.status == "finished"  # the first is always run
    assert schedule.next_round(due(plan, rule, records), records) is None
    found = raced(done, rule, records)
    assert found.chosen is None and found.out_of_time
    assert texts.headline(found).startswith("The time was over when 1 of 3 forms had been ready once")


def test_the_race_of_another_budget_is_another_plan() -> None:
    design = small_design(forms=FORMS)
    assert make_plan(design, race=race()).digest != make_plan(design, race=race(budget_seconds=1.0)).digest
