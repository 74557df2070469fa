from __future__ import annotations

import shlex
from collections.abc import Callable

from typer.testing import CliRunner

from sociometer.cli.main import app
from sociometer.experiments.contents import MOST_REASONS, LeftOut, contents
from sociometer.experiments.formats import Report
from sociometer.experiments.plan import PRESETS, make_plan
from sociometer.experiments.records import Outcome
from sociometer.experiments.store import Store
from tests.contracts.plans import small_design, small_plan
from tests.unit.experiments.conftest import StartSweep

Reported = Callable[..., Report]


def facts(report: Report, title: str) -> dict[str, str]:
    [group] = [group for group in report.contents.provenance if group.title == title]
    return {fact.name: fact.value for fact in group.facts}


def test_nothing_is_left_out_of_a_sweep_in_which_everything_booted(reported: Reported) -> None:
    assert reported().contents.left_out == ()


def test_tasks_that_did_not_boot_are_counted_by_treatment_and_reason(reported: Reported) -> None:
    plan = small_plan(task_counts=(2,))
    report = reported(plan, script={index: [Outcome.TIMEOUT] for index in range(4)})
    assert {(row.form, row.what, row.count) for row in report.contents.left_out} == {
        ("plain", "task timeout", 4),
        ("soci-v2", "task timeout", 4),
    }
    assert {row.reason for row in report.contents.left_out} == {"scripted: timeout"}


def test_a_round_that_failed_is_named_beside_its_tasks(reported: Reported) -> None:
    report = reported(script={0: [Outcome.FAILED] * 3})
    found = {row.what: row for row in report.contents.left_out}
    assert found["round failed"].count == 3
    assert found["task failed"].count == 3 * found["task failed"].task_count


def test_a_task_that_booted_in_an_incomplete_round_is_left_out_for_that(store: Store, reported: Reported) -> None:
    report = reported(small_plan(blocks=1, task_counts=(1,)))
    tasks = report.tasks.assign(round_status="contaminated")
    sweep = store.sweep()
    rounds = report.tasks.head(0).assign(status="", index=0)
    left_out = contents(sweep, report.contents.analysis, tasks, rounds).left_out
    assert {row.what for row in left_out} == {"task booted, in a round contaminated"}


def test_very_many_reasons_are_summed_up(store: Store, reported: Reported) -> None:
    report = reported(small_plan(task_counts=(50,)), script={0: [Outcome.TIMEOUT]})
    tasks = report.tasks
    numbered = tasks["outcome"].astype("str").where(tasks["outcome"] == "booted", tasks.index.astype("str"))
    rounds = tasks.head(0).assign(status="", index=0)
    found = contents(store.sweep(), report.contents.analysis, tasks.assign(reason=numbered), rounds)
    assert len(found.left_out) == MOST_REASONS
    assert sum(row.count for row in found.left_out) + found.left_out_more == 50
    assert all(isinstance(row, LeftOut) for row in found.left_out)


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


def test_the_command_that_repeats_a_preset_gives_the_same_plan(store: Store, sweep: StartSweep) -> None:
    design = PRESETS["full"].design.model_copy(update={"task_counts": (1,), "blocks": 1, "seed": 7})
    report_command = _command(store, sweep(make_plan(design), metadata={"target": "lab", "profile": "fargate-256-512"}))
    words = shlex.split(report_command)
    assert words[:2] == ["sociometer", "run"]
    options = [word for word in words[2:] if word not in ("--stack", "lab")]
    shown = CliRunner().invoke(app, ["plan", *options, "--store", str(store.path.with_name("none")), "--json"])
    assert shown.exit_code == 0, shown.output
    assert make_plan(design).digest in shown.output


def test_the_command_for_a_stack_of_ones_own_sweeps_it(store: Store, sweep: StartSweep) -> None:
    design = small_design(name="mine; rm -rf /")
    words = shlex.split(_command(store, sweep(make_plan(design))))
    assert words[:2] == ["sociometer", "sweep"]
    assert "--plan" not in words


def _command(store: Store, done: object) -> str:
    from sociometer.experiments.contents import command
    from sociometer.experiments.schema import Sweep

    assert isinstance(done, Sweep)
    return command(done)
