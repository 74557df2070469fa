"""What commands do once their options are parsed: make a stack, run a sweep, write results, check them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import sweep
from experiments.analysis.cells import in_figures
from experiments.executors import choose
from experiments.executors.protocol import Executor
from experiments.forecast.duration import Treatment
from experiments.forecast.history import known_seconds
from experiments.plan import schedule
from experiments.plan.plan import Plan
from experiments.records.model import Round, RoundRecord
from experiments.report import export, formats
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from experiments.sweep import Listener
from infra.automation.claims import claimed
from infra.variants import LayerBytes
from kit.errors import SociometerError, SweepError
from kit.files import check_can_be_made, write
from sociometer.cli.progress import say, sweep_progress

if TYPE_CHECKING:
    from infra.outputs import StackOutputs
    from infra.trace.model import Trace


@dataclass(frozen=True)
class Setup:
    """How to measure and where to keep the records; ``parameters`` are those of a simulation."""

    profile: str
    timeout_seconds: float
    store: Path
    parameters: Mapping[str, object] = field(default_factory=dict)

    def check_places(self, *results: Path) -> None:
        """Raise unless the store can be used and the results can be written: before anything is made or measured."""
        for place in results:
            check_can_be_made(place)
        if self.store.exists():
            Store(self.store, write=True).close()
        else:
            check_can_be_made(self.store)


def up(stack: str, settings: Mapping[str, object]) -> StackOutputs:
    """Make the stack, telling its steps on standard error."""
    from infra.automation import stack as stacks  # Pulumi is slow to import

    return stacks.up(stack, settings, say)


def outputs(stack: str) -> StackOutputs:
    """The outputs of a stack that is up."""
    from infra.automation import stack as stacks

    return stacks.outputs(stack)


def start_sweep(
    setup: Setup, stack: str, stack_outputs: StackOutputs, plan: Plan, traces: Mapping[str, Trace] | None = None
) -> Sweep:
    """Run a plan from its beginning, with progress on standard error; returns the finished sweep.

    ``traces`` has those of variants that were traced already, and need not be again.
    """
    with _sweeping(setup, stack, stack_outputs, plan) as (store, executor, listener):
        done = sweep.start(store, executor, plan, stack, stack_outputs, listener)
        _add_reads(store, done, setup, traces)
        return done


def resume_sweep(
    setup: Setup, stack_outputs: StackOutputs, earlier: Sweep, traces: Mapping[str, Trace] | None = None
) -> Sweep:
    """Go on with a sweep, with progress on standard error; returns the finished sweep. ``traces``: as at its start."""
    with _sweeping(setup, earlier.stack, stack_outputs, earlier.plan) as (store, executor, listener):
        done = sweep.resume(store, executor, earlier, stack_outputs, listener)
        _add_reads(store, done, setup, traces)
        return done


def _add_reads(store: Store, done: Sweep, setup: Setup, traces: Mapping[str, Trace] | None) -> None:
    """What the images' boots read, where that is not known yet."""
    from experiments import reads  # what traces is slow to import

    reads.add_missing(store, done, setup.timeout_seconds, say, traces)


def outputs_if_up(stack: str) -> StackOutputs | None:
    """The outputs of a stack; None when there is none, or when it has no outputs yet."""
    from infra.automation import stack as stacks

    return stacks.outputs_if_up(stack)


def earlier_seconds(
    store: Path, plan: Plan, target: str, profile: str | None, layer_bytes: LayerBytes
) -> dict[Treatment, float]:
    """What rounds like the plan's took before; nothing when there is no store yet."""
    if not store.exists():
        return {}
    with Store(store) as opened:
        return known_seconds(opened, plan.design.payload, target, profile, layer_bytes)


def rounds_left(store: Path, earlier: Sweep) -> Sequence[Round]:
    """The rounds that a sweep still has to run."""
    with Store(store) as opened:
        return list(schedule.remaining(earlier.plan, opened.rounds(earlier.id)))


@contextmanager
def _sweeping(
    setup: Setup, stack: str, stack_outputs: StackOutputs, plan: Plan
) -> Iterator[tuple[Store, Executor, Listener]]:
    """Opens executor, store and progress for one sweep, on a stack that nobody changes meanwhile; at Ctrl-C, says how
    much is kept.
    """
    claim = nullcontext() if stack_outputs.target == "sim" else claimed(stack)
    opened = choose.open_executor(
        stack_outputs,
        profile=setup.profile,
        timeout_seconds=setup.timeout_seconds,
        design=plan.design,
        parameters=setup.parameters,
    )
    with claim, opened as executor, Store(setup.store, write=True) as store, sweep_progress() as listener:
        try:
            yield store, executor, listener
        except KeyboardInterrupt:
            _say_what_is_kept(store)
            raise


def write_results(folder: Path, report: formats.Report, records: Sequence[RoundRecord]) -> Path:
    """Write report and records below ``folder``, each file whole or not at all; returns the sweep's own folder."""
    results = folder / report.contents.summary.sweep_id
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SociometerError(f"The results folder {results} cannot be made: {error.strerror}.") from error
    for name, text in {**formats.files(report), **export.files(records)}.items():
        write(results / name, text)
    return results


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
    say(interrupted(sweeps[-1], store.rounds(sweeps[-1].id)))


def interrupted(latest: Sweep, records: Sequence[RoundRecord]) -> str:
    """What is kept of a sweep that Ctrl-C ended, and what goes on; how many rounds a race will have, nobody knows."""
    left, all_rounds = len(list(schedule.remaining(latest.plan, records))), len(latest.plan.rounds)
    of_all = "" if latest.plan.race else f" of {all_rounds}"
    return f"interrupted: {all_rounds - left}{of_all} rounds are kept; `{latest.resume_command}` goes on"
