"""`sociometer run | sweep`: the commands that measure, with `plan` and `clean` beside them.

They parse options, build typed values, call, and print; the work is in `experiments`. Results go to
standard output, progress to standard error.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from experiments.executors import choose
from experiments.plan.plan import Plan, Stopping
from experiments.report import formats
from experiments.store.store import Store, default_path
from experiments.store.sweeps import Sweep
from experiments.sweep import check_same_plan
from infra.oci.soci import require_linux
from infra.outputs import StackOutputs
from sociometer.cli import actions, cleaning, planning, reading, spending
from sociometer.cli.options import (
    DEFAULT_TIMEOUT_SECONDS,
    MOST_BLOCKS,
    AsJson,
    Blocks,
    Budget,
    Changes,
    Counts,
    Forms,
    MaxBlocks,
    PlanName,
    Profile,
    Seed,
    Stack,
    StackSettings,
    StorePath,
    TargetName,
    Timeout,
    UntilPrecision,
    Variant,
    Variants,
    Yes,
    chosen_plan,
    chosen_profile,
    chosen_stopping,
    help_text,
    parse_settings,
)
from sociometer.cli.progress import say
from sociometer.cli.removing import removed_afterwards
from sociometer.cli.where import Where, check_target, chosen_where, only_variant, settings_of

PANEL = "Measure"
ResultsFolder = Annotated[Path, typer.Option("--results", help="Folder for the results; each sweep gets one inside.")]
Destroy = Annotated[
    bool, typer.Option("--destroy", help="Remove the whole stack at the end, however the sweep ends; see `down`.")
]


def register(app: typer.Typer) -> None:
    """Add the commands that measure, and those that read what was measured."""
    for command in (run, planning.plan, sweep, cleaning.clean):
        app.command(rich_help_panel=PANEL, help=help_text(command))(command)
    reading.register(app)


def run(
    plan: PlanName = None,
    variants: Variants = None,
    variant: Variant = None,
    forms: Forms = None,
    counts: Counts = None,
    blocks: Blocks = None,
    seed: Seed = None,
    target: TargetName = None,
    stack: Stack = None,
    profile: Profile = None,
    store: StorePath = None,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    settings: StackSettings = None,
    results: ResultsFolder = Path("results"),
    yes: Yes = False,
    destroy: Destroy = False,
    as_json: AsJson = False,
) -> None:
    """The whole experiment: make the stack, sweep the plan, report.

    The report is printed, and written to the results folder as page, Markdown and text beside the records. What stays
    is the stack (in the lab a registry, on fargate what `down` removes), unless --destroy is given.

    On fargate the cost is shown and asked about first. On sim, --set changes the simulation's parameters.
    """
    where = chosen_where(target, stack, plan, variant)
    changes = Changes(only_variant(variant, variants), forms, counts, blocks, seed)
    more = parse_settings(settings or [])
    chosen = chosen_plan(where.plan, changes) if _simulates(where) else planning.plan_to_make(where, changes, more)
    place = actions.Place(chosen_profile(profile), timeout, store or default_path(), more if _simulates(where) else {})
    if where.spends:
        require_linux()  # before the question, and before anything is made that then has no forms
        _ask(where, chosen, place, yes=yes, more=more)
    with removed_afterwards(where, wanted=destroy):
        made = choose.simulated_outputs(chosen.design) if _simulates(where) else _up(where, chosen, more)
        done = actions.start_sweep(place, where.stack, made, chosen)
        _report(place, done, results, as_json=as_json)


def sweep(
    plan: PlanName = None,
    variants: Variants = None,
    variant: Variant = None,
    forms: Forms = None,
    counts: Counts = None,
    blocks: Blocks = None,
    seed: Seed = None,
    target: TargetName = None,
    until_precision: UntilPrecision = None,
    max_blocks: MaxBlocks = None,
    budget: Budget = None,
    stack: Stack = None,
    profile: Profile = None,
    store: StorePath = None,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    resume: Annotated[
        str | None, typer.Option(metavar="ID|last", help="Go on with a sweep at its first round that is not finished.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Run every round of a plan on a stack that is up, and keep the records.

    Each round is on disk before the next one starts. Ctrl-C stops the tasks, keeps the finished rounds and ends with
    exit code 130; --resume goes on from there, with the same plan unless other plan options are given.

    With --until-precision, blocks are added until every form's interval against plain is as narrow as wanted, from
    six blocks on; the intervals of such a sweep are a little wider, for looking at them has its price.

    On fargate the cost is shown and asked about first.
    """
    stopping = chosen_stopping(until_precision, blocks, max_blocks, budget)
    most = (max_blocks or MOST_BLOCKS) if stopping else blocks
    changes = Changes(only_variant(variant, variants), forms, counts, most, seed)
    place = actions.Place(chosen_profile(profile), timeout, store or default_path())
    if resume is None:
        where = chosen_where(target, stack, plan, variant)
        if _simulates(where):
            chosen = chosen_plan(where.plan, changes, stopping)
            made = choose.simulated_outputs(chosen.design)
        else:
            made = _outputs(where)
            chosen = chosen_plan(where.plan, changes.on(made.variants), stopping)
        if where.spends:
            _ask(where, chosen, place, yes=yes)
        done = actions.start_sweep(place, where.stack, made, chosen)
    else:
        done = _resume(place, resume, stack, (plan, changes, stopping), yes=yes)
    with Store(place.store) as opened:
        records = opened.rounds(done.id)
        contents = formats.read(opened, done).contents
    if as_json:
        short = contents.summary.model_dump(
            include={"sweep_id", "status", "stack", "rounds_planned", "rounds_complete"}
        )
        sys.stdout.write(json.dumps({**short, "store": str(place.store)}, indent=2) + "\n")
    else:
        sys.stdout.write(f"{contents.standing}. `sociometer report` shows it.\n")
    actions.check_all_measured(done, records)


def _resume(
    place: actions.Place,
    sweep_id: str,
    stack: str | None,
    wanted: tuple[str | None, Changes, Stopping | None],
    *,
    yes: bool,
) -> Sweep:
    plan, changes, stopping = wanted
    with Store(place.store) as opened:
        earlier = opened.sweep(sweep_id)
    target = earlier.outputs.target
    where = Where(target, stack or earlier.stack, earlier.plan.design.name)
    if any(option is not None for option in (plan, *changes, stopping)):
        check_same_plan(earlier, chosen_plan(plan or where.plan, changes, stopping))
    if _simulates(where):
        again = replace(place, parameters=choose.parameters_of(earlier.key_metadata))
        return actions.resume_sweep(again, earlier.outputs, earlier)
    made = _outputs(where)
    if where.spends:
        _ask(where, earlier.plan, place, yes=yes, resumed=earlier)
    return actions.resume_sweep(place, made, earlier)


def _ask(
    where: Where,
    plan: Plan,
    place: actions.Place,
    *,
    yes: bool,
    more: dict[str, object] | None = None,
    resumed: Sweep | None = None,
) -> None:
    """Show what will be run and what it costs, and let the user decide; a stack that is up is not made again."""
    rounds = plan.rounds if resumed is None else actions.rounds_left(place.store, resumed)
    settings = planning.settings_for(where, plan, more)
    known = planning.known_on_fargate(place.store, plan, settings)
    bill = spending.bill(plan, rounds, known, settings, make=more is not None)
    spending.warn_of_nobody(settings)
    spending.confirm(bill, yes=yes)


def _up(where: Where, plan: Plan, more: dict[str, object]) -> StackOutputs:
    wanted = settings_of(where, {**planning.plan_settings(plan), **more})
    return check_target(where, actions.up(where.stack, wanted))


def _outputs(where: Where) -> StackOutputs:
    return check_target(where, actions.outputs(where.stack))


def _simulates(where: Where) -> bool:
    return where.target == "sim"


def _report(place: actions.Place, done: Sweep, results: Path, *, as_json: bool) -> None:
    """Print the report, write the results, and raise `SweepError` when a round gave no measurement."""
    with Store(place.store) as opened:
        records = opened.rounds(done.id)
        found = formats.read(opened, done)
    folder = actions.write_results(results, found, records)
    reading.print_report(found, as_json=as_json)
    say(f"Results are in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    actions.check_all_measured(done, records)
