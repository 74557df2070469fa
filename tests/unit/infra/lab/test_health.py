"""Readiness by the image's own health check: what is run, for how long, and what its end means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from infra.lab import health
from infra.lab.container_spec import Container
from infra.lab.ctr import Ctr
from infra.lab.probe import Answer
from infra.lab.protocol import LabTask
from infra.lab.reasons import ImageAtFault
from infra.oci.config import ImageConfig
from kit.command import Completed
from kit.errors import CommandTimeout
from tests.support.fake_host import lab_task


class FakeCtr:
    """Notes what it is told to run."""

    def __init__(self, exit_code: int | None) -> None:
        self.exit_code = exit_code
        self.told: list[tuple[Sequence[str], float]] = []

    def tell(self, words: Sequence[str], timeout_seconds: float) -> Completed:
        self.told.append((words, timeout_seconds))
        if self.exit_code is None:
            raise CommandTimeout("ctr tasks did not end.")
        return Completed(tuple(words), self.exit_code, "", "", 0.1)


def task_with(check: dict[str, Any] | None) -> LabTask:
    config = {"config": {} if check is None else {"Healthcheck": check}}
    return lab_task(container=Container(ImageConfig.model_validate(config)))


def looked(ctr: FakeCtr, check: dict[str, Any] | None) -> Answer:
    return health.look(cast(Ctr, ctr), task_with(check))


@pytest.mark.parametrize("code", [0, 1])
def test_only_a_check_that_ends_with_0_is_ready(code: int) -> None:
    answer = looked(FakeCtr(code), {"Test": ["CMD", "/check", "--now"]})
    assert answer == Answer(code == 0, f"its health check ended with {code}")


def test_each_look_is_a_process_of_its_own_in_the_task_s_container() -> None:
    ctr = FakeCtr(1)
    for _ in range(2):
        looked(ctr, {"Test": ["CMD-SHELL", "test -e /up"]})
    (first, _), (second, _) = ctr.told
    assert first[:3] == ["tasks", "exec", "--exec-id"] and first[4:] == ["one", "/bin/sh", "-c", "test -e /up"]
    assert first[3] != second[3]


@pytest.mark.parametrize(("given", "limit"), [({"Timeout": 3 * 10**9}, 3.0), ({}, 30.0), ({"Timeout": 0}, 30.0)])
def test_it_has_the_image_s_time_limit_or_docker_s(given: dict[str, int], limit: float) -> None:
    ctr = FakeCtr(None)
    answer = looked(ctr, {"Test": ["CMD", "/check"], **given})
    assert answer == Answer(ready=False, seen=f"its health check did not end within {limit:g} s")
    assert [seconds for _, seconds in ctr.told] == [limit]


@pytest.mark.parametrize("check", [None, {"Test": ["NONE"]}])
def test_an_image_without_one_is_at_fault(check: dict[str, Any] | None) -> None:
    with pytest.raises(ImageAtFault, match="The image has no HEALTHCHECK"):
        looked(FakeCtr(0), check)
