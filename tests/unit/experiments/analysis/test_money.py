from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from experiments.analysis.comparisons import Terms
from experiments.analysis.findings import Bill
from experiments.analysis.money import bill
from experiments.forecast.prices import of_region
from experiments.records.model import Round
from tests.contracts.plans import small_plan
from tests.support.made_frames import Made, made

FARGATE = {
    "target": "fargate",
    "region": "us-east-1",
    "platform": "linux/arm64",
    "cpu_units": "256",
    "memory_mebibytes": "512",
}
LAB = {
    "target": "lab",
    "platform": "linux/amd64",
    "profile.vcpu": "0.25",
    "profile.memory_bytes": str(512 * 2**20),
}
BEFORE_PULL = 9.0


def sweep() -> Made:
    """A sweep of four blocks; before each pull pass nine seconds, which Fargate does not bill."""
    drawn = np.random.default_rng(2).normal(0, 0.02, 100)

    def seconds(round_: Round, _: int) -> float:
        return BEFORE_PULL + {"plain": 20.0, "soci-v2": 8.0}[round_.form] * math.exp(drawn[round_.index])

    made_ = made(small_plan(task_counts=(1,), blocks=4), seconds)
    pulled = made_.tasks["created_ns"] + int(BEFORE_PULL * 10**9)
    return Made(made_.sweep, made_.tasks.assign(pull_started_ns=pulled), made_.rounds)


def billed(metadata: dict[str, str], region: str | None = None) -> Bill | None:
    made_ = sweep()
    return bill(made_.sweep.plan.design, made_.tasks, Terms(), {"movie": "boot"}, metadata, region)


def test_a_start_is_billed_from_its_pull_on_at_the_price_of_its_region() -> None:
    of = billed(FARGATE)
    assert of is not None and of.usd_per_second is not None
    table = of_region("us-east-1")
    assert table is not None
    vcpu_hour, gb_hour = table.fargate("arm64")
    assert of.usd_per_second == pytest.approx((0.25 * vcpu_hour + 0.5 * gb_hour) / 3600)
    [saving] = of.savings
    tasks = sweep().tasks.assign(seconds=lambda frame: np.log(frame["boot_seconds"] - BEFORE_PULL))
    means = np.exp(tasks.groupby("form", observed=True)["seconds"].mean())
    assert saving.seconds == pytest.approx(means["plain"] - means["soci-v2"])
    assert saving.interval is not None and saving.usd_interval is not None and saving.usd is not None
    assert saving.usd == pytest.approx(1000 * saving.seconds * of.usd_per_second)
    assert saving.usd_interval.low / saving.usd == pytest.approx(saving.interval.low / saving.seconds)
    assert saving.usd_interval.low < saving.usd < saving.usd_interval.high


def test_the_lab_has_no_bill_unless_asked_for_a_region_s() -> None:
    assert billed(LAB) is None
    of = billed(LAB, "eu-west-2")
    table = of_region("eu-west-2")
    assert of is not None and table is not None
    vcpu_hour, gb_hour = table.fargate("amd64")
    assert of.usd_per_second == pytest.approx((0.25 * vcpu_hour + 0.5 * gb_hour) / 3600)


def test_a_region_without_prices_has_seconds_and_no_money() -> None:
    of = billed({**FARGATE, "region": "mars-1"})
    assert of is not None and of.usd_per_second is None
    assert [(saving.usd, saving.interval is None) for saving in of.savings] == [(None, False)]


def test_what_was_recorded_without_a_task_s_size_has_no_bill() -> None:
    assert billed({"target": "fargate", "region": "us-east-1"}) is None


def test_a_pull_that_was_not_seen_is_not_billed_from_the_request() -> None:
    made_ = sweep()
    unseen = made_.tasks.assign(pull_started_ns=pd.array([None] * len(made_.tasks), dtype="Int64"))
    of = bill(made_.sweep.plan.design, unseen, Terms(), {"movie": "boot"}, FARGATE)
    assert of is not None and of.savings == ()
