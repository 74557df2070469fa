"""A plan: every round of a sweep, in an order that its seed fixes before the sweep starts. Pure.

A block holds every treatment at every task count exactly once. The order within a block is random, so that drift of
the machine or the cloud cannot favour a form (a randomised complete block design: Fisher, The Design of Experiments,
1935); each block is shuffled independently of the others. Within a block what is compared stands together: the forms of
one variant and task count, or with another image as the control the images in one form and at one task count. Each
such group has an order of its own: what drifts in between is small, and yet each treatment is as likely to come before
its control as behind it. So the permutation test, which swaps the two, stays exact.

The order is stable across Python versions: each group and each of its rounds draws one number from
``random.Random(seed)``, whose ``random()`` is guaranteed to give the same sequence for ever (``shuffle`` is not), and
groups and rounds are sorted by it.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal, TypeVar

from pydantic import Field, field_validator
from pydantic.alias_generators import to_camel

from experiments.plan.control import PLAIN, Control, Named
from experiments.plan.race import Race
from experiments.records.model import Round
from infra.forms import FormSpec
from infra.outputs import StackOutputs
from infra.variants import PayloadSizes
from kit.errors import SettingsError
from kit.values import Frozen

Value = TypeVar("Value")
PLAN_SCHEMA = 3
"""History: 1 — first version; `stopping` and `race` may be missing, as in all sweeps without such a rule; 2 — the forms
of one variant and task count stand together within a block; 3 — `control`, missing where it is `plain` of each variant,
and what is compared with it stands together."""
MAX_TASK_COUNT = 10_000
MAX_DRAWN_SEED = 10**9
MAX_BLOCKS = 1_000


class Payload(PayloadSizes):
    """The payload sizes that a plan was made for."""

    @classmethod
    def of(cls, sizes: PayloadSizes) -> Payload:
        """The payload sizes alone, of a stack's settings for instance."""
        return cls.model_validate({name: getattr(sizes, name) for name in cls.model_fields})

    def settings(self) -> dict[str, int]:
        """The same sizes as settings of the Pulumi program."""
        return {to_camel(name): megabytes for name, megabytes in self.model_dump().items()}


class Design(Frozen):
    """What a plan is drawn from: everything but the order of its rounds."""

    name: str
    variants: tuple[str, ...]
    forms: tuple[str, ...]
    task_counts: tuple[int, ...]
    blocks: int
    seed: int = Field(default=1, description="commands draw another for each sweep, unless they are given one")
    payload: Payload
    control: Control | None = Field(default=None, description="what the others are compared with; None: `plain`")

    @field_validator("control")
    @classmethod
    def _usual(cls, control: Control | None) -> Control | None:
        return None if control == PLAIN else control

    @property
    def against(self) -> Control:
        """What the others are compared with."""
        return self.control or PLAIN

    @property
    def treatments(self) -> tuple[Named, ...]:
        """Every variant in every form."""
        return tuple(product(self.variants, self.forms))

    def control_of(self, variant: str, form: str) -> Named | None:
        """The treatment that this one is compared with; None if it is a control itself, or its control is not here."""
        control = self.against.of(variant, form)
        return control if control in self.treatments else None


class Stopping(Frozen):
    """When a sweep may end before its last block: its intervals are narrow enough, or its time is used up."""

    precision: float = Field(gt=0, lt=1, description="wanted relative half width of the intervals; 0.05 is 5 %")
    points: Literal[True] | None = Field(
        default=None, description="the precision is a share of the control's time, not of the treatment's own"
    )
    budget_seconds: float | None = Field(default=None, gt=0, description="no block begins that would end later")

    def __str__(self) -> str:
        wanted = f"{100 * self.precision:.1f} points of the control" if self.points else f"{self.precision:.1%}"
        return wanted + (f" in {self.budget_seconds:g} s" if self.budget_seconds else "")


class Look(Frozen):
    """What a stopping rule knew before a block began."""

    blocks: int
    wanted: float = Field(description="relative half width; of `Stopping.points` in shares of the control's time")
    widest: float | None = Field(default=None, description="of all intervals; None while a comparison has none")
    narrow_enough: bool = False


class Plan(Frozen):
    """The rounds of a sweep, in order, with the design that they were drawn from.

    With ``stopping`` or ``race`` the rounds are the most there may be: more blocks of a seed only add to the earlier
    ones.
    """

    schema_version: int = PLAN_SCHEMA
    design: Design
    rounds: tuple[Round, ...]
    stopping: Stopping | None = None
    race: Race | None = None

    def seen_against(self, control: Control) -> Plan:
        """The same rounds, compared with another control; raises `SettingsError` if that compares nothing.

        The permutation test stays exact: in the orders that a plan may draw, any two treatments of a block are as
        likely to stand the one way as the other. They need not be neighbours, so drift within a block is noise.
        """
        design = Design.model_validate(self.design.model_dump() | {"control": control})
        _compares_something(design, control)
        return self.model_copy(update={"design": design})

    @property
    def digest(self) -> str:
        """SHA-256 of the plan as canonical JSON: equal plans, equal digests."""
        text = json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def drawn_seed() -> int:
    """A seed for a sweep that is given none: with one that all sweeps share, all would have the same order."""
    return random.SystemRandom().randrange(MAX_DRAWN_SEED)


def make_plan(design: Design, stopping: Stopping | None = None, race: Race | None = None) -> Plan:
    """Draw the order of a design's rounds; raises `SettingsError` for a value that no plan can have."""
    _check(design)
    return Plan(design=design, rounds=tuple(_rounds(design)), stopping=stopping, race=race)


def check_against_stack(plan: Plan, outputs: StackOutputs) -> None:
    """Raise `SettingsError` when the stack lacks a treatment of the plan."""
    for variant in plan.design.variants:
        if variant not in outputs.variants:
            raise SettingsError(f"The stack has no variant {variant!r}. It has: {', '.join(outputs.variants)}.")
        treatments = outputs.variants[variant].treatments
        for form in plan.design.forms:
            if form not in treatments:
                raise SettingsError(f"The stack has no {variant!r} as {form!r}. It has it as: {', '.join(treatments)}.")


def _rounds(design: Design) -> Iterator[Round]:
    generator = random.Random(design.seed)  # noqa: S311 - a reproducible order, not a secret
    together = defaultdict(list)
    for treatment in design.treatments:
        together[design.against.group(*treatment)].append(treatment)
    groups = list(product(together.values(), design.task_counts))
    index = 0
    for block in range(design.blocks):
        for treatments, task_count in _shuffled(groups, generator):
            for variant, form in _shuffled(treatments, generator):
                yield Round(block=block, index=index, variant=variant, form=form, task_count=task_count)
                index += 1


def _shuffled(values: Sequence[Value], generator: random.Random) -> list[Value]:
    drawn = [(generator.random(), place) for place in range(len(values))]
    return [values[place] for _, place in sorted(drawn)]


def _check(design: Design) -> None:
    _some_and_once("variant", design.variants)
    _some_and_once("form", design.forms)
    _some_and_once("task count", design.task_counts)
    for form in design.forms:
        if form != (named := str(FormSpec.parse(form))):
            raise SettingsError(f"A plan names forms by their canonical text: write {named}, not {form}.")
    for task_count in design.task_counts:
        _within("task count", task_count, 1, MAX_TASK_COUNT)
    if design.control is not None:
        _compares_something(design, design.control)
    _within("number of blocks", design.blocks, 1, MAX_BLOCKS)
    _within("seed", design.seed, 0, 2**63 - 1)


def _compares_something(design: Design, control: Control) -> None:
    if control.variant not in (None, *design.variants) or control.form not in (None, *design.forms):
        raise SettingsError(f"The control {control} is not among what the plan measures.")
    if not any(design.control_of(*treatment) for treatment in design.treatments):
        other = "image" if control.variant else "form"
        raise SettingsError(f"The plan has nothing to compare with the control {control}. Name another {other}, too.")


def _some_and_once(what: str, values: Sequence[object]) -> None:
    if not values:
        raise SettingsError(f"A plan needs at least one {what}.")
    for value in values:
        if values.count(value) > 1:
            raise SettingsError(f"The {what} {value!r} is given twice. Name each once; blocks are what repeats it.")


def _within(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SettingsError(f"The {what} {value} is not possible. Allowed: {least} to {most}.")
