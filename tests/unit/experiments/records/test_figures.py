"""Claims about the figures of a trace that a sweep keeps, and about ids that tell where a task ran."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from experiments.records.origin import is_simulated, target_of
from experiments.records.reads import Figures, Reads

NOTHING = dict.fromkeys(Figures.model_fields, 0)


def test_the_share_that_a_boot_reads_is_of_all_files() -> None:
    assert Figures(**{**NOTHING, "file_bytes": 200, "read_bytes": 50}).share == 0.25
    assert Figures(**NOTHING).share == 0


def test_needless_is_what_was_unpacked_and_not_read() -> None:
    assert Figures(**{**NOTHING, "unpacked_bytes": 200, "read_bytes": 50}).needless == 0.75
    assert Figures(**{**NOTHING, "unpacked_bytes": 200, "read_bytes": 300}).needless == 0, "whole pages at the ends"
    assert Figures(**NOTHING).needless == 0


def test_a_trace_has_figures_or_a_reason_why_it_has_none() -> None:
    figures = Figures(**NOTHING)
    assert Reads(variant="web", figures=figures).reason is None
    assert Reads(variant="web", reason="it did not boot").figures is None
    for both in ({}, {"figures": figures, "reason": "it did not boot"}):
        with pytest.raises(ValidationError, match="either figures or a reason"):
            Reads(variant="web", **both)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task_id", "target", "simulated"),
    [
        ("arn:lab:task/1", "lab", False),
        ("arn:aws:ecs:sim:0:task/1", "sim", True),
        ("arn:aws:ecs:eu-west-2:0:task/1", "fargate", False),
        ("arn:aws-cn:ecs:cn-north-1:0:task/1", "fargate", False),
        ("fake/1", "fake", True),
        ("task/fake/1", None, False),
    ],
)
def test_a_task_s_id_tells_where_it_ran_and_whether_it_was_measured(
    task_id: str, target: str | None, simulated: bool
) -> None:
    assert (target_of(task_id), is_simulated(task_id)) == (target, simulated)
