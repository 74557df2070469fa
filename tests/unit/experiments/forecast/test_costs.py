"""Claims about the cost estimate, against figures worked out by hand."""

from __future__ import annotations

import pytest

from experiments.forecast.costs import Shape, billed_seconds, estimate, stored_bytes
from experiments.forecast.duration import FargateModel, launching_seconds, plan_seconds
from experiments.forecast.prices import RegionPrices, of_region
from experiments.plan.plan import Plan, make_plan
from experiments.plan.presets import PRESETS
from experiments.records.model import Round
from tests.contracts.plans import small_plan

LONDON = Shape(region="eu-west-2")
MODEL = FargateModel()


@pytest.fixture
def prices() -> RegionPrices:
    found = of_region("eu-west-2")
    assert found is not None
    return found


def of_part(plan: Plan, prices: RegionPrices, name: str, seconds: float = 0, shape: Shape = LONDON) -> float:
    [part] = [part for part in estimate(plan, plan.rounds, seconds, shape, MODEL, prices).parts if part.name == name]
    return part.usd


def movie(form: str, tasks: int) -> Round:
    return Round(block=0, index=0, variant="movie", form=form, task_count=tasks)


def test_a_short_task_is_billed_for_a_minute(prices: RegionPrices) -> None:
    """200 MB: 3.6 s of hashing, 5.6 s of pull, 30 s of stopping, so every task costs 60 s: 12 tasks, 0.2 h."""
    plan = small_plan()
    assert {billed_seconds(round_, plan, MODEL) for round_ in plan.rounds} == {60}
    assert of_part(plan, prices, "Fargate vCPU") == pytest.approx(0.2 * 0.25 * 0.03725)
    assert of_part(plan, prices, "Fargate memory") == pytest.approx(0.2 * 0.5 * 0.00409)


def test_x86_tasks_cost_what_x86_costs(prices: RegionPrices) -> None:
    shape = Shape(region="eu-west-2", architecture="amd64", vcpu=1, memory_gb=2)
    assert of_part(small_plan(), prices, "Fargate vCPU", shape=shape) == pytest.approx(0.2 * 1 * 0.04656)
    assert of_part(small_plan(), prices, "Fargate memory", shape=shape) == pytest.approx(0.2 * 2 * 0.00511)


def test_a_big_round_launches_a_hundred_at_once_and_then_twenty_a_second() -> None:
    assert [launching_seconds(tasks) for tasks in (1, 100, 120, 1_000, 10_000)] == [0, 0, 1, 45, 495]


def test_early_tasks_of_a_big_round_wait_for_the_late_ones_and_are_billed_for_it() -> None:
    """10,000 tasks take 495 s to launch: on average a task waits half of that."""
    plan = small_plan()
    alone, many = (MODEL.billed_seconds(movie("plain", tasks), plan.design.payload) for tasks in (1, 10_000))
    assert many - alone == pytest.approx(247.5)


def test_what_stands_is_billed_by_the_hour_begun(prices: RegionPrices) -> None:
    """A sweep of 41 min and 20 min of making: two hours. One of 40 min: one."""
    plan = small_plan()
    assert of_part(plan, prices, "load balancer", 41 * 60) == pytest.approx(2 * 0.02646)
    assert of_part(plan, prices, "load balancer", 40 * 60) == pytest.approx(0.02646)
    assert of_part(plan, prices, "interface endpoints", 40 * 60) == pytest.approx(3 * 2 * 0.011)
    assert of_part(plan, prices, "its public IPv4 addresses", 40 * 60) == pytest.approx(2 * 0.005)
    assert of_part(plan, prices, "its capacity unit (LCU)", 40 * 60) == pytest.approx(0.0084)


def test_endpoints_that_are_not_made_cost_nothing_and_a_third_zone_has_an_address(prices: RegionPrices) -> None:
    """24 x (0.02646 + 0.0084 + 3 x 0.005) = 1.19664, and the images."""
    plan, shape = small_plan(), Shape(region="eu-west-2", zones=3, interface_endpoints=0)
    found = estimate(plan, plan.rounds, 0, shape, MODEL, prices)
    assert [part.name for part in found.parts if "endpoints" in part.name] == []
    assert found.usd_per_day == pytest.approx(1.19664 + 720e6 / 2**30 * 24 / 730 * 0.10)


def test_public_addresses_of_tasks_are_paid_for_as_long_as_the_tasks(prices: RegionPrices) -> None:
    """12 tasks of a minute: 0.2 h."""
    shape = Shape(region="eu-west-2", public_tasks=True)
    assert of_part(small_plan(), prices, "tasks' public IPv4 addresses", shape=shape) == pytest.approx(0.2 * 0.005)
    parts = estimate(small_plan(), small_plan().rounds, 0, LONDON, MODEL, prices).parts
    assert [part.name for part in parts if part.name.startswith("tasks'")] == []


def test_storage_counts_the_source_and_every_form(prices: RegionPrices) -> None:
    """One variant of 240 MB, source, plain and soci-v2: 720 MB, for one hour of a month of 730."""
    plan = small_plan()
    assert stored_bytes(("movie",), ("plain", "soci-v2"), plan.design.payload) == 720_000_000
    assert of_part(plan, prices, "images in ECR") == pytest.approx(720e6 / 2**30 / 730 * 0.10)


def test_an_own_image_is_larger_where_its_layers_are_not_compressed() -> None:
    """1 GB of gzip as source and plain; 3 GB without compression, 0.93 GB as zstd. Payload of random bytes stays."""
    forms, sizes = ("plain", "uncompressed", "zstd(level=9)", "soci-v2(compression=none)"), small_plan().design.payload
    assert stored_bytes(("web",), forms, sizes, {"web": 10**9}) == 8.93e9
    assert stored_bytes(("movie",), forms, sizes) == 5 * stored_bytes(("movie",), (), sizes)


def test_an_own_image_is_stored_and_pulled_at_its_own_size(prices: RegionPrices) -> None:
    """1 GB as source, plain and soci-v2: 3 GB in ECR; 12 tasks load it. A stack that is there gets nothing more."""
    plan = make_plan(small_plan().design.model_copy(update={"variants": ("web",)}))
    model = FargateModel(layer_bytes={"web": 2**30})
    made = estimate(plan, plan.rounds, 0, LONDON, model, prices)
    there = estimate(plan, plan.rounds, 0, LONDON, model, prices, make=False)
    parts = {part.name: part for part in made.parts}
    assert parts["images in ECR"].usd == pytest.approx(3 / 730 * 0.10)
    assert parts["image transfer"].quantity == "3.00 GB into ECR, at most 12.00 GB to the tasks"
    assert parts["image transfer"].usd == 0
    assert {part.name: part for part in there.parts}["image transfer"].quantity == "at most 12.00 GB to the tasks"


def test_logs_are_16_kib_a_task(prices: RegionPrices) -> None:
    assert of_part(small_plan(), prices, "logs") == pytest.approx(12 * 16 / 2**20 * 0.5985)


def test_a_stack_left_up_costs_a_known_sum_a_day(prices: RegionPrices) -> None:
    """24 x (0.02646 + 0.0084 + 2 x 0.005 + 6 x 0.011) = 2.66064, and the images."""
    plan = small_plan()
    found = estimate(plan, plan.rounds, 0, LONDON, MODEL, prices)
    assert found.usd_per_day == pytest.approx(2.66064 + 720e6 / 2**30 * 24 / 730 * 0.10)


def test_the_plan_for_fargate_costs_a_quarter_of_a_dollar(prices: RegionPrices) -> None:
    """Plain movies take 17.9 s to pull, 13.2 s to hash, 30 s to stop: 62 s. 42 x 62 s and 126 x 60 s are 2.8233 h, x
    (0.25 x 0.03725 + 0.5 x 0.00409) = 0.03207. Two hours of what stands: 2 x 0.11086. Six images of 765 or 740 MB:
    0.00115. 168 x 16 KiB of logs: 0.00153."""
    plan = make_plan(PRESETS["fargate"].design)
    found = estimate(plan, plan.rounds, plan_seconds(plan, {}, MODEL), LONDON, MODEL, prices)
    assert sum(round_.task_count for round_ in plan.rounds) == 168
    assert found.usd == pytest.approx(0.03207 + 2 * 0.11086 + 0.00115 + 0.00153, abs=0.00002)


def test_rounds_that_are_done_are_not_paid_again(prices: RegionPrices) -> None:
    plan = small_plan()
    half = estimate(plan, plan.rounds[:4], 0, LONDON, MODEL, prices)
    whole = estimate(plan, plan.rounds, 0, LONDON, MODEL, prices)
    assert half.parts[0].usd == pytest.approx(whole.parts[0].usd / 2)
