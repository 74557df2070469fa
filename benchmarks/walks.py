"""How far a reader has to walk: the rooms (modules) that a call passes through, in the order in which it runs.

A walk starts in one function and follows every call into our own code; each function counts once, at its first call.
A stay is the time in one module until control moves to another; a return is a stay in a module visited before.
So stays = rooms + returns, and fewer of each make the code easier to own.

    python benchmarks/walks.py                  walks that need neither root nor tools
    python benchmarks/walks.py --lab STACK      also walks through a lab stack that is up (root, tools)
    python benchmarks/walks.py --stays NAME     one walk, stay by stay
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from inspect import CO_OPTIMIZED
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType

ROOT = Path(__file__).parents[1]
PACKAGES = ("sociometer", "experiments", "infra", "kit")


@dataclass
class Walk:
    """The modules of a walk, stay by stay."""

    stays: list[str] = field(default_factory=list)

    @property
    def rooms(self) -> int:
        """The number of different modules."""
        return len(set(self.stays))

    @property
    def returns(self) -> int:
        """The number of times that the walk came back to a module."""
        return len(self.stays) - self.rooms

    def enter(self, room: str) -> None:
        """Move to a module."""
        if not self.stays or self.stays[-1] != room:
            self.stays.append(room)


class _Tracer:
    """Follows the calls of one thread. A function seen before adds no stay, but the functions it calls may."""

    def __init__(self, walk: Walk, seen: set[CodeType]) -> None:
        self._walk, self._seen = walk, seen
        self._path: list[tuple[FrameType, str]] = []

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Python's profile hook; a generator is entered when it is first resumed."""
        if event == "call" and frame.f_code not in self._seen and (room := _room(frame.f_code)) is not None:
            self._seen.add(frame.f_code)
            self._path.append((frame, room))
            self._walk.enter(room)
        elif event == "return" and self._path and self._path[-1][0] is frame:
            self._path.pop()
            if self._path:
                self._walk.enter(self._path[-1][1])


def walk_of(call: Callable[[], object]) -> Walk:
    """The walk of one call; its threads' calls are added in the order in which they happen."""
    walk, seen = Walk(), set[CodeType]()
    threading.setprofile(lambda frame, event, argument: _begin(walk, seen, frame, event, argument))
    sys.setprofile(_Tracer(walk, seen))
    try:
        call()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return walk


def _begin(walk: Walk, seen: set[CodeType], frame: FrameType, event: str, argument: object) -> None:
    tracer = _Tracer(walk, seen)
    sys.setprofile(tracer)
    tracer(frame, event, argument)


def _room(code: CodeType) -> str | None:
    """The module of a function, from its file; `None` for foreign code and for module or class bodies."""
    path = Path(code.co_filename)
    if not code.co_flags & CO_OPTIMIZED or path.suffix != ".py" or not path.is_relative_to(ROOT):
        return None
    place = path.relative_to(ROOT)
    return str(place.with_suffix("")) if place.parts[0] in PACKAGES else None


def simulated(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """The walks through a simulated experiment, from the plan to the results folder."""
    from experiments import sweep
    from experiments.analysis import analyse
    from experiments.compare import versus
    from experiments.executors.simulation import SimulatedExecutor, outputs, parameters
    from experiments.plan.plan import make_plan
    from experiments.plan.presets import PRESETS
    from experiments.report import export, formats
    from experiments.store import frames
    from experiments.store.store import Store
    from sociometer.cli.actions import write_results

    design = PRESETS["fargate"].design.model_copy(update={"task_counts": (1, 2), "blocks": 3})
    stack = outputs(design, "linux/arm64")
    with (
        Store(folder / "store.sqlite", write=True) as store,
        SimulatedExecutor(stack, parameters(design), seed=1, timeout_seconds=300) as executor,
    ):
        first = make_plan(design).rounds[0]
        yield "FargateRound: run_round", lambda: executor.run_round(first, lambda _phase: None)
        yield (
            "sweep.start",
            lambda: sweep.start(store, executor, make_plan(design), "sim", stack, lambda _progress: None),
        )
        done = store.sweep()
        sweep.start(store, executor, make_plan(design), "sim", stack, lambda _progress: None)
        tasks, rounds = frames.tasks(store, done.id), frames.rounds(store, done.id)
        yield "analyse: tasks", lambda: analyse.analyse(done, tasks, rounds)
        yield "formats.read", lambda: formats.read(store, done)
        report, records = formats.read(store, done), store.rounds(done.id)
        yield "write_results: report", lambda: write_results(folder, report, records)
        yield "formats.to_html: report", lambda: formats.to_html(report)
        sides = [versus.Recorded(each, frames.tasks(store, each.id)) for each in store.sweeps()]
        yield "versus.compare", lambda: versus.compare(sides[0], sides[1], None)
        yield "export: records", lambda: [write(records) for write in export.EXPORT_FORMATS.values()]


def in_the_lab(stack: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """The walks of making a form and of running a round, on a lab stack that is up."""
    from experiments.executors.lab import LabExecutor
    from experiments.records.model import Round
    from infra.automation import stack as stacks
    from infra.oci import forms, pushed
    from infra.oci.regctl import Access

    outputs = stacks.outputs(stack)
    name, variant = next(iter(outputs.variants.items()))
    access = Access(plain_http=True, auth_file=None)
    request = forms.FormRequest(
        source=variant.source_image,
        repository=f"{outputs.registry}/walks",
        form="soci-v2",
        span_bytes=4 << 20,
        min_layer_bytes=1 << 20,
        platform=outputs.platform,
        access=access,
    )
    results: list[forms.FormResult] = []
    yield "forms.make: request", lambda: results.append(forms.make(request, timeout_seconds=300))
    pushed.remove(results[0].pushed, access)
    with LabExecutor(outputs, profile="fargate-256-512", timeout_seconds=120) as executor:
        round_ = Round(block=0, index=0, variant=name, form="soci-v2", task_count=1)
        yield "LabExecutor.run_round", lambda: executor.run_round(round_, lambda _phase: None)


def main() -> None:
    """Walk, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", metavar="STACK", help="a lab stack that is up")
    parser.add_argument("--stays", metavar="NAME", help="show this walk stay by stay")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        for name, call in chain(simulated(Path(folder)), in_the_lab(arguments.lab) if arguments.lab else ()):
            walk = walk_of(call)
            if arguments.stays is None:
                print(f"{name:26} {len(walk.stays):4} stays {walk.rooms:4} rooms {walk.returns:4} returns", flush=True)
            elif name == arguments.stays:
                print("\n".join(walk.stays))


if __name__ == "__main__":
    main()
