from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from experiments.store.store import Store
from experiments.sweep import start
from infra.outputs import StackOutputs
from kit.errors import SettingsError, SlowerError
from sociometer.cli import main
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor

Run = Callable[..., Result]


def outputs(release: int) -> StackOutputs:
    """A stack whose movie is another image in each release."""
    plain = stack_outputs()
    image = {"source_image": f"registry:5000/movie@sha256:{release}{'0' * 63}"}
    return plain.model_copy(
        update={"variants": {**plain.variants, "movie": plain.variants["movie"].model_copy(update=image)}}
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return `history` over two stores of six sweeps each; in the second, the image is another and soci-v2 slower."""
    stores = [tmp_path_factory.mktemp("stores") / f"{name}.sqlite" for name in ("old", "new")]
    for release, path in enumerate(stores):
        with Store(path, write=True) as opened:
            for seed in range(6):
                executor = FakeExecutor(stack_outputs(), seed=seed, factors={"soci-v2": 1 + release / 2})
                plan = small_plan(blocks=3, task_counts=(1,))
                start(opened, executor, plan, "lab", outputs(release), lambda _: None)

    def history(*words: str) -> Result:
        places = [word for path in stores for word in ("--store", str(path))]
        return CliRunner().invoke(main.app, ["history", "movie", *words, *places])

    return history


@pytest.mark.slow
def test_history_names_the_release_since_which_an_image_is_slower(run: Run) -> None:
    result = run("--control", "plain", "--release", "1.8=sha256:1000")
    assert result.exit_code == 0, result.output
    assert "slower since release 1.8 (sha256:100000000000)" in result.stdout


@pytest.mark.slow
def test_the_gate_fails_only_beyond_its_limit(run: Run) -> None:
    assert isinstance(run("--control", "plain", "--fail-if-slower", "5%").exception, SlowerError)
    assert run("--control", "plain", "--fail-if-slower", "100%").exit_code == 0


@pytest.mark.slow
def test_json_and_a_page_are_written(run: Run, tmp_path: Path) -> None:
    [series] = json.loads(run("--control", "plain", "--json").stdout)["series"]
    assert series["stretches"][0]["shifts"][0]["image_changed"] is True
    run("--format", "html", "--output", str(tmp_path / "page.html"))
    assert "<svg" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("words", [("--release", "1.8"), ("--format", "csv")])
def test_options_that_mean_nothing_are_refused(run: Run, words: tuple[str, ...]) -> None:
    assert isinstance(run(*words).exception, SettingsError)
