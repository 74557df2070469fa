from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from experiments.plan.plan import Stopping, make_plan
from experiments.plan.presets import PRESETS
from experiments.report.formats import Report
from experiments.store.store import Store
from sociometer.cli.main import app
from sociometer.cli.stopping import chosen_stopping
from tests.contracts.plans import small_design
from tests.unit.experiments.conftest import StartSweep

Reported = Callable[..., Report]


def facts(report: Report, title: str) -> dict[str, str]:
    [group] = [group for group in report.contents.provenance if group.title == title]
    return {fact.name: fact.value for fact in group.facts}


def test_the_provenance_names_seed_digest_images_and_tools(reported: Reported, store: Store) -> None:
    report = reported(metadata={"target": "lab", "tool.soci": "0.16.0", "machine.cpu": "EPYC", "profile.vcpu": "0.25"})
    sweep = store.sweep()
    assert facts(report, "Plan")["digest"] == sweep.plan.digest
    assert facts(report, "Plan")["seed"] == "1"
    assert facts(report, "Tool versions") == {"soci": "0.16.0"}
    assert facts(report, "Machine") == {"cpu": "EPYC"}
    assert facts(report, "Profile") == {"vcpu": "0.25"}
    images = sweep.outputs.variants["movie"].treatments
    assert images["plain"].image in facts(report, "Images")["movie, plain"]


REPEATED: list[tuple[str, dict[str, object], Stopping | None, str]] = [
    ("full", {"target": "lab", "profile": "fargate-256-512"}, None, "run"),
    ("full", {"target": "lab", "profile": "unshaped"}, Stopping(precision=0.05, budget_seconds=5400), "sweep"),
    ("fargate", {"target": "fargate"}, Stopping(precision=0.025, points=True), "sweep"),
    ("fargate", {"target": "sim"}, None, "run"),
    ("fargate", {"target": "sim"}, Stopping(precision=0.05), "sweep"),
]


@pytest.mark.parametrize(("plan", "metadata", "stopping", "begins"), REPEATED)
def test_the_command_that_repeats_a_sweep_gives_the_same_plan(
    store: Store, sweep: StartSweep, plan: str, metadata: dict[str, object], stopping: Stopping | None, begins: str
) -> None:
    blocks = 1 if stopping is None else 7
    design = PRESETS[plan].design.model_copy(update={"task_counts": (1,), "blocks": blocks, "seed": 7})
    plan_to_repeat = make_plan(design, stopping)
    done = sweep(make_plan(design), metadata=metadata)
    repeated = shlex.split(_command(store, done.model_copy(update={"plan": plan_to_repeat})))
    assert repeated[:2] == ["sociometer", begins]
    options = dict(zip(repeated[2::2], repeated[3::2], strict=True))
    removed = {name: options.pop(name, None) for name in ("--until-precision", "--max-blocks", "--budget", "--stack")}
    assert options.get("--target", "lab") == metadata["target"]
    assert options.get("--profile") == metadata.get("profile")
    if stopping is not None:
        assert chosen_stopping(removed["--until-precision"], None, blocks, removed["--budget"]) == stopping
        options["--blocks"] = str(removed["--max-blocks"])
    words = [word for option in options.items() for word in option]
    shown = CliRunner().invoke(app, ["plan", *words, "--store", str(store.path.with_name("none")), "--json"])
    assert shown.exit_code == 0, shown.output
    assert make_plan(design).digest in shown.output


def test_a_simulation_shows_its_parameters_and_a_rule_its_precision(reported: Reported, store: Store) -> None:
    report = reported(metadata={"target": "sim", "parameter.launches": "100/20"})
    assert facts(report, "Parameters of the simulation") == {"launches": "100/20"}


def test_the_command_for_a_stack_of_ones_own_sweeps_it(store: Store, sweep: StartSweep) -> None:
    design = small_design(name="mine; rm -rf /")
    words = shlex.split(_command(store, sweep(make_plan(design))))
    assert words[:2] == ["sociometer", "sweep"]
    assert "--plan" not in words


def _command(store: Store, done: object) -> str:
    from experiments.report.contents import command
    from experiments.store.sweeps import Sweep

    assert isinstance(done, Sweep)
    return command(done)
