"""Claims about `--fail-if-slower` and `--fail-if-unsure` as options: what they mean, refuse and make of a judgement."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.compare import gate, within
from experiments.compare.samples import Recorded
from experiments.compare.versus import Versus
from kit.errors import SettingsError, SlowerError, StoreError, UnsureError
from sociometer import loading
from sociometer.cli import gating
from sociometer.cli.gating import GateOptions
from tests.contracts.plans import small_design
from tests.unit.experiments.compare.test_gate import change, versus

SLOWER = change(1.06, 1.2, "slower")
OPEN = change(0.9, 1.2, "undecided")


@pytest.mark.parametrize(("text", "limit"), [("5%", 0.05), ("5", 0.05), (" 0.5% ", 0.005), ("999%", 9.99)])
def test_a_limit_is_a_percentage_with_or_without_its_sign(text: str, limit: float) -> None:
    assert GateOptions(text).limit == pytest.approx(limit)


@pytest.mark.parametrize("text", ["0%", "1000%", "-5%", "fast"])
def test_a_limit_that_allows_nothing_or_anything_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is no limit"):
        _ = GateOptions(text).limit


def test_to_be_unsure_takes_a_limit() -> None:
    assert GateOptions().limit is None
    with pytest.raises(SettingsError, match="add --fail-if-slower"):
        _ = GateOptions(fail_if_unsure=True).limit


def test_a_plan_that_measures_nothing_beside_its_control_is_refused_where_there_is_a_gate() -> None:
    alone = small_design(forms=("plain",))
    with pytest.raises(SettingsError, match=r"beside its control plain\. Add --control, or another form\.$"):
        GateOptions("5%").check(alone)
    GateOptions("5%").check(small_design())
    GateOptions().check(alone)


@pytest.mark.parametrize(
    ("warnings", "control", "doubted"),
    [(("busier",), None, True), ((), None, False), (("busier",), "plain", False), ((), "plain", False)],
)
def test_a_machine_that_was_busier_in_one_of_two_sweeps_is_said_with_the_refusal(
    warnings: tuple[str, ...], control: str | None, doubted: bool
) -> None:
    with pytest.raises(SlowerError) as refused:
        GateOptions("5%").judge(versus([SLOWER], warnings=warnings, control=control))
    assert ("measure again" in str(refused.value)) == doubted


def test_what_is_open_is_a_warning_or_a_failure_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    GateOptions("5%").judge(versus([OPEN]))
    said = capsys.readouterr().err
    assert "warning: Cannot rule out a slow-down of 5.0 %" in said
    assert gate.reach(versus([OPEN])) in said
    with pytest.raises(UnsureError, match="Cannot rule out"):
        GateOptions("5%", fail_if_unsure=True).judge(versus([OPEN]))
    capsys.readouterr()
    GateOptions().judge(versus([SLOWER, OPEN]))
    assert capsys.readouterr() == ("", "")


def test_a_sweep_is_only_read_again_where_there_is_a_gate(tmp_path: Path) -> None:
    GateOptions().judge_sweep("last", tmp_path / "none.sqlite")
    with pytest.raises(StoreError, match=r"There is no store .*none\.sqlite"):
        GateOptions("5%").judge_sweep("last", tmp_path / "none.sqlite")


def test_what_one_sweep_could_catch_is_asked_about_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def recorded(side: Recorded, analysis: object, *, limit: float) -> Versus:
        asked.append((side.sweep, side.tasks, analysis, limit))
        return versus([])

    monkeypatch.setattr(within, "within", recorded)
    side = SimpleNamespace(sweep="sweep", tasks="tasks", analysis="analysis")
    monkeypatch.setattr(loading, "load", lambda sweep_id, store: {("last", Path("store")): side}[sweep_id, store])
    GateOptions("5%").judge_sweep("last", Path("store"))
    gating.within_one(side, None)  # type: ignore[arg-type]
    assert asked == [("sweep", "tasks", "analysis", 0.05), ("sweep", "tasks", "analysis", 0.0)]
