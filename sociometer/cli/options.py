"""The options that measuring commands share, and how they become a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import typer

from experiments.plan.control import Control
from experiments.plan.plan import Design, Plan, Stopping, drawn_seed, make_plan
from experiments.plan.presets import preset
from experiments.store.store import default_path
from infra.settings.attached import resolved
from infra.settings.values import words_of
from kit.errors import SettingsError
from sociometer.cli import suggestions

Value = TypeVar("Value")
PLAN_PANEL = "What to measure"
_WHERE_PANEL = "Where"

PlanName = Annotated[
    str | None,
    typer.Option(
        "--plan",
        metavar="default|full|fargate|aa",
        autocompletion=suggestions.plans,
        help="The plan to start from; on fargate and sim `fargate` when none is named, else `default`.",
        rich_help_panel=PLAN_PANEL,
    ),
]
Variants = Annotated[
    str | None,
    typer.Option(
        help="Image variants, between commas: movie,parquet.",
        rich_help_panel=PLAN_PANEL,
        autocompletion=suggestions.variants,
    ),
]
Variant = Annotated[
    str | None,
    typer.Option(help="The one variant, on a stack of its own: dev-movie.", rich_help_panel=PLAN_PANEL),
]
FORMS_HELP = "Forms of delivery, between commas: plain,zstd,soci-v2,soci-v2(span=1MiB)."
Forms = Annotated[
    str | None,
    typer.Option(help=FORMS_HELP, rich_help_panel=PLAN_PANEL, autocompletion=suggestions.forms),
]
Counts = Annotated[
    str | None,
    typer.Option(help="Task counts of a round, between commas: 1,2,8.", rich_help_panel=PLAN_PANEL),
]
Blocks = Annotated[int | None, typer.Option(help="How often every round is repeated.", rich_help_panel=PLAN_PANEL)]
Seed = Annotated[
    int | None,
    typer.Option(
        help="Fixes the order of the rounds. Left out, each sweep draws one of its own and keeps it.",
        rich_help_panel=PLAN_PANEL,
    ),
]
ControlName = Annotated[
    str | None,
    typer.Option(
        "--control",
        metavar="IMAGE|FORM|IMAGE:FORM",
        help="What the others of a block are compared with, and measured next to: another image in the same form "
        "(before), another form of the same image, or one treatment of all (before:plain).",
        show_default="plain, of each image",
        rich_help_panel=PLAN_PANEL,
    ),
]
TargetName = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="lab|fargate|sim",
        help="Where tasks run: lab on this machine, fargate on AWS, sim in a simulation whose figures measure nothing.",
        rich_help_panel=_WHERE_PANEL,
        show_default="that of the stack; lab",
        autocompletion=suggestions.targets,
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(
        help="The stack to use.",
        rich_help_panel=_WHERE_PANEL,
        show_default="lab or lab-full by the plan; dev on fargate",
        autocompletion=suggestions.stacks,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        help="The kind of task that the lab imitates: a profile, or one with other values, "
        "fargate-1024-2048(rate=200Mbit,delay=5ms,vcpu=0.5,memory=1GiB).",
        rich_help_panel=_WHERE_PANEL,
        show_default="fargate-256-512",
        autocompletion=suggestions.profiles,
    ),
]
StorePath = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="The record store.",
        rich_help_panel=_WHERE_PANEL,
        show_default="store.sqlite in the data folder",
    ),
]
Timeout = Annotated[
    float,
    typer.Option("--timeout", min=1, help="Seconds after which a task that has not booted is given up."),
]
StackVariant = Annotated[
    str | None, typer.Option("--variant", help="The variant that has a stack of its own: lab-movie, dev-movie.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Spend the money on AWS without asking.")]
StackSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A setting, kept in the stack's configuration; may be repeated.",
        autocompletion=suggestions.settings,
    ),
]
SweepId = Annotated[
    str,
    typer.Option(
        "--sweep", help="The sweep to read, by its id; `last` is the latest.", autocompletion=suggestions.sweeps
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]

DEFAULT_TIMEOUT_SECONDS = 300.0


class Changes(NamedTuple):
    """What the options change in a plan, as typed; None leaves a part unchanged."""

    variants: str | None
    forms: str | None
    counts: str | None
    blocks: int | None
    seed: int | None
    control: str | None = None

    def on(self, held: Iterable[str]) -> Changes:
        """With the variants that a stack holds, if none are named: it may hold none of the preset's."""
        return self._replace(variants=self.variants or ",".join(held))


@dataclass(frozen=True)
class PlanOptions:
    """What to measure."""

    plan: PlanName = None
    variants: Variants = None
    variant: Variant = None
    forms: Forms = None
    counts: Counts = None
    blocks: Blocks = None
    seed: Seed = None
    control: ControlName = None

    def changes(self, images: Sequence[str] = (), blocks: int | None = None) -> Changes:
        """What they change in a plan. A stopping rule has its own number of ``blocks``; the user's own ``images`` are
        measured alone."""
        variants = only_variant(self.variant, self.variants)
        if images and variants:
            raise SettingsError("--image measures your own images alone. Leave out --variants and --variant.")
        variants = ",".join(images) or variants
        return Changes(variants, self.forms, self.counts, blocks or self.blocks, self.seed, self.control)


@dataclass(frozen=True)
class WhereOptions:
    """Where to measure, and where to keep the records."""

    target: TargetName = None
    stack: Stack = None
    profile: Profile = None
    store: StorePath = None

    @property
    def store_path(self) -> Path:
        """The chosen store, or the user's default store."""
        return self.store or default_path()


@dataclass(frozen=True)
class StackOptions:
    """Which stack a command is about."""

    target: TargetName = None
    stack: Stack = None
    variant: StackVariant = None


def only_variant(variant: str | None, variants: str | None) -> str | None:
    """The value of `--variants`; `--variant` means the same for a single one."""
    if variant is not None and variants is not None:
        raise SettingsError("--variant and --variants cannot go together. One variant on its own stack, or several.")
    return variant or variants


def chosen_plan(name: str, changes: Changes, stopping: Stopping | None = None) -> Plan:
    """The preset's plan with the options' changes, in an order that is drawn anew each time unless they give a seed.

    Raises `SettingsError`.
    """
    parsed = {
        "variants": _words(changes.variants, "--variants", str),
        "forms": chosen_forms(changes.forms),
        "task_counts": _words(changes.counts, "--counts", int),
        "blocks": changes.blocks,
        "seed": drawn_seed() if changes.seed is None else changes.seed,
    }
    changed = {key: value for key, value in parsed.items() if value is not None}
    design = Design(**{**preset(name).design.model_dump(), **changed})
    if changes.control is not None:
        design = Design(**{**design.model_dump(), "control": chosen_control(changes.control, design)})
    return make_plan(design, stopping)


def chosen_control(text: str, design: Design) -> Control:
    """What `--control` names of a design's variants and forms; raises `SettingsError`."""
    return Control.parse(text, design.variants, design.forms, resolved)


def chosen_forms(text: str | None) -> tuple[str, ...] | None:
    """The forms that `--forms` names, as canonical texts; raises `SettingsError`."""
    return None if text is None else tuple(map(resolved, words_of(text)))


def chosen_profile(name: str | None) -> str:
    """The profile's name, checked; raises `SettingsError`."""
    from infra.lab.profiles import DEFAULT_PROFILE, profile

    return profile(name or DEFAULT_PROFILE).name


def _words(text: str | None, option: str, kind: Callable[[str], Value]) -> tuple[Value, ...] | None:
    if text is None:
        return None
    return tuple(_word(word.strip(), option, kind) for word in text.split(",") if word.strip())


def _word(word: str, option: str, kind: Callable[[str], Value]) -> Value:
    try:
        return kind(word)
    except ValueError as error:
        raise SettingsError(
            f"{option}: {word!r} is not a whole number. Allowed: numbers between commas: 1,2,8."
        ) from error


def parse_settings(words: Sequence[str]) -> dict[str, object]:
    """Stack settings from ``key=value`` words; their keys and values are checked where the stack is made."""
    settings: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise SettingsError(f"--set {word!r} cannot be used. Allowed: key=value, such as spanSize=8MiB.")
        settings[key] = value
    return settings
