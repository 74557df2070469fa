from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from experiments.analysis.comparisons import Terms
from experiments.analysis.findings import Tail
from experiments.analysis.statistics import paired
from experiments.analysis.tails import tails
from experiments.records.model import Outcome
from tests.contracts.plans import small_plan
from tests.support.made_frames import Made, made, marked

BLOCKS = 4
BOOT = {"movie": "boot"}


def sweep(count: int) -> Made:
    """A sweep whose tasks of a round take 1, 2, 3 … times a tenth of a second more, soci-v2's a third of plain's."""
    drawn = np.random.default_rng(5).normal(0, 0.05, 100)

    def seconds(round_: object, number: int) -> float:
        factor = {"plain": 3.0, "soci-v2": 1.0}[round_.form]  # type: ignore[attr-defined]
        return factor * (1 + number / 10) * math.exp(drawn[round_.index])  # type: ignore[attr-defined]

    return made(small_plan(task_counts=(count,), blocks=BLOCKS), seconds)


def tails_of(
    made_: Made, change: Callable[[pd.DataFrame], pd.DataFrame] = lambda tasks: tasks
) -> dict[str, list[Tail]]:
    found = tails(made_.sweep.plan.design, change(made_.tasks), made_.rounds, Terms(), BOOT)
    return {of: [tail for tail in found if tail.of == of] for of in ("p95", "p95-of-all", "all")}


def never(tasks: pd.DataFrame, which: pd.Series) -> pd.DataFrame:
    return marked(tasks, which, outcome=Outcome.TIMEOUT.value, boot_seconds=np.nan)


def test_all_tasks_are_there_with_the_last_one_counted_from_the_request() -> None:
    made_ = sweep(3)
    late = made_.tasks["created_ns"] + 2 * 10**9 * (made_.tasks["task_id"].str.endswith("/0"))
    [plain, form] = tails_of(made_, lambda tasks: tasks.assign(created_ns=late))["all"]
    lasts = {
        name: np.array(
            [
                max(value + 2 * (number == 0) for number, value in enumerate(of_round["boot_seconds"]))
                for _, of_round in own.groupby("block")
            ]
        )
        for name, own in made_.tasks.groupby("form", observed=True)
    }
    assert plain.seconds == pytest.approx(np.exp(np.log(lasts["plain"]).mean()))
    low, high = np.exp(paired.interval(np.log(lasts["soci-v2"] / lasts["plain"]), 0.95))
    assert form.ratio_interval is not None and plain.ratio is None
    assert (form.ratio_interval.low, form.ratio_interval.high) == pytest.approx((low, high))


@pytest.mark.parametrize(("count", "of"), [(20, "p95"), (8, "p95-of-all")])
def test_a_percentile_is_of_the_round_where_it_has_twenty_tasks_else_of_all_tasks(count: int, of: str) -> None:
    made_ = sweep(count)
    found = tails_of(made_)
    assert [tail.form for tail in found[of]] == ["plain", "soci-v2"]
    assert sum(map(len, found.values())) == 4
    plain = made_.tasks[made_.tasks["form"] == "plain"]
    by_round = plain.groupby("block")["boot_seconds"].quantile(0.95)
    expected = np.exp(np.log(by_round).mean()) if of == "p95" else plain["boot_seconds"].quantile(0.95)
    assert found[of][0].seconds == pytest.approx(expected)
    assert (found[of][0].interval is not None) == (of == "p95") == (found[of][1].ratio_interval is not None)


def test_fewer_than_twenty_tasks_have_no_percentile_and_one_task_is_no_all() -> None:
    assert not any(tails_of(sweep(1)).values())
    assert not tails_of(sweep(4))["p95-of-all"]


@pytest.mark.parametrize("form", ["plain", "soci-v2"])
def test_a_task_that_never_booted_leaves_its_round_s_end_unknown_and_no_round_is_dropped(form: str) -> None:
    made_ = sweep(3)
    lost = (made_.tasks["form"] == form) & (made_.tasks["block"] == 1) & made_.tasks["task_id"].str.endswith("/0")
    found = {tail.form: tail for tail in tails_of(made_, lambda tasks: never(tasks, lost))["all"]}
    assert found[form].seconds is None and found[form].lost_rounds == 1 and found[form].rounds == BLOCKS
    assert all(tail.ratio is None for tail in found.values())


def test_one_of_forty_that_never_booted_does_not_reach_the_percentile() -> None:
    made_ = sweep(40)
    lost = made_.tasks["task_id"].str.endswith("/39")
    found = tails_of(made_, lambda tasks: never(tasks, lost))
    assert all(tail.seconds is not None and tail.lost_rounds == 0 for tail in found["p95"])
    assert all(tail.seconds is None and tail.lost_rounds == BLOCKS for tail in found["all"])


def test_a_task_that_was_not_lazy_counts_as_users_saw_it() -> None:
    made_ = sweep(3)
    lazy = (made_.tasks["form"] == "soci-v2") & made_.tasks["task_id"].str.endswith("/2")
    slow = marked(made_.tasks, lazy, outcome=Outcome.NOT_LAZY.value, boot_seconds=9.0)
    assert tails_of(made_, lambda _: slow)["all"][1].seconds == pytest.approx(9.0)


def test_a_request_on_another_clock_needs_its_offset() -> None:
    made_ = sweep(3)
    on_aws = made_.tasks.assign(target="fargate")
    assert not tails_of(made_, lambda _: on_aws)["all"]
    rounds = made_.rounds.assign(clock_error_ms=20.0)
    found = tails(made_.sweep.plan.design, on_aws, rounds, Terms(), BOOT)
    assert [tail.of for tail in found] == ["all", "all"]
