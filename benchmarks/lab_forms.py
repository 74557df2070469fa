"""One image measured in several forms in the lab, piece by piece: what `bench_forms` and `choosing` share.

An ordinary stack and an ordinary sweep, through the functions behind `sociometer up` and `sweep`. A sweep that was
stopped, by Ctrl-C or at the end of its time, goes on where it stopped when the same is asked for again.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.points import Facts, Point, Row
from experiments.plan import schedule
from experiments.plan.plan import Design, Payload, Plan, drawn_seed, make_plan
from experiments.records.model import Outcome, RoundStatus
from experiments.records.phases import NS_PER_SECOND
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from infra.forms import KINDS, FormSpec
from infra.lab.profiles import profile as profile_named
from infra.oci.layout import only_digest
from infra.outputs import StackOutputs
from infra.settings.attached import resolved
from infra.settings.model import Settings
from infra.trace.model import parse as parse_trace
from infra.trace.record import Wanted
from infra.trace.summary import summary
from infra.trace.trace import trace
from kit.files import write
from kit.paths import cache_dir
from sociometer.cli import actions
from sociometer.cli.images import settings_of
from sociometer.cli.progress import say
from sociometer.cli.targets import settings_of as settings_of_plan

TIMEOUT_SECONDS = 300.0
TRACE_PROFILE = "fargate-1024-2048"
"""Its memory holds what these boots read, so that no page of a trace is lost."""


@dataclass(frozen=True)
class Measured:
    """One image of this machine to be measured: its name, where it is, and when a task of it is ready."""

    name: str
    reference: str
    ready: str

    @property
    def stack(self) -> str:
        """The stack that holds its forms."""
        return f"forms-{self.name}"


def folder() -> Path:
    """Where traces and records are kept; may be deleted, and is made again."""
    place = cache_dir() / "benchmarks" / "forms"
    place.mkdir(parents=True, exist_ok=True)
    return place


def store_path() -> Path:
    """The records of these measurements, apart from the user's own."""
    return folder() / "store.sqlite"


def trace_of(image: Measured) -> Path:
    """The file of the image's trace, which is made if there is none of this image as it is now."""
    digest = only_digest(Path(image.reference.partition(":")[2]))
    place = folder() / f"{image.name}-{digest[7:19]}.json"
    if not place.exists():
        settings = Settings.parse({**_own(image), "minLayerSize": "0"})
        wanted = Wanted(settings.images[image.name], profile_named(TRACE_PROFILE), settings.platform, TIMEOUT_SECONDS)
        write(place, trace(image.name, settings, wanted, say).model_dump_json(indent=1) + "\n")
    return place


def forms_of(image: Measured, forms: Sequence[str]) -> tuple[str, ...]:
    """Canonical forms, the image's trace added to those that need one and name none."""
    return tuple(resolved(_with_trace(image, form)) for form in forms)


def _with_trace(image: Measured, form: str) -> str:
    kind, _, settings = form.partition("(")
    needs = kind in KINDS and "trace" in KINDS[kind].settings and "trace=" not in settings
    if not needs:
        return form
    return f"{kind}({','.join(filter(None, (f'trace={trace_of(image)}', settings.rstrip(')'))))})"


def prepared(image: Measured, forms: Sequence[str]) -> StackOutputs:
    """The stack of the image in these canonical forms, made where it is not there yet."""
    there = actions.outputs_if_up(image.stack)
    if there is not None and image.name in there.variants and set(forms) <= set(there.variants[image.name].treatments):
        return there
    plan = _plan(image, forms, 1)
    return actions.up(image.stack, {**settings_of_plan(plan), **_own(image)})


def measured(image: Measured, forms: Sequence[str], profile: str, blocks: int) -> Sweep:
    """A finished sweep of these canonical forms: as it is in the store, gone on with, or new."""
    outputs, setup = prepared(image, forms), actions.Setup(profile_named(profile).name, TIMEOUT_SECONDS, store_path())
    known = earlier(image, forms, profile, blocks)
    if known is None:
        return actions.start_sweep(setup, image.stack, outputs, _plan(image, forms, blocks))
    if actions.rounds_left(store_path(), known):
        return actions.resume_sweep(setup, outputs, known)
    return known


def earlier(image: Measured, forms: Sequence[str], profile: str, blocks: int) -> Sweep | None:
    """The latest sweep of the same, finished or not; None where there is none."""
    if not store_path().exists():
        return None
    with Store(store_path()) as store:
        sweeps = [sweep for sweep in store.sweeps() if _is_of(sweep, image, profile)]
    asked = (tuple(forms), blocks)
    return next((each for each in reversed(sweeps) if (each.plan.design.forms, each.plan.design.blocks) == asked), None)


def _is_of(sweep: Sweep, image: Measured, profile: str) -> bool:
    return sweep.stack == image.stack and sweep.key_metadata["profile"] == profile_named(profile).name


def rows(sweep: Sweep) -> list[Row]:
    """The complete rounds of a sweep whose task booted."""
    with Store(store_path()) as store:
        records = [each for each in store.rounds(sweep.id) if each.status is RoundStatus.COMPLETE]
    return [
        Row(
            form=without_trace(record.round.form),
            block=record.round.block,
            pull_seconds=((task.times.pull_stopped_ns or 0) - (task.times.pull_started_ns or 0)) / NS_PER_SECOND,
            ready_seconds=(task.times.ready_ns - task.times.created_ns) / NS_PER_SECOND,
            received_megabytes=(task.received_bytes or 0) / 1e6,
            cpu_pressure=record.observation.load.cpu_pressure,
        )
        for record in records
        for task in record.observation.tasks
        if task.outcome is Outcome.BOOTED and task.times.ready_ns
    ]


def point(image: Measured, sweep: Sweep) -> Point:
    """What a sweep has measured so far, with what the image's trace says of it."""
    seen = parse_trace(trace_of(image).read_text(), image.name)
    figures = summary(seen)
    facts = Facts(
        name=image.name,
        megabytes=figures.file_bytes / 1e6,
        packed_megabytes=sum(layer.size_bytes for layer in seen.layers) / 1e6,
        files=figures.files,
        read_share=figures.share,
    )
    day = datetime.fromtimestamp(sweep.created_ns / NS_PER_SECOND, UTC).date().isoformat()
    return Point(image=facts, profile=sweep.key_metadata["profile"], date=day, rows=tuple(rows(sweep)))


def without_trace(form: str) -> str:
    """A form as it is told of several images, whose traces differ: ``soci-v2-exact``."""
    spec = FormSpec.parse(form)
    return str(FormSpec(spec.kind, tuple((key, value) for key, value in spec.settings if key != "trace")))


def machine(sweep: Sweep) -> dict[str, str]:
    """What measured it: processor, cores, and the versions of the tools."""
    named = ("machine.cpu", "machine.cpus", "tool.")
    return {key: value for key, value in sweep.key_metadata.items() if key.startswith(named)}


def is_finished(sweep: Sweep) -> bool:
    """Whether every round of its plan has ended."""
    with Store(store_path()) as store:
        return schedule.next_round(sweep.plan, store.rounds(sweep.id)) is None


@contextmanager
def at_most(minutes: float | None) -> Iterator[None]:
    """Ctrl-C by itself after so many minutes: the finished rounds are kept, and a later call goes on."""
    timer = threading.Timer(60 * (minutes or 0), os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    if minutes is not None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _own(image: Measured) -> dict[str, object]:
    return settings_of({image.name: image.reference}, {"ready": image.ready})


def _plan(image: Measured, forms: Sequence[str], blocks: int) -> Plan:
    design = Design(
        name="forms",
        variants=(image.name,),
        forms=tuple(forms),
        task_counts=(1,),
        blocks=blocks,
        seed=drawn_seed(),
        payload=Payload(),
    )
    return make_plan(design)
