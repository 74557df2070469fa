"""`sociometer plan`: the rounds of a plan, how long they will take, and on AWS what they will cost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.forecast.duration import FargateModel, Model, TargetModel, Treatment
from experiments.plan.plan import Payload, Plan, check_against_stack, make_plan
from experiments.store.store import default_path
from infra.automation import files
from infra.settings.model import BUILT_IN_VARIANTS, Settings
from kit.errors import SettingsError
from sociometer.cli import actions, spending
from sociometer.cli.options import (
    AsJson,
    Blocks,
    Changes,
    Counts,
    Forms,
    PlanName,
    Profile,
    Seed,
    Stack,
    StorePath,
    TargetName,
    Variant,
    Variants,
    chosen_plan,
    chosen_profile,
)
from sociometer.cli.plan_table import show_plan
from sociometer.cli.where import Where, chosen_where, complete_settings, only_variant

if TYPE_CHECKING:
    from collections.abc import Mapping


def plan(
    plan: PlanName = None,
    variants: Variants = None,
    variant: Variant = None,
    forms: Forms = None,
    counts: Counts = None,
    blocks: Blocks = None,
    seed: Seed = None,
    target: TargetName = None,
    stack: Stack = None,
    profile: Profile = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Print the rounds of a plan, in their order, and how long they will take; on fargate also what they will cost.

    With --stack, the plan is checked against what that stack holds, if it is up. Nothing is started.
    """
    where = chosen_where(target, stack, plan, variant)
    chosen = chosen_plan(where.plan, Changes(only_variant(variant, variants), forms, counts, blocks, seed))
    _check_variants(chosen, where, stack)
    path = store or default_path()
    if where.spends:
        settings = settings_for(where, chosen)
        known = known_on_fargate(path, chosen, settings)
        bill = spending.bill(chosen, chosen.rounds, known, settings, make=True)
        show_plan(chosen, known, spending.model_of(settings), as_json=as_json, bill=bill)
        return
    profile_name = chosen_profile(profile)
    known = actions.earlier_seconds(path, chosen, where.target, profile_name if where.target == "lab" else None)
    show_plan(chosen, known, _model(where, profile_name), as_json=as_json)


def settings_for(where: Where, plan: Plan, more: Mapping[str, object] | None = None) -> Settings:
    """The settings that the stack will have when it is made for a plan; raises `SettingsError`."""
    return complete_settings(where, {**plan_settings(plan), **(more or {})})


def plan_settings(plan: Plan) -> dict[str, object]:
    """What a plan asks of its stack."""
    design = plan.design
    return {"variants": list(design.variants), "forms": list(design.forms), **design.payload.settings()}


def plan_to_make(where: Where, changes: Changes, more: Mapping[str, object]) -> Plan:
    """The plan for a stack that is made for it with settings of the user's own: its variants and sizes follow them.

    Raises `SettingsError`, before anything is made or paid for, where the stack could not be measured by the plan.
    """
    drawn = chosen_plan(where.plan, changes)
    settings = settings_for(where, drawn, more)
    plan = chosen_plan(where.plan, changes.on(settings.all_variants))
    payload = Payload.of(settings)
    plan = make_plan(plan.design.model_copy(update={"payload": payload}))
    for variant in plan.design.variants:
        if variant not in settings.all_variants:
            there = ", ".join(settings.all_variants)
            raise SettingsError(f"The stack would have no variant {variant!r}. With these settings it has: {there}.")
        if where.spends and not settings.workload(variant).boot_report:
            raise SettingsError(
                f"The image of variant {variant!r} writes no boot report, and on fargate nothing else proves how a "
                "task was loaded. Let it write one (docs/fargate-rounds.md) and say bootReport: true, or measure it in "
                "the lab."
            )
    if missing := [form for form in plan.design.forms if form not in settings.forms]:
        raise SettingsError(f"The settings leave out the form {missing[0]}, which the plan measures: see --forms.")
    return plan


def known_on_fargate(store: Path, plan: Plan, settings: Settings) -> dict[Treatment, float]:
    """What rounds like these took on Fargate before, with tasks of the same size."""
    return actions.earlier_seconds(store, plan, "fargate", f"{settings.cpu_units}/{settings.memory_mebibytes}")


def _model(where: Where, profile_name: str) -> Model:
    """What the time estimate needs of a lab profile and of this machine; a simulation imitates Fargate."""
    if where.target == "sim":
        return FargateModel()
    from infra.lab.profiles import profile

    chosen = profile(profile_name)
    rate = chosen.rate_bits_per_second or TargetModel().rate_bits_per_second
    return TargetModel(vcpu=chosen.vcpu, rate_bits_per_second=rate, cores=os.cpu_count() or 1)


def _check_variants(plan: Plan, where: Where, stack: str | None) -> None:
    if stack is not None and where.target == "lab":
        check_against_stack(plan, actions.outputs(stack))
        return
    own = Settings.parse({"images": files.settings(where.stack).get("images", {})}).images
    known = (*BUILT_IN_VARIANTS, *own)
    for variant in plan.design.variants:
        if variant not in known:
            raise SettingsError(
                f"There is no variant {variant!r}. Allowed: {', '.join(known)}, or what the stack of --stack has."
            )
