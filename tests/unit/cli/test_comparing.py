from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from experiments.compare.versus import Versus
from experiments.store.store import Store
from experiments.sweep import start
from kit.errors import SettingsError, SlowerError, UnsureError
from sociometer.cli import main
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor

Run = Callable[..., Result]


@pytest.fixture
def store(recorded: Path, tmp_path: Path) -> Path:
    """`recorded`, for the test alone."""
    return Path(shutil.copy(recorded, tmp_path))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sweeps: one, the same again, and one in which soci-v2 takes half as long again."""
    path = tmp_path_factory.mktemp("recorded") / "store.sqlite"
    with Store(path, write=True) as opened:
        for seed, factor in ((0, 1.0), (1, 1.0), (2, 1.5)):
            executor = FakeExecutor(stack_outputs(), seed=seed, factors={"soci-v2": factor})
            plan = small_plan(blocks=5, task_counts=(1,))
            start(opened, executor, plan, "lab", stack_outputs(), lambda _: None)
    return path


@pytest.fixture
def run(store: Path) -> Run:
    def compare(*words: str) -> Result:
        return CliRunner().invoke(main.app, ["compare", *words, "--store", str(store)])

    return compare


@pytest.fixture
def ended(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command as a process sees it: exit code, standard output and standard error."""

    def compare(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["sociometer", "compare", *words, "--store", str(store)])
        with pytest.raises(SystemExit) as ending:
            main.main()
        told = capsys.readouterr()
        return int(ending.value.code or 0), told.out, told.err

    return compare


@pytest.mark.slow
def test_the_table_says_what_changed(run: Run) -> None:
    done = run("last~1", "last")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    [boot] = [line for line in lines if line.split()[:4] == ["movie", "1", "soci-v2", "boot"]]
    assert boot.endswith("slower")
    assert "(before) against" in lines[0]
    assert max(map(len, lines)) <= 120


@pytest.mark.slow
def test_json_is_the_whole_comparison(run: Run) -> None:
    for options in (("--json",), ("--format", "json")):
        done = run("last~1", *options)
        assert Versus.model_validate_json(done.stdout).changes
        assert json.loads(done.stdout)["measure"] == "seconds"


@pytest.mark.slow
def test_markdown_is_a_table(run: Run) -> None:
    done = run("last~1", "last", "--format", "markdown")
    assert "| variant | tasks | form | phase |" in done.stdout
    assert "|:--|--:|:--|:--|--:|" in done.stdout


@pytest.mark.slow
def test_slower_than_allowed_ends_with_4_one_line_on_stderr_and_the_table_on_stdout(
    ended: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = ended("last~1", "last", "--fail-if-slower", "5%")
    assert code == SlowerError.exit_code == 4
    caught, told = err.splitlines()
    assert caught.startswith("Within these two sweeps: such a pair of sweeps catches a slow-down of ")
    assert told.startswith("error: Slower by 5.0 % or more: boot of movie soci-v2 with 1 task +")
    assert "soci-v2" in out and "verdict" in out


@pytest.mark.slow
def test_no_slower_than_allowed_ends_with_0_and_says_what_could_be_caught(
    ended: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = ended("last~2", "last~1", "--fail-if-slower", "25%")
    assert code == 0
    assert err.startswith("Within these two sweeps: such a pair of sweeps catches a slow-down of ")
    assert err.count("\n") == 1
    assert err.strip() in " ".join(out.split())


@pytest.mark.slow
def test_what_cannot_be_ruled_out_is_a_warning_and_no_failure(ended: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = ended("last~2", "last~1", "--fail-if-slower", "1%")
    assert code == 0
    assert err.splitlines()[1].startswith("warning: Cannot rule out a slow-down of 1.0 %: ")
    assert err.count("\n") == 2


@pytest.mark.slow
def test_what_cannot_be_ruled_out_fails_where_that_is_asked_for(ended: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = ended("last~2", "last~1", "--fail-if-slower", "1%", "--fail-if-unsure")
    assert code == UnsureError.exit_code == 5
    assert "error: Cannot rule out a slow-down of 1.0 %: " in err
    assert "verdict" in out
    assert ended("last~2", "last~1", "--fail-if-slower", "25%", "--fail-if-unsure")[0] == 0
    assert ended("last~2", "last~1", "--fail-if-unsure")[0] == 2


def test_json_stays_json_when_the_gate_fails(ended: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = ended("last~1", "last", "--json", "--fail-if-slower", "5")
    assert code == 4
    assert Versus.model_validate_json(out)


def test_what_is_wrong_is_one_line(ended: Callable[..., tuple[int, str, str]]) -> None:
    for words, code, said in (
        (("nonsense", "last"), 1, "holds no sweep 'nonsense'"),
        (("last", "--across", "image"), 2, "--across image is about two sweeps. Name the other one, too."),
        (("last~1", "last", "--across", "weather"), 2, "--across 'weather' is unknown. Allowed: image, target"),
        (("last~1", "last", "--format", "xml"), 2, "no format 'xml'. Allowed: text, markdown, json."),
    ):
        assert (found := ended(*words))[:2] == (code, "")
        assert said in found[2]
        assert found[2].count("\n") == 1


@pytest.mark.parametrize("limit", ["fast", "0%", "-5%", "1000%", "2000%", "nan", ""])
def test_an_impossible_limit_is_refused_before_anything_is_read(limit: str) -> None:
    done = CliRunner().invoke(main.app, ["compare", "a", "b", f"--fail-if-slower={limit}", "--store", "/nonexistent"])
    assert isinstance(done.exception, SettingsError)
    assert f"--fail-if-slower {limit!r} is no limit" in str(done.exception)


@pytest.mark.slow
def test_one_sweep_is_judged_against_its_own_control(ended: Callable[..., tuple[int, str, str]], store: Path) -> None:
    with Store(store, write=True) as opened:
        executor = FakeExecutor(stack_outputs(), factors={"soci-v2": 3.0})
        start(opened, executor, small_plan(blocks=5, task_counts=(1,)), "lab", stack_outputs(), lambda _: None)
    code, out, err = ended("last", "--fail-if-slower", "5%")
    assert code == 4
    assert "against plain within this sweep" in out.splitlines()[0]
    assert err.splitlines()[0].startswith("Such a sweep catches a slow-down of ")
    assert "movie soci-v2 with 1 task against plain +" in err
    assert ended("last~1", "last~1", "--fail-if-slower", "5%")[0] == 0
    told = Versus.model_validate_json(ended("last", "--json")[1])
    assert told.control == "plain"


@pytest.mark.slow
def test_other_sweeps_of_the_same_images_are_found_in_both_stores(
    ended: Callable[..., tuple[int, str, str]], store: Path, tmp_path: Path
) -> None:
    """Days that differ by half are no evidence that one of them is slower by 5 %."""
    assert "All of this is within these two sweeps" in ended("last~1", "last")[1].replace("\n", " ")
    other = tmp_path / "other.sqlite"
    for path, factors in ((store, (1.5, 1.0)), (other, (1.3, 1.0))):
        with Store(path, write=True) as opened:
            for seed, factor in enumerate(factors, start=10):
                executor = FakeExecutor(stack_outputs(), seed=seed, factors=dict.fromkeys(("plain", "soci-v2"), factor))
                start(opened, executor, small_plan(blocks=5, task_counts=(1,)), "lab", stack_outputs(), lambda _: None)
    code, out, err = ended(f"{other}:last", "last~2", "--fail-if-slower", "5%")
    assert (code, "By 5 sweeps of the same images, sweeps differ by up to" in out) == (0, True)
    assert err.splitlines()[0].startswith("Such a pair of sweeps catches")
