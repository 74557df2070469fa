"""From `--target`, `--stack`, `--plan` and `--variant` to one place: target, stack and the plan to start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from experiments.plan.presets import preset
from infra.automation import files
from infra.outputs import StackOutputs, Target
from infra.settings.model import Settings
from kit.errors import SettingsError

TARGETS: tuple[Target, ...] = get_args(Target)
PLANS: dict[Target, str] = {"lab": "default", "fargate": "fargate", "sim": "fargate"}
"""The plan of each target unless one is named."""
SIMULATION = "sim"
"""Stands for a stack in the records of a simulation, which has none."""


@dataclass(frozen=True)
class Where:
    """A target, the stack whose images run there, and the name of the plan to start from."""

    target: Target
    stack: str
    plan: str

    @property
    def spends(self) -> bool:
        """Whether work here costs money."""
        return self.target == "fargate"


def chosen_where(target: str | None, stack: str | None, plan: str | None = None, variant: str | None = None) -> Where:
    """The place that the options name; raises `SettingsError` when they cannot go together."""
    wanted = _checked(target)
    if wanted == SIMULATION:
        if stack is not None:
            raise SettingsError(f"--stack {stack}: a simulation has no stack. Leave it out, or name another --target.")
        return Where(SIMULATION, SIMULATION, plan or PLANS[SIMULATION])
    name = stack or _of_its_own(_default_stack(wanted, plan), variant)
    found = configured_target(name)
    if wanted is not None and found is not None and wanted != found:
        raise SettingsError(
            f"--target {wanted}: stack {name} is on {found}, and a stack stays where it is. Name another one, such as "
            f"--stack {_default_stack(wanted, None)}."
        )
    place = found or wanted or "lab"
    return Where(place, name, plan or PLANS[place])


def configured_target(stack: str) -> Target | None:
    """The target in the stack's configuration; None when the stack has none yet, or names none that there is."""
    settings = files.settings(stack)
    if not settings:
        return None
    return _checked(str(settings.get("target", "lab")))


def settings_of(where: Where, wanted: Mapping[str, object]) -> dict[str, object]:
    """What is to be set when the stack is made: a new one on Fargate starts from the settings that ship for it."""
    if where.target == "lab":
        return dict(wanted)
    new = {} if files.settings(where.stack) else files.fargate_defaults()
    return {**new, "target": where.target, **wanted}


def complete_settings(where: Where, wanted: Mapping[str, object]) -> Settings:
    """All settings that the stack will have; raises `SettingsError` for what cannot be."""
    return Settings.parse({**files.settings(where.stack), **settings_of(where, wanted)})


def only_variant(variant: str | None, variants: str | None) -> str | None:
    """What `--variants` would say; `--variant` is the same for one alone."""
    if variant is not None and variants is not None:
        raise SettingsError("--variant and --variants cannot go together. One variant on its own stack, or several.")
    return variant or variants


def check_target(where: Where, outputs: StackOutputs) -> StackOutputs:
    """The outputs, if they are of the target that was asked for."""
    if outputs.target != where.target:
        raise SettingsError(
            f"Stack {where.stack} is up on {outputs.target}, not on {where.target}. Leave out --target, or name "
            "another --stack."
        )
    return outputs


def refuse_simulation(where: Where) -> None:
    """Raise `SettingsError` for a command that is about stacks."""
    if where.target == SIMULATION:
        raise SettingsError("A simulation has no stack. `sociometer run --target sim` needs none.")


def _checked(name: str | None) -> Target | None:
    if name is None:
        return None
    for target in TARGETS:
        if name == target:
            return target
    raise SettingsError(f"There is no target {name!r}. Allowed: {', '.join(TARGETS)}.")


def _default_stack(target: Target | None, plan: str | None) -> str:
    """The preset's stack where it is of that target; `dev` on Fargate."""
    if target == "fargate":
        return files.FARGATE_STACK
    named = preset(plan or PLANS["lab"]).stack
    return preset(PLANS["lab"]).stack if target == "lab" and named == files.FARGATE_STACK else named


def _of_its_own(stack: str, variant: str | None) -> str:
    return stack if variant is None else f"{stack}-{variant}"
