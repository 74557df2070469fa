"""From `--target`, `--stack`, `--plan` and `--variant` to one target with its stack and plan."""

from __future__ import annotations

from experiments.plan.presets import preset
from infra.automation import files
from kit.errors import SettingsError
from sociometer.cli.target_kinds import Fargate, Lab, Sim
from sociometer.cli.targets import Target

TARGETS: dict[str, type[Target]] = {kind.name: kind for kind in (Lab, Fargate, Sim)}


def chosen_target(target: str | None, stack: str | None, plan: str | None = None, variant: str | None = None) -> Target:
    """The target that the options name; raises `SettingsError` when they cannot go together."""
    wanted = None if target is None else _kind(target)
    if wanted is Sim:
        if stack is not None:
            raise SettingsError(f"--stack {stack}: a simulation has no stack. Leave it out, or name another --target.")
        return Sim(Sim.name, plan or Sim.default_plan)
    name = stack or _of_its_own(_default_stack(wanted, plan), variant)
    configured = configured_target(name)
    if wanted is not None and configured is not None and wanted is not configured:
        raise SettingsError(
            f"--target {wanted.name}: stack {name} is on {configured.name}, and a stack stays where it is. Name "
            f"another one, such as --stack {_default_stack(wanted, None)}."
        )
    kind = configured or wanted or Lab
    return kind(name, plan or kind.default_plan)


def configured_target(stack: str) -> type[Target] | None:
    """The target in the stack's configuration; None when the stack has none yet."""
    settings = files.settings(stack)
    return _kind(str(settings.get("target", Lab.name))) if settings else None


def _kind(name: str) -> type[Target]:
    if name not in TARGETS:
        raise SettingsError(f"There is no target {name!r}. Allowed: {', '.join(TARGETS)}.")
    return TARGETS[name]


def _default_stack(kind: type[Target] | None, plan: str | None) -> str:
    """The preset's stack where it is of that target; `dev` on Fargate."""
    if kind is Fargate:
        return files.FARGATE_STACK
    named = preset(plan or Lab.default_plan).stack
    return preset(Lab.default_plan).stack if kind is Lab and named == files.FARGATE_STACK else named


def _of_its_own(stack: str, variant: str | None) -> str:
    return stack if variant is None else f"{stack}-{variant}"
