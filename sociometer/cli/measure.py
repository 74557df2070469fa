"""`sociometer run | sweep`: the commands that measure, with `plan` and `clean` beside them.

They parse options, build typed values, call, and print; the work is in `experiments`. Results go to
standard output, progress to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from experiments.plan.plan import Stopping
from experiments.records.model import RoundRecord
from experiments.report import formats
from experiments.resuming import check_same_plan
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from sociometer.cli import actions, cleaning, commands, planning, reading, suggestions
from sociometer.cli.choosing import TARGETS, chosen_target
from sociometer.cli.gating import GateOptions
from sociometer.cli.images import ImageOptions
from sociometer.cli.options import (
    DEFAULT_TIMEOUT_SECONDS,
    AsJson,
    Changes,
    PlanOptions,
    StackSettings,
    Timeout,
    WhereOptions,
    Yes,
    chosen_plan,
    chosen_profile,
    parse_settings,
)
from sociometer.cli.progress import say
from sociometer.cli.removing import removed_afterwards
from sociometer.cli.stopping import MOST_BLOCKS, UntilOptions

PANEL = "Measure"
ResultsFolder = Annotated[Path, typer.Option("--results", help="Folder for the results; each sweep gets one inside.")]
Destroy = Annotated[
    bool, typer.Option("--destroy", help="Remove the whole stack at the end, however the sweep ends; see `down`.")
]


def register(app: typer.Typer) -> None:
    """Add the commands that measure, and those that read what was measured."""
    for command in (run, planning.plan, sweep, cleaning.clean):
        commands.add(app, command, PANEL)
    reading.register(app)


def run(
    own: ImageOptions,
    what: PlanOptions,
    where: WhereOptions,
    gate: GateOptions,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    settings: StackSettings = None,
    results: ResultsFolder = Path("results"),
    yes: Yes = False,
    destroy: Destroy = False,
    as_json: AsJson = False,
) -> None:
    """The whole experiment: make the stack, sweep the plan, report. With --image, for an image of your own.

    The report is printed, and written to the results folder as page, Markdown and text beside the records. What stays
    is the stack (in the lab a registry, on fargate what `down` removes), unless --destroy is given.

    With --control, two images are measured in one sweep, round by round next to each other; with --fail-if-slower that
    is a gate for continuous integration: `--image before=REF --image after=REF --control before --fail-if-slower 5%`.

    On fargate the cost is shown and asked about first. On sim, --set changes the simulation's parameters.
    """
    target = chosen_target(where.target, where.stack, what.plan, what.variant or own.stack_suffix)
    changes, given = what.changes(own.names), parse_settings(settings or [])
    to_set = {**own.settings(target.region(given)), **given}
    plan = target.plan_to_make(changes, to_set)
    gate.check(plan.design)
    setup = actions.Setup(chosen_profile(where.profile), timeout, where.store_path, target.parameters(given))
    setup.check_places(results)
    target.confirm(plan, plan.rounds, setup.store, to_set, yes=yes)
    with removed_afterwards(target, wanted=destroy):
        done = actions.start_sweep(setup, target.stack, target.make(plan, to_set), plan)
        records = _report(setup, done, results, as_json=as_json)
        gate.judge_sweep(done.id, setup.store)
        actions.check_all_measured(done, records)


def sweep(
    what: PlanOptions,
    until: UntilOptions,
    where: WhereOptions,
    gate: GateOptions,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="ID|last",
            help="Go on with a sweep at its first round that is not finished.",
            autocompletion=suggestions.sweeps,
        ),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Run every round of a plan on a stack that is up, and keep the records.

    Each round is on disk before the next one starts. Ctrl-C, SIGTERM and a closed terminal stop the tasks, keep the
    finished rounds and end with exit code 128 + the signal (130 for Ctrl-C); --resume goes on from there, with the same
    plan unless other plan options are given.

    With --until-precision, blocks are added until every interval against a control is as narrow as wanted, from
    six blocks on; its intervals are a little wider, because they are looked at repeatedly.

    On fargate the cost is shown and asked about first.
    """
    stopping = until.stopping(what.blocks)
    changes = what.changes(blocks=(until.max_blocks or MOST_BLOCKS) if stopping else None)
    setup = actions.Setup(chosen_profile(where.profile), timeout, where.store_path)
    setup.check_places()
    if resume is None:
        target = chosen_target(where.target, where.stack, what.plan, what.variant)
        outputs, plan = target.prepared(changes, stopping)
        gate.check(plan.design)
        target.confirm(plan, plan.rounds, setup.store, outputs, yes=yes)
        done = actions.start_sweep(setup, target.stack, outputs, plan)
    else:
        done = _resume(setup, resume, where.stack, (what.plan, changes, stopping), gate, yes=yes)
    with Store(setup.store) as opened:
        records = opened.rounds(done.id)
        contents = formats.read(opened, done).contents
    if as_json:
        short = contents.summary.model_dump(
            include={"sweep_id", "status", "stack", "rounds_planned", "rounds_complete"}
        )
        sys.stdout.write(json.dumps({**short, "store": str(setup.store)}, indent=2) + "\n")
    else:
        sys.stdout.write(f"{contents.standing}. `sociometer report` shows it.\n")
    gate.judge_sweep(done.id, setup.store)
    actions.check_all_measured(done, records)


def _resume(
    setup: actions.Setup,
    sweep_id: str,
    stack: str | None,
    wanted: tuple[str | None, Changes, Stopping | None],
    gate: GateOptions,
    *,
    yes: bool,
) -> Sweep:
    plan, changes, stopping = wanted
    with Store(setup.store) as opened:
        earlier = opened.sweep(sweep_id)
    gate.check(earlier.plan.design)
    target = TARGETS[earlier.outputs.target](stack or earlier.stack, earlier.plan.design.name)
    if any(option is not None for option in (plan, *changes, stopping)):
        seed = earlier.plan.design.seed if changes.seed is None else changes.seed
        check_same_plan(earlier, chosen_plan(plan or target.plan, changes._replace(seed=seed), stopping))
    outputs, parameters = target.resumed(earlier)
    left = actions.rounds_left(setup.store, earlier)
    target.confirm(earlier.plan, left, setup.store, outputs, yes=yes)
    return actions.resume_sweep(replace(setup, parameters=parameters), outputs, earlier)


def _report(setup: actions.Setup, done: Sweep, results: Path, *, as_json: bool) -> Sequence[RoundRecord]:
    """Print the report and write the results; gives the records."""
    with Store(setup.store) as opened:
        records = opened.rounds(done.id)
        report = formats.read(opened, done)
    folder = actions.write_results(results, report, records)
    reading.print_report(report, as_json=as_json)
    say(f"Results are in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return records
