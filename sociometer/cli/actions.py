"""What the measuring commands do once their options are parsed: make a stack, sweep, write results, judge the end."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sociometer.cli.progress import say, sweep_progress
from sociometer.errors import SociometerError, SweepError
from sociometer.experiments import export, report, schedule, sweep, targets
from sociometer.experiments.estimate import TargetModel, Treatment
from sociometer.experiments.history import known_seconds
from sociometer.experiments.plan import Plan
from sociometer.experiments.records import RoundRecord
from sociometer.experiments.schema import Sweep
from sociometer.experiments.store import Store
from sociometer.experiments.summary import Summary, in_figures

if TYPE_CHECKING:
    from sociometer.infra.outputs import StackOutputs


@dataclass(frozen=True)
class Place:
    """Where to measure and where to keep what was measured."""

    profile: str
    timeout_seconds: float
    store: Path


def up(stack: str, settings: Mapping[str, object]) -> StackOutputs:
    """Make the stack, telling its steps on standard error."""
    from sociometer.experiments import stack as stacks  # Pulumi is slow to import

    return stacks.up(stack, settings, say)


def outputs(stack: str) -> StackOutputs:
    """The outputs of a stack that is up."""
    from sociometer.experiments import stack as stacks

    return stacks.outputs(stack)


def start_sweep(place: Place, stack: str, stack_outputs: StackOutputs, plan: Plan) -> Sweep:
    """Run a plan from its beginning, with progress on standard error; returns the finished sweep."""
    executor = targets.open_executor(stack_outputs, profile=place.profile, timeout_seconds=place.timeout_seconds)
    with Store(place.store, write=True) as store, sweep_progress() as listener:
        try:
            return sweep.start(store, executor, plan, stack, stack_outputs, listener)
        except KeyboardInterrupt:
            _say_what_is_kept(store)
            raise


def resume_sweep(place: Place, stack_outputs: StackOutputs, earlier: Sweep) -> Sweep:
    """Go on with a sweep, with progress on standard error; returns the finished sweep."""
    executor = targets.open_executor(stack_outputs, profile=place.profile, timeout_seconds=place.timeout_seconds)
    with Store(place.store, write=True) as store, sweep_progress() as listener:
        try:
            return sweep.resume(store, executor, earlier, stack_outputs, listener)
        except KeyboardInterrupt:
            _say_what_is_kept(store)
            raise


def target_model(profile_name: str) -> TargetModel:
    """What the time estimate needs of a lab profile and of this machine."""
    from sociometer.lab.profiles import profile

    chosen = profile(profile_name)
    rate = chosen.rate_bits_per_second or TargetModel().rate_bits_per_second
    return TargetModel(vcpu=chosen.vcpu, rate_bits_per_second=rate, cores=os.cpu_count() or 1)


def earlier_seconds(store: Path, plan: Plan, profile: str) -> dict[Treatment, float]:
    """What rounds like the plan's took before; nothing when there is no store yet."""
    if not store.exists():
        return {}
    with Store(store) as opened:
        return known_seconds(opened, plan.design.payload, "lab", profile)


def write_results(folder: Path, summary: Summary, records: Sequence[RoundRecord]) -> Path:
    """Write report and records below ``folder``, each file whole or not at all; returns the sweep's own folder."""
    own = folder / summary.sweep_id
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SociometerError(f"The results folder {own} cannot be made: {error.strerror}.") from error
    export.write(own / "report.txt", report.text(summary))
    export.write(own / "summary.json", summary.model_dump_json(indent=2) + "\n")
    export.write(own / "records.json", export.to_json(records))
    export.write(own / "records.csv", export.to_csv(records))
    export.write(own / "averages.csv", export.to_averages_csv(records))
    return own


def check_all_measured(done: Sweep, records: Sequence[RoundRecord]) -> None:
    """Raise `SweepError` when a round of the plan gave no measurement, so that a script cannot overlook it.

    A sweep that its stopping rule ended owes the rounds of the blocks that it began.
    """
    measured = {task.round for record in records for task in record.tasks() if in_figures(task)}
    due = schedule.due_rounds(done.plan, {record.round.index for record in records})
    missing = [round_ for round_ in due if round_.index not in measured]
    if missing:
        listed = dict.fromkeys(f"{round_.variant} {round_.form} x{round_.task_count}" for round_ in missing)
        raise SweepError(
            f"{len(missing)} of {len(due)} rounds of sweep {done.id} gave no measurement: "
            f"{', '.join(listed)}. `sociometer report --sweep {done.id}` says why."
        )


def _say_what_is_kept(store: Store) -> None:
    sweeps = store.sweeps()
    if not sweeps:
        return
    latest = sweeps[-1]
    left = len(list(schedule.remaining(latest.plan, store.rounds(latest.id))))
    say(
        f"interrupted: {len(latest.plan.rounds) - left} of {len(latest.plan.rounds)} rounds are kept; "
        f"`sociometer sweep --resume {latest.id}` goes on"
    )
