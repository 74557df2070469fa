"""What `tune` tells at its end, and the files that make its result again."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml
from rich.console import Console

from experiments.plan.candidates import REFERENCES
from experiments.records.model import RoundRecord
from experiments.store.sweeps import Sweep
from infra import pipeline
from infra.forms import FormSpec
from infra.settings.attached import content_of
from infra.settings.model import NAMESPACE, Settings
from kit.errors import SweepError
from kit.files import write
from sociometer.cli.columns import plain_table

if TYPE_CHECKING:
    from experiments.analysis.raced import Raced
    from infra.trace.model import Trace

__all__ = ["REFERENCES", "Result", "result", "show", "trace_of", "write_files"]
KEPT_SETTINGS = ("span_size", "min_layer_size")


class Result(NamedTuple):
    """A race, what it found in one sentence, and what to know besides."""

    raced: Raced
    references: tuple[str, ...]
    headline: str
    notes: tuple[str, ...]


def result(done: Sweep, records: Sequence[RoundRecord], trace: Trace | None) -> Result:
    """What a race found; raises `SweepError` for a sweep that is none."""
    from experiments.analysis.raced import raced  # numpy and scipy are slow to import
    from experiments.report import raced as texts
    from infra.lab.profiles import profile

    race = done.plan.race
    if race is None:
        raise SweepError(f"Sweep {done.id} is no race.")
    found = raced(done, race, records)
    notes = texts.notes(found, profile(found.profile).vcpu, trace, race.left_out)
    return Result(found, race.references, texts.headline(found), tuple(notes))


def trace_of(forms: Sequence[str]) -> Trace | None:
    """The trace that forms of a race were made by; None where none was, or this machine does not have it."""
    from infra.trace.model import parse

    form = next((form for form in forms if FormSpec.parse(form).get("trace")), None)
    content = None if form is None else content_of(form)
    return None if content is None else parse(content, "the trace")


def show(found: Result, *, as_json: bool) -> None:
    """The table, the sentence and the notes on standard output, or all of it as JSON."""
    if as_json:
        value = {"headline": found.headline, "notes": found.notes, **found.raced.model_dump(mode="json")}
        sys.stdout.write(json.dumps(value, indent=2) + "\n")
        return
    from experiments.report import raced as texts

    table = plain_table(*_heads(found.references))
    for row in texts.rows(found.raced, found.references):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    sys.stdout.write(f"{texts.footnote(found.raced)}\n\n{found.headline}\n")
    sys.stdout.writelines(f"{note}\n" for note in found.notes)


def write_files(folder: Path, found: Result, done: Sweep, trace: Trace | None, settings: Settings) -> None:
    """Write the result and what makes it again: tune.json, up.sh, stack.yaml, ci.sh, and what their forms name."""
    result_json = {"headline": found.headline, "notes": found.notes, **found.raced.model_dump(mode="json")}
    write(folder / "tune.json", json.dumps(result_json, indent=1) + "\n")
    if trace is not None:
        write(folder / pipeline.TRACE_FILE, trace.model_dump_json(indent=1) + "\n")
    winner = found.raced.chosen
    if winner is None:
        return
    if (name := pipeline.file_of(winner)) is not None and (content := content_of(winner)) is not None:
        write(folder / name, content)
    kept = _settings(done, settings)
    write(folder / "up.sh", pipeline.up_script(f"{done.stack}-best", winner, found.references, kept))
    write(folder / "stack.yaml", _stack_file(folder, winner, found.references, kept))
    [variant] = (done.outputs.variants[name] for name in done.plan.design.variants)
    docker = trace is not None and any("docker" in layer.media_type for layer in trace.layers)
    made = pipeline.Made(winner, settings.span_size, settings.min_layer_size, settings.platform, docker)
    write(folder / "ci.sh", pipeline.ci_script(made, pipeline.container_words(variant)))


def _settings(done: Sweep, settings: Settings) -> dict[str, object]:
    """The stack's settings, by their keys, but for its forms."""
    whole = settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    images = {
        name: settings.images[name].model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for name in done.plan.design.variants
    }
    sizes = {key: whole[key] for name in KEPT_SETTINGS if (key := _key(name)) in whole}
    return {"variants": [], "images": images, "platform": settings.platform, **sizes}


def _key(name: str) -> str:
    return Settings.model_fields[name].alias or name


def _stack_file(folder: Path, winner: str, references: Sequence[str], kept: dict[str, object]) -> str:
    """The same settings as a stack file of Pulumi; a file is named by its place."""
    name, file = pipeline.file_of(winner), FormSpec.parse(winner).file
    best = winner if name is None or file is None else winner.replace(file, str((folder / name).resolve()))
    forms = [*references, *([] if winner in references else [best])]
    config = {f"{NAMESPACE}:{key}": value for key, value in {"forms": forms, **kept}.items()}
    head = (
        "# As Pulumi.NAME.yaml in the project's folder this is what `sociometer up --stack NAME` makes, like up.sh.\n"
    )
    return head + yaml.safe_dump({"config": config}, sort_keys=False)


def _heads(references: Sequence[str]) -> list[str]:
    return ["Candidate", ">Blocks", ">Ready s", *(f">vs {reference}" for reference in references), ">MB", ""]
