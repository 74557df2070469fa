"""What a report says besides its analysis: what was left out and why, what was run, and how to repeat it. Pure.

Terminal, Markdown and page are all made from one `Contents`, so that they cannot disagree.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from experiments.analysis.cells import Cell
from experiments.analysis.findings import Analysis
from experiments.plan.control import Control
from experiments.plan.presets import PRESETS
from experiments.records.model import RoundStatus
from experiments.records.origin import NOT_MEASURED
from experiments.report.tables import Tables, tables
from experiments.store.sweeps import Sweep
from experiments.wording import plural
from experiments.wording import tasks as tasks_of
from kit.values import Frozen

if TYPE_CHECKING:
    import pandas as pd

SIMULATED = "SIMULATED"
_GROUPS = {"tool": "Tool versions", "parameter": "Parameters of the simulation"}


class Fact(Frozen):
    """One named value that the sweep was run with."""

    name: str
    value: str


class Facts(Frozen):
    """A titled group of facts."""

    title: str
    facts: tuple[Fact, ...]


class Summary(Frozen):
    """A whole sweep in figures, with the notes needed to read them."""

    schema_version: int = 1
    sweep_id: str
    stack: str
    status: str
    plan: str
    seed: int
    control: str = Field(description="what the others are compared with")
    target: str
    key_metadata: dict[str, str]
    rounds_planned: int
    rounds_complete: int
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]


class Contents(Frozen):
    """Everything that a report says."""

    analysis: Analysis
    tables: Tables
    summary: Summary
    title: str
    began: str
    tasks: int
    standing: str = Field(description="which sweep it is, and how far it got")
    left_out: tuple[str, ...] = Field(description="one line per reason for leaving tasks or rounds out of the figures")
    provenance: tuple[Facts, ...]
    command: str


def contents(
    sweep: Sweep, analysis: Analysis, rounds: pd.DataFrame, task_count: int, control: Control | None = None
) -> Contents:
    """The contents of a sweep's report; a sweep without records has one too.

    ``control`` is what the analysis compared with, if it is not the plan's own.
    """
    left_out = tuple(_left_out_lines(analysis))
    summary = _summary(sweep, analysis, rounds, left_out, control or sweep.plan.design.against)
    mark = f" ({SIMULATED})" if analysis.simulated else ""
    return Contents(
        analysis=analysis,
        tables=tables(analysis),
        summary=summary,
        title=f"Sociometer: sweep {sweep.id}{mark}",
        began=f"{datetime.fromtimestamp(sweep.created_ns // 10**9, UTC):%d %B %Y, %H:%M} UTC",
        tasks=task_count,
        standing=_standing(summary, sweep.plan.design.against),
        left_out=left_out,
        provenance=tuple(_provenance(sweep)),
        command=command(sweep),
    )


def command(sweep: Sweep) -> str:
    """The command that runs the same plan again: `run` if that also makes the stack, else `sweep`."""
    design, stopping, metadata = sweep.plan.design, sweep.plan.stopping, sweep.key_metadata
    if (race := sweep.plan.race) is not None:
        return shlex.join(["sociometer", "tune", race.image, "--candidates", ",".join(race.forms)])
    preset, target = PRESETS.get(design.name), metadata.get("target", "lab")
    lab_preset = preset is not None and preset.design.payload == design.payload and target == "lab"
    run_makes_stack = stopping is None and (lab_preset or target == "sim")
    words = ["sociometer", "run" if run_makes_stack else "sweep", *(("--plan", design.name) if preset else ())]
    words += ["--target", target] if target != "lab" else []
    words += ["--variants", ",".join(design.variants), "--forms", ",".join(design.forms)]
    words += ["--counts", ",".join(map(str, design.task_counts)), "--seed", str(design.seed)]
    words += ["--control", design.control.text] if design.control else []
    if stopping is None:
        words += ["--blocks", str(design.blocks)]
    else:
        precision = f"{100 * stopping.precision:g}{'pt' if stopping.points else '%'}"
        words += ["--until-precision", precision, "--max-blocks", str(design.blocks)]
        words += ["--budget", f"{stopping.budget_seconds:g}s"] if stopping.budget_seconds else []
    words += ["--stack", sweep.stack] if target != "sim" else []
    words += ["--profile", metadata["profile"]] if target == "lab" and "profile" in metadata else []
    return shlex.join(words)


def _standing(summary: Summary, planned: Control) -> str:
    """Which sweep it is and how far it got; marked if it was simulated."""
    mark = "SIMULATED: " if summary.target in NOT_MEASURED else ""
    control = summary.control if summary.control == str(planned) else f"{summary.control} (the plan's is {planned})"
    return (
        f"{mark}Sweep {summary.sweep_id} ({summary.status}): plan {summary.plan}, seed {summary.seed}, control "
        f"{control}, target {summary.target}, {summary.rounds_complete} of {summary.rounds_planned} rounds "
        "complete"
    )


def _left_out_lines(analysis: Analysis) -> Iterator[str]:
    """One line per reason for leaving tasks or rounds out of the figures."""
    for row in analysis.left_out:
        subject = f"{row.variant} as {row.form} with {tasks_of(row.task_count)}"
        yield f"{plural(row.count, row.what)} of {subject} {row.fate}: {row.reason}"
    if analysis.left_out_more:
        yield f"{analysis.left_out_more:,} more for other reasons"


def _summary(
    sweep: Sweep, analysis: Analysis, rounds: pd.DataFrame, left_out: Sequence[str], control: Control
) -> Summary:
    complete = rounds[rounds["status"] == RoundStatus.COMPLETE.value]
    return Summary(
        sweep_id=sweep.id,
        stack=sweep.stack,
        status=sweep.status,
        plan=sweep.plan.design.name,
        seed=sweep.plan.design.seed,
        control=str(control),
        target=analysis.target,
        key_metadata=sweep.key_metadata,
        rounds_planned=len(sweep.plan.rounds),
        rounds_complete=int(complete["index"].nunique()),
        cells=analysis.cells,
        notes=(*(finding.text for finding in analysis.findings), *left_out),
    )


def _provenance(sweep: Sweep) -> Iterator[Facts]:
    design, metadata = sweep.plan.design, sweep.key_metadata
    yield _facts(
        "Plan",
        name=design.name,
        seed=design.seed,
        digest=sweep.plan.digest,
        variants=", ".join(design.variants),
        forms=", ".join(design.forms),
        control=design.against,
        task_counts=", ".join(map(str, design.task_counts)),
        blocks=design.blocks,
        **({"ends early": f"once precise to {sweep.plan.stopping}"} if sweep.plan.stopping else {}),
        **({"race": f"drops what is slower, in {sweep.plan.race.budget_seconds:.0f} s"} if sweep.plan.race else {}),
        rounds=len(sweep.plan.rounds),
        **{name: f"{value} MB" for name, value in design.payload.model_dump().items()},
    )
    yield _facts(
        "Sweep",
        id=sweep.id,
        status=sweep.status,
        stack=sweep.stack,
        **{key: value for key, value in metadata.items() if "." not in key},
    )
    for group in dict.fromkeys(key.split(".")[0] for key in metadata if "." in key):
        named = {key.removeprefix(f"{group}."): value for key, value in metadata.items() if key.startswith(f"{group}.")}
        yield _facts(_GROUPS.get(group, group.capitalize()), **named)
    yield _images(sweep)


def _images(sweep: Sweep) -> Facts:
    facts: list[Fact] = []
    for name in sweep.plan.design.variants:
        variant = sweep.outputs.variants.get(name)
        if variant is None:
            continue
        facts.append(Fact(name=f"{name}, source", value=variant.source_image))
        for form, treatment in variant.treatments.items():
            if form in sweep.plan.design.forms:
                index = f", SOCI index {treatment.index_digest}" if treatment.index_digest else ""
                facts.append(Fact(name=f"{name}, {form}", value=f"{treatment.image}{index}"))
    return Facts(title="Images", facts=tuple(facts))


def _facts(title: str, **values: object) -> Facts:
    return Facts(title=title, facts=tuple(Fact(name=k.replace("_", " "), value=str(v)) for k, v in values.items()))
