from __future__ import annotations

import platform

import pytest

from kit.errors import MachineError
from kit.machine import doctor
from kit.machine.check import Check


def test_warnings_do_not_stop_the_lab() -> None:
    checks = [Check("one", "ok", "yes"), Check("two", "warning", "little"), Check("three", "failure", "none")]
    assert [check.name for check in doctor.obstacles(checks)] == ["three"]


def test_lab_that_cannot_run_is_refused_in_one_line_with_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_DATA", "/proc/none")
    monkeypatch.setenv("SOCIOMETER_CACHE", "/proc/none")
    with pytest.raises(MachineError) as caught:
        doctor.require_lab()
    message = str(caught.value)
    assert "\n" not in message
    assert "disk for data" in message
    assert "disk for caches" in message
    assert "`sociometer doctor` says what to do" in message


def test_every_check_that_is_not_ok_says_what_it_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_DATA", "/proc/none")
    monkeypatch.setenv("SOCIOMETER_CACHE", "/proc/none")
    monkeypatch.setenv("SOCIOMETER_MIRROR", "http://127.0.0.1:1")
    checks = doctor.examine()
    assert [check for check in checks if check.state != "ok" and not (check.meaning and check.advice)] == []
    assert len({check.name for check in checks}) == len(checks)


def test_on_another_system_only_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    [check] = doctor.examine()
    assert (check.name, check.state) == ("system", "failure")
    assert "`sociometer lab-shell`" in check.advice
