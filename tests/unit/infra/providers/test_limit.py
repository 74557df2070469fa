"""A form that is not made in time fails by its name, so that a race goes on without it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from infra.providers import limit, soci_image
from kit.errors import CommandTimeout

DIGEST = f"sha256:{'0' * 64}"
PROPS: dict[str, Any] = {
    "source": f"127.0.0.1:9/it/source@{DIGEST}",
    "repository": "127.0.0.1:9/it/form",
    "form": "soci-v2",
    "plain_http": True,
}


@pytest.fixture(autouse=True)
def a_clock_that_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit.time, "time", lambda: 1000.0)


def test_the_shortest_limit_counts_and_is_gone_behind_its_block() -> None:
    assert limit.seconds_left(60) == 60
    with limit.within(30), limit.within(1000):
        assert limit.seconds_left(60) == 30
        assert limit.seconds_left(5) == 5
    assert limit.VARIABLE not in os.environ


def test_a_form_is_given_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def make(_request: object, *, timeout_seconds: float) -> None:
        given.append(timeout_seconds)
        raise InterruptedError

    monkeypatch.setattr(soci_image.forms, "make", make)
    with limit.within(100), pytest.raises(InterruptedError):
        soci_image._make(PROPS)
    assert given == [100]
    with limit.within(0), pytest.raises(CommandTimeout, match="it/source as soci-v2: the time for making forms was"):
        soci_image._make(PROPS)
