from __future__ import annotations

import pytest

from experiments.analysis.analyse import analyse
from experiments.analysis.findings import Analysis
from experiments.records.model import Round
from experiments.report import figures
from tests.contracts.plans import small_plan
from tests.support.made_frames import made


def analysis(counts: tuple[int, ...], *, prices_of: str | None = None) -> Analysis:
    def seconds(round_: Round, number: int) -> float:
        return (6.0 if round_.form == "plain" else 2.0) * (1 + (7 * round_.index + number) % 5 / 100)

    done = made(small_plan(task_counts=counts, blocks=4), seconds)
    metadata = {"target": "lab", "platform": "linux/amd64", "profile.vcpu": "1", "profile.memory_bytes": str(2**31)}
    tasks = done.tasks.assign(pull_started_ns=done.tasks["created_ns"])
    return analyse(done.sweep.model_copy(update={"key_metadata": metadata}), tasks, done.rounds, prices_of=prices_of)


def test_a_sweep_with_one_task_a_round_has_none_of_these_tables() -> None:
    assert figures.figures(analysis((1,))) == ()


@pytest.mark.slow
@pytest.mark.parametrize("prices_of", [None, "us-east-1"])
def test_each_table_is_there_where_it_says_something_and_every_row_fills_its_columns(prices_of: str | None) -> None:
    shown = figures.figures(analysis((2, 20), prices_of=prices_of))
    assert [table.title for table in shown] == [
        "Over all task counts",
        "The slowest tasks",
        *(["What the seconds are worth on Fargate"] if prices_of else []),
    ]
    assert all(len(row) == len(table.columns) for table in shown for row in table.rows)
    untils = [(row[1], row[2], row[4]) for row in shown[1].rows]
    assert untils == [("2", form, "all") for form in ("plain", "soci-v2")] + [
        ("20", form, until) for until in ("95 %", "all") for form in ("plain", "soci-v2")
    ]


def test_money_has_its_unit_its_region_and_the_date_of_the_price() -> None:
    table = figures.figures(analysis((1, 2), prices_of="us-east-1"))[-1]
    assert "us-east-1" in table.lead and "AWS Price List, published 20" in table.lead
    assert table.columns[-1] == ">USD saved by 1,000 starts"
    assert all(row[-1].startswith("0.05") for row in table.rows)  # 4 s of 1 vCPU and 2 GB at 0.0494 USD an hour
