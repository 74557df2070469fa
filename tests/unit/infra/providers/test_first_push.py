"""The first push's tag: decided once, kept while nothing changes, and gone with its image."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from infra.providers.first_push import FirstPushProvider, tag_of
from tests.support.ecr_api import REGION, ecr_api, nobody

PROVIDER = FirstPushProvider()
KEY = "3f2a9c01d4e5b6a7" + "0" * 48
INPUTS: dict[str, Any] = {"key": KEY, "repository": "127.0.0.1:5000/stack/movie/source", "ecr_region": REGION}


def test_the_tag_names_the_content_and_the_moment_in_utc() -> None:
    moment = datetime(2026, 11, 25, 3, 15, tzinfo=UTC)
    assert tag_of(KEY, moment) == "3f2a9c01d4e5b6a7-20261125-031500"
    assert tag_of(KEY, moment.astimezone(timezone(timedelta(hours=9)))) == tag_of(KEY, moment)


def test_an_unchanged_program_keeps_its_tag_for_ever() -> None:
    made = PROVIDER.create(INPUTS)
    assert made.outs is not None
    assert made.id == f"{INPUTS['repository']}:{made.outs['tag']}"
    assert PROVIDER.diff(made.id, made.outs, INPUTS).changes is False


@pytest.mark.parametrize("change", [{"key": "f" * 64}, {"repository": "127.0.0.1:5000/other"}])
def test_other_content_or_another_place_is_another_first_push(change: dict[str, Any]) -> None:
    diff = PROVIDER.diff("id", {**INPUTS, "tag": "t"}, {**INPUTS, **change})
    assert diff.replaces == list(change)


def test_credentials_that_expired_do_not_take_the_tag_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    nobody(monkeypatch)
    state = {**INPUTS, "tag": "t"}
    read = PROVIDER.read("id", state)
    assert (read.id, read.outs) == ("id", state)
    assert "its state is kept" in capsys.readouterr().err


def test_a_refusal_of_aws_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with ecr_api(monkeypatch) as api:
        api.refusal = ("AccessDeniedException", "no")
        with pytest.raises(Exception, match="AccessDeniedException"):
            PROVIDER.read("id", {**INPUTS, "tag": "t"})
