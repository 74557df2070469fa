"""What a shell offers when an option's value is completed. Nothing here may be slow, fail, or change anything.

Each function gives pairs of a word and what is said of it. Words that do not begin with what was typed may be among
them: typer leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import typer

Words = list[tuple[str, str]]
SWEEPS = 50
"""The most that are offered: nobody reads more."""


def targets() -> Words:
    """Where tasks run."""
    return [
        ("lab", "a miniature Fargate on this machine"),
        ("fargate", "AWS: costs money"),
        ("sim", "a simulation, which measures nothing"),
    ]


def plans() -> Words:
    """The plans that come with the project."""
    from experiments.plan.presets import PRESETS

    return [(name, f"on the stack {preset.stack}") for name, preset in PRESETS.items()]


def profiles() -> Words:
    """The lab's kinds of task."""
    from infra.lab.profiles import PROFILES

    return [(name, f"{each.vcpu:g} vCPU, {each.memory_bytes >> 20} MiB") for name, each in PROFILES.items()]


def stacks() -> Words:
    """Stacks that are there or have settings, then those that plans make."""
    from experiments.plan.presets import PRESETS
    from infra.automation import files
    from kit.paths import data_dir

    there = _stems(data_dir() / "pulumi" / ".pulumi" / "stacks" / "sociometer", "*.json")
    set_up = [name.removeprefix("Pulumi.") for name in _stems(files.project_folder(), "Pulumi.*.yaml")]
    shipped = [*files.SHIPPED, *(preset.stack for preset in PRESETS.values())]
    said = dict.fromkeys((*set_up, *shipped), "") | dict.fromkeys(there, "is there")
    return sorted(said.items())


def forms(incomplete: str) -> Words:
    """Forms between commas: the last one is completed."""
    from infra.forms import KINDS

    def said(name: str) -> str:
        kind = KINDS[name]
        needed = [f"{key}=…" for key, setting in kind.settings.items() if setting.required]
        lazily = "lazily loaded" if kind.lazy else "loaded whole"
        return f"{lazily}, needs ({', '.join(needed)})" if needed else lazily

    return _between_commas(incomplete, {name: said(name) for name in KINDS})


def variants(incomplete: str) -> Words:
    """The built-in variants between commas."""
    from infra.variants import VARIANTS

    return _between_commas(incomplete, dict.fromkeys(VARIANTS, "built in"))


def sweeps(context: typer.Context) -> Words:
    """The latest sweeps of the store that the command names, or of the user's own."""
    from experiments.store.listing import newest
    from experiments.store.store import LATEST, default_path

    store = context.params.get("store")
    found = newest(Path(store) if isinstance(store, str | Path) else default_path(), SWEEPS)
    said = [(each.id, f"{each.status}, stack {each.stack}") for each in found]
    return [(LATEST, "the latest"), *said]


def settings() -> Words:
    """The keys of a stack's settings, as `Pulumi.yaml` describes them."""
    import yaml

    from kit.paths import asset

    described = yaml.safe_load(asset("Pulumi.yaml").read_text())["config"]
    return [(f"{key}=", str(about["description"])) for key, about in described.items()]


def regions() -> Words:
    """The regions whose prices are known."""
    from experiments.forecast.prices import known_regions

    return one_of(known_regions())


def one_of(words: Iterable[str]) -> Words:
    """A fixed choice."""
    return [(word, "") for word in words]


def _between_commas(incomplete: str, known: dict[str, str]) -> Words:
    *before, _ = incomplete.split(",")
    lead = "".join(f"{word}," for word in before)
    return [(f"{lead}{name}", about) for name, about in known.items() if name not in before]


def _stems(folder: Path, pattern: str) -> Sequence[str]:
    try:
        return sorted(path.stem for path in folder.glob(pattern))
    except OSError:
        return ()
