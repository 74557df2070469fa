"""`sociometer run | plan | sweep | clean`: the commands that measure.

They parse options, build typed values, call, and print; the work is in `sociometer.experiments`. Results go to
standard output, progress to standard error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from sociometer.cli import actions, reading
from sociometer.cli.options import (
    DEFAULT_TIMEOUT_SECONDS,
    MOST_BLOCKS,
    AsJson,
    Blocks,
    Budget,
    Counts,
    Forms,
    MaxBlocks,
    PlanName,
    Profile,
    Seed,
    Stack,
    StorePath,
    Timeout,
    UntilPrecision,
    Variants,
    chosen_plan,
    chosen_preset,
    chosen_profile,
    chosen_stopping,
    help_text,
    parse_settings,
)
from sociometer.cli.plan_table import show_plan
from sociometer.cli.progress import say
from sociometer.errors import SettingsError
from sociometer.experiments import report
from sociometer.experiments.plan import VARIANTS, Plan, check_against_stack
from sociometer.experiments.schema import Sweep
from sociometer.experiments.store import Store, default_path
from sociometer.experiments.sweep import check_same_plan

PANEL = "Measure"
ResultsFolder = Annotated[Path, typer.Option("--results", help="Folder for the results; each sweep gets one inside.")]
StackSettings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the stack; may be repeated.")
]


def register(app: typer.Typer) -> None:
    """Add the commands that measure, and those that read what was measured."""
    for command in (run, plan, sweep, clean):
        app.command(rich_help_panel=PANEL, help=help_text(command))(command)
    reading.register(app)


def run(
    plan: PlanName = None,
    variants: Variants = None,
    forms: Forms = None,
    counts: Counts = None,
    blocks: Blocks = None,
    seed: Seed = None,
    stack: Stack = None,
    profile: Profile = None,
    store: StorePath = None,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    settings: StackSettings = None,
    results: ResultsFolder = Path("results"),
    as_json: AsJson = False,
) -> None:
    """The whole experiment: make the stack, sweep the plan, report.

    The report is printed, and written to the results folder beside the records as JSON and CSV. What stays running
    is the lab's registry, until `sociometer down`.
    """
    chosen = chosen_plan(plan, variants, forms, counts, blocks, seed)
    place = actions.Place(chosen_profile(profile), timeout, store or default_path())
    stack_name = stack or chosen_preset(plan).stack
    wanted = {
        "variants": list(chosen.design.variants),
        "forms": list(chosen.design.forms),
        **chosen.design.payload.settings(),
        **parse_settings(settings or []),
    }
    done = actions.start_sweep(place, stack_name, actions.up(stack_name, wanted), chosen)
    with Store(place.store) as opened:
        records = opened.rounds(done.id)
        summary = reading.summary_of(opened, done)
    folder = actions.write_results(results, summary, records)
    reading.print_summary(summary, as_json=as_json)
    say(f"Results are in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    actions.check_all_measured(done, records)


def plan(
    plan: PlanName = None,
    variants: Variants = None,
    forms: Forms = None,
    counts: Counts = None,
    blocks: Blocks = None,
    seed: Seed = None,
    stack: Stack = None,
    profile: Profile = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Print the rounds of a plan, in their order, and how long they will take.

    With --stack, the plan is checked against what that stack holds.
    """
    chosen = chosen_plan(plan, variants, forms, counts, blocks, seed)
    _check_variants(chosen, stack)
    profile_name = chosen_profile(profile)
    known = actions.earlier_seconds(store or default_path(), chosen, profile_name)
    show_plan(chosen, known, actions.target_model(profile_name), as_json=as_json)


def sweep(
    plan: PlanName = None,
    variants: Variants = None,
    forms: Forms = None,
    counts: Counts = None,
    blocks: Blocks = None,
    seed: Seed = None,
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
    as_json: AsJson = False,
) -> None:
    """Run every round of a plan on a stack that is up, and keep the records.

    Each round is on disk before the next one starts. Ctrl-C stops the tasks, keeps the finished rounds and ends with
    exit code 130; --resume goes on from there, with the same plan unless other plan options are given.

    With --until-precision, blocks are added until every form's interval against plain is as narrow as wanted, from
    six blocks on; the intervals of such a sweep are a little wider, for looking at them has its price.
    """
    stopping = chosen_stopping(until_precision, blocks, max_blocks, budget)
    most = (max_blocks or MOST_BLOCKS) if stopping else blocks
    design = (plan, variants, forms, counts, most, seed, stopping)
    place = actions.Place(chosen_profile(profile), timeout, store or default_path())
    if resume is None:
        chosen = chosen_plan(*design)
        stack_name = stack or chosen_preset(plan).stack
        done = actions.start_sweep(place, stack_name, actions.outputs(stack_name), chosen)
    else:
        wanted = chosen_plan(*design) if any(option is not None for option in design) else None
        done = _resume(place, resume, stack, wanted)
    with Store(place.store) as opened:
        records = opened.rounds(done.id)
        summary = reading.summary_of(opened, done)
    if as_json:
        short = summary.model_dump(include={"sweep_id", "status", "stack", "rounds_planned", "rounds_complete"})
        sys.stdout.write(json.dumps({**short, "store": str(place.store)}, indent=2) + "\n")
    else:
        sys.stdout.write(f"{report.title(summary)}. `sociometer report` shows it.\n")
    actions.check_all_measured(done, records)


def clean(store: StorePath = None, as_json: AsJson = False) -> None:
    """Clear what a killed sweep left behind: the lab's processes, namespaces, mounts and folders.

    Images, the registry and the records stay. Refused while a sweep runs.
    """
    from sociometer.lab.cluster import clear_orphans  # its network libraries are needed here alone

    path = store or default_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with Store.claim(path):
        cleared = clear_orphans()
    if as_json:
        sys.stdout.write(json.dumps(cleared, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"cleared {item}\n" for item in cleared) or "Nothing was left behind.\n")


def _resume(place: actions.Place, sweep_id: str, stack: str | None, wanted: Plan | None) -> Sweep:
    with Store(place.store) as opened:
        earlier = opened.sweep(sweep_id)
    if wanted is not None:
        check_same_plan(earlier, wanted)
    return actions.resume_sweep(place, actions.outputs(stack or earlier.stack), earlier)


def _check_variants(plan: Plan, stack: str | None) -> None:
    if stack is not None:
        check_against_stack(plan, actions.outputs(stack))
        return
    for variant in plan.design.variants:
        if variant not in VARIANTS:
            raise SettingsError(
                f"There is no variant {variant!r}. Allowed: {', '.join(VARIANTS)}, or what the stack of --stack has."
            )
