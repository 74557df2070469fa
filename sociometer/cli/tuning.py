"""`sociometer tune`: which form of an image starts fastest, by a race; and how to make it again.

A race is a sweep like any other, in the store. Results go to standard output, progress to standard error.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.plan.candidates import Candidates
from experiments.plan.plan import Design, Payload, Plan, drawn_seed, make_plan
from experiments.plan.race import MOST_BLOCKS, Race
from experiments.records.model import RoundRecord
from experiments.report import formats
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from infra.settings.model import Settings
from kit.errors import SettingsError, SociometerError, SweepError
from sociometer.cli import actions, commands, tune_results
from sociometer.cli.choosing import chosen_target
from sociometer.cli.images import ContainerOptions, name_of, seen_from_anywhere, settings_of
from sociometer.cli.options import (
    DEFAULT_TIMEOUT_SECONDS,
    AsJson,
    Profile,
    Stack,
    StackSettings,
    StorePath,
    Timeout,
    chosen_profile,
    parse_settings,
)
from sociometer.cli.progress import say
from sociometer.cli.removing import removed_afterwards
from sociometer.cli.target_kinds import Lab
from sociometer.cli.targets import Target
from sociometer.cli.tune_candidates import Time, chosen_candidates, making_seconds, traced, without_failed

if TYPE_CHECKING:
    from infra.outputs import StackOutputs
    from infra.trace.model import Trace

PANEL = "Measure"
LEAST_MINUTES = 1.0
CLOSING_SECONDS = 10.0
"""For opening the lab before the first round, and for clearing it and writing results after the last."""
LEAST_BUDGET_SECONDS = 1.0

Image = Annotated[
    str | None,
    typer.Argument(
        metavar="IMAGE",
        help="host/repo:tag, docker-daemon:web:dev, docker-archive:FILE, oci:DIR or oci-archive:FILE.",
        show_default=False,
    ),
]
Minutes = Annotated[float, typer.Option("--minutes", min=LEAST_MINUTES, help="For all of it: trace, images, rounds.")]
TraceFile = Annotated[
    Path | None,
    typer.Option("--trace", metavar="FILE", help="What its boot reads, by `sociometer trace`, instead of tracing now."),
]
Wanted = Annotated[
    str | None,
    typer.Option(
        "--candidates",
        metavar="FORMS",
        help="Forms between commas; TRACE and FILES stand for what is traced: soci-v2-exact(trace=TRACE).",
        show_default="all that Fargate runs and that make sense for the image",
    ),
]
ResultsFolder = Annotated[Path, typer.Option("--results", help="Folder for the results; each race gets one inside.")]
Resume = Annotated[
    str | None, typer.Option("--resume", metavar="ID|last", help="Go on with a race where it was interrupted.")
]


@dataclass(frozen=True)
class Tuning:
    """What the options say: the image's variant, the stack's settings, and how to measure."""

    name: str
    image: str
    target: Target
    settings: dict[str, object]
    setup: actions.Setup

    @property
    def complete(self) -> Settings:
        """All settings of the stack."""
        return self.target.complete_settings(self.settings)


def register(app: typer.Typer) -> None:
    """Add the command."""
    commands.add(app, tune, PANEL)


def tune(
    container: ContainerOptions,
    image: Image = None,
    minutes: Minutes = 15.0,
    trace: TraceFile = None,
    candidates: Wanted = None,
    profile: Profile = None,
    stack: Stack = None,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    settings: StackSettings = None,
    store: StorePath = None,
    results: ResultsFolder = Path("results"),
    resume: Resume = None,
    destroy: Annotated[
        bool, typer.Option("--destroy", help="Remove the stack at the end, however the race ends.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find the form of an image that is ready soonest: trace its boot, make the forms, and race them in the lab.

    Each block starts every form once. What is clearly slower is dropped, the close ones go on, and the last blocks
    compare the winner with plain and soci-v2. It ends in time; Ctrl-C keeps what is measured, --resume goes on.

    Printed are the race and the winner; the results folder also has up.sh and stack.yaml, which make the stack anew,
    and ci.sh, which makes the winner of a plain build. What stays is the stack, unless --destroy is given.
    """
    from experiments.store.store import default_path

    began = time.monotonic()
    place = store or default_path()
    if resume is not None:
        _go_on(place, resume, image, results, timeout, destroy=destroy, as_json=as_json)
        return
    if image is None:
        raise SettingsError("Name an image to tune, or go on with a race by --resume last.")
    name = name_of(image)
    target = chosen_target(None, stack, None, f"{name}-tune")
    if not isinstance(target, Lab):
        raise SettingsError(f"Stack {target.stack} is on {target.name}: a race runs in the lab. Name another --stack.")
    tuning = Tuning(
        name=name,
        image=image,
        target=target,
        settings=settings_of({name: seen_from_anywhere(image)}, container.given()) | parse_settings(settings or []),
        setup=actions.Setup(chosen_profile(profile), timeout, place),
    )
    tuning.setup.check_places(results)
    found = traced(tuning.complete, name, trace, tuning.setup.profile, timeout)
    time_left = Time(minutes, _left(minutes, began), tuning.setup.profile)
    chosen = chosen_candidates(found, tuning.complete, candidates, time_left)
    for line in chosen.left_out:
        say(line)
    with removed_afterwards(target, wanted=destroy):
        outputs, chosen = _made(tuning, chosen, making_seconds(found, chosen, time_left))
        left = _left(minutes, began)
        if left < LEAST_BUDGET_SECONDS:
            raise SweepError(
                f"The {minutes:g} minutes were over when {len(chosen.forms)} forms were made, before the first round: "
                "nothing can be said. Give more --minutes, or name fewer --candidates."
            )
        say(f"{len(chosen.forms)} forms race for {left:.0f} s.")
        plan = _plan(tuning, chosen, left)
        done = actions.start_sweep(tuning.setup, target.stack, outputs, plan, {name: found})
        _show(done, tuning.setup, target, found, results, as_json=as_json)


def _left(minutes: float, began: float) -> float:
    return 60 * minutes - (time.monotonic() - began) - CLOSING_SECONDS


def _made(tuning: Tuning, chosen: Candidates, most_seconds: float) -> tuple[StackOutputs, Candidates]:
    """The stack with the forms that can be made in time; what was made stays when another form fails."""
    from infra.providers.limit import within

    while True:
        try:
            with within(most_seconds):
                return tuning.target.make(_plan(tuning, chosen, LEAST_BUDGET_SECONDS), tuning.settings), chosen
        except SociometerError as error:
            before, chosen = chosen.left_out, without_failed(chosen, error)
            for line in chosen.left_out[len(before) :]:
                say(line)


def _plan(tuning: Tuning, chosen: Candidates, budget_seconds: float) -> Plan:
    design = Design(
        name="tune",
        variants=(tuning.name,),
        forms=chosen.forms,
        task_counts=(1,),
        blocks=MOST_BLOCKS,
        seed=drawn_seed(),
        payload=Payload.of(tuning.complete),
    )
    references = tuple(form for form in tune_results.REFERENCES if form in chosen.forms)
    race = Race(
        image=tuning.image,
        forms=chosen.forms,
        references=references,
        budget_seconds=budget_seconds,
        left_out=chosen.left_out,
    )
    return make_plan(design, race=race)


def _go_on(
    store: Path, resume: str, image: str | None, results: Path, timeout: float, *, destroy: bool, as_json: bool
) -> None:
    """Go on with a race by what the store says of it; no other option of its start counts."""
    if image is not None:
        raise SettingsError("--resume knows the image of its race: leave the image out.")
    with Store(store) as opened:
        races = [sweep for sweep in opened.sweeps() if sweep.plan.race is not None]
        earlier = races[-1] if resume == "last" and races else opened.sweep(resume)
    if earlier.plan.race is None:
        raise SettingsError(f"Sweep {earlier.id} is no race: `{earlier.resume_command}` goes on with it.")
    target = Lab(earlier.stack, Lab.default_plan)
    setup = actions.Setup(chosen_profile(earlier.key_metadata.get("profile")), timeout, store)
    with removed_afterwards(target, wanted=destroy):
        trace = tune_results.trace_of(earlier.plan.design.forms)
        traces = {} if trace is None else dict.fromkeys(earlier.plan.design.variants, trace)
        done = actions.resume_sweep(setup, target.outputs(), earlier, traces)
        _show(done, setup, target, trace, results, as_json=as_json)


def _show(
    done: Sweep,
    setup: actions.Setup,
    target: Target,
    trace: Trace | None,
    results: Path,
    *,
    as_json: bool,
) -> None:
    with Store(setup.store) as opened:
        records: list[RoundRecord] = opened.rounds(done.id)
        report = formats.read(opened, done)
    folder = actions.write_results(results, report, records)
    result = tune_results.result(done, records, trace)
    tune_results.write_files(folder, result, done, trace, target.complete_settings({}))
    tune_results.show(result, as_json=as_json)
    say(f"Results are in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    if result.raced.chosen is None:
        raise SweepError(f"The race found no form. `sociometer report --sweep {done.id}` shows what was measured.")
