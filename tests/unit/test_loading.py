from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sociometer
from experiments.analysis.analyse import analyse
from experiments.store import frames
from experiments.store.store import Store, default_path
from experiments.sweep import start
from kit.errors import StoreError
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The user's own store, with three small sweeps of different sizes."""
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path))
    with Store(default_path(), write=True) as opened:
        for blocks in (1, 2, 3):
            plan = small_plan(blocks=blocks, task_counts=(1,))
            start(opened, FakeExecutor(stack_outputs()), plan, "lab", stack_outputs(), lambda _: None)
        yield opened


def test_load_gives_the_latest_sweep_of_the_user_s_own_store(store: Store) -> None:
    loaded = sociometer.load()
    assert loaded.sweep == store.sweep()
    assert (len(loaded.tasks), len(loaded.rounds)) == (6, 6)
    assert loaded.tasks.equals(frames.tasks(store, loaded.sweep.id))


@pytest.mark.slow
def test_a_sweep_can_be_named_by_id_by_its_place_from_the_end_and_with_its_store(store: Store, tmp_path: Path) -> None:
    first, second, third = store.sweeps()
    assert sociometer.load(first.id).sweep == first
    assert [sociometer.load(f"last~{back}").sweep for back in range(3)] == [third, second, first]
    moved = tmp_path / "elsewhere" / "kept.sqlite"
    moved.parent.mkdir()
    store.close()
    default_path().rename(moved)
    for named in (f"{moved}:{second.id}", f"{moved}:last~1"):
        assert sociometer.load(named).sweep == second
    assert sociometer.load(f"{moved}:").sweep == third
    assert sociometer.load("last", moved).sweep == sociometer.load("last", str(moved)).sweep == third


def test_what_is_not_there_is_said_with_what_is(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"no sweep 'nonsense'. The latest are: .*{store.sweep().id}"):
        sociometer.load("nonsense")
    with pytest.raises(StoreError, match="holds 3 sweeps: there is no 'last~3'"):
        sociometer.load("last~3")
    with pytest.raises(StoreError, match="There is no store at"):
        sociometer.load("last", tmp_path / "none.sqlite")


@pytest.mark.slow
def test_the_analysis_is_the_report_s(store: Store) -> None:
    loaded = sociometer.load()
    assert loaded.analysis == analyse(loaded.sweep, loaded.tasks, loaded.rounds)
    assert loaded.analysis is loaded.analysis


@pytest.mark.slow
def test_importing_the_package_imports_no_pandas_and_load_is_found_all_the_same() -> None:
    script = (
        "import sys, sociometer; assert not {'pandas', 'numpy', 'scipy'} & set(sys.modules); print(sociometer.load);"
        "import experiments.analysis.analyse, experiments.compare.versus;"
        "assert not {'scipy.optimize', 'scipy.stats'} & set(sys.modules), 'they take longer than an analysis'"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("<function load")
    assert done.stderr == ""


@pytest.mark.slow
def test_a_command_imports_what_is_slow_to_import_only_where_it_is_needed() -> None:
    slow = ("pandas", "numpy", "scipy", "boto3", "pulumi", "httpx", "altair", "pyarrow")
    script = f"import sys, sociometer.cli.main; print(sorted({set(slow)} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_a_provider_imports_what_is_slow_to_import_only_where_it_is_needed() -> None:
    """Pulumi starts the program and a process for each provider anew, for every command and every change."""
    slow = ("numpy", "httpx", "boto3", "pulumi_aws")
    script = f"import sys, infra.providers.soci_image, infra.program; print(sorted({set(slow)} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = sociometer.nonsense
