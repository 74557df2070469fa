from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from experiments.plan.plan import Look, Stopping, make_plan
from experiments.plan.presets import PRESETS
from experiments.records.model import Round
from experiments.store.store import Store
from experiments.sweep import Progress
from kit.errors import SettingsError, SweepError
from sociometer.cli import measure
from sociometer.cli.progress import describe
from sociometer.cli.stopping import MOST_BLOCKS, chosen_stopping
from tests.contracts.outputs import stack_outputs


@pytest.mark.parametrize(
    ("precision", "budget", "rule"),
    [
        ("5%", None, Stopping(precision=0.05)),
        ("2.5", "2h", Stopping(precision=0.025, budget_seconds=7200)),
        ("5pt", None, Stopping(precision=0.05, points=True)),
        (" 10 % ", "90m", Stopping(precision=0.1, budget_seconds=5400)),
        ("5%", "1.5h", Stopping(precision=0.05, budget_seconds=5400)),
    ],
)
def test_a_precision_and_a_budget_are_read_with_their_units(precision: str, budget: str | None, rule: Stopping) -> None:
    found = chosen_stopping(precision, None, 40, budget)
    assert found is not None
    assert found.points == rule.points
    assert found.precision == pytest.approx(rule.precision)
    assert found.budget_seconds == rule.budget_seconds


def test_without_a_precision_there_is_no_rule() -> None:
    assert chosen_stopping(None, 5, None, None) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("five", None, None, None), "--until-precision 'five' is not possible. Allowed: 0.1% to 50%"),
        (("0", None, None, None), "--until-precision '0' is not possible"),
        (("nan", None, None, None), "--until-precision 'nan' is not possible"),
        (("5%", 3, None, None), "Use --max-blocks"),
        ((None, None, 40, None), "Give that, too"),
        ((None, None, None, "2h"), "Give that, too"),
        (("5%", None, None, "2"), "--budget '2' is not a time. Allowed: a number and its unit, such as 90m or 2h"),
        (("5%", None, None, "-1h"), "--budget '-1h' is not a time"),
        (("5%", None, None, "nanh"), "--budget 'nanh' is not a time"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_what_is_allowed(options: tuple[object, ...], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        chosen_stopping(*options)  # type: ignore[arg-type]
    assert said in str(raised.value)


def progress(look: Look | None) -> Progress:
    place = Round(block=6, index=12, variant="movie", form="plain", task_count=1)
    return Progress(
        sweep_id="s",
        round=place,
        attempt=1,
        rounds_done=12,
        rounds_total=60,
        phase="starting",
        seconds_left=1.0,
        look=look,
    )


def test_the_progress_shows_how_narrow_the_intervals_are() -> None:
    assert describe(progress(None)) == "block 7, movie plain x1"
    seen = Look(blocks=6, wanted=0.05, widest=0.083)
    assert describe(progress(seen)) == "block 7 (within 8.3%, wanted 5.0%), movie plain x1"
    assert describe(progress(Look(blocks=6, wanted=0.05))) == "block 7 (within ?, wanted 5.0%), movie plain x1"


@pytest.fixture
def app() -> typer.Typer:
    """The measuring commands."""
    app = typer.Typer()
    measure.register(app)
    return app


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """A store with a sweep until 5 % that was just begun."""
    plan = make_plan(PRESETS["default"].design.model_copy(update={"blocks": MOST_BLOCKS}), Stopping(precision=0.05))
    with Store(tmp_path / "store.sqlite", write=True) as store:
        store.begin_sweep(plan, "lab", {"target": "fake", "profile": "fake"}, stack_outputs())
    return tmp_path / "store.sqlite"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--until-precision", "6%"], "until: 5.0% then, 6.0% now"),
        (["--until-precision", "5%", "--budget", "2h"], "until: 5.0% then, 5.0% in 7200 s now"),
        (["--until-precision", "5%", "--max-blocks", "12"], "blocks: 30 then, 12 now"),
        (["--blocks", "30"], "until: 5.0% then, None now"),
    ],
)
def test_a_sweep_is_not_resumed_with_another_rule(
    app: typer.Typer, store_path: Path, options: list[str], said: str
) -> None:
    done = CliRunner().invoke(app, ["sweep", "--resume", "last", "--store", str(store_path), *options])
    assert isinstance(done.exception, SweepError)
    assert said in str(done.exception)


def test_a_budget_without_a_precision_is_refused_before_anything_is_made(app: typer.Typer, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["sweep", "--budget", "2h", "--store", str(tmp_path / "none.sqlite")])
    assert isinstance(done.exception, SettingsError)
    assert not (tmp_path / "none.sqlite").exists()
