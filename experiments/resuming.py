"""Whether a sweep may go on: only with the plan, images and key metadata that its records were made with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from experiments.plan.plan import Plan
from experiments.store.sweeps import Sweep
from infra.outputs import StackOutputs
from kit.errors import SweepError


def check_same(sweep: Sweep, key_metadata: dict[str, str], outputs: StackOutputs) -> None:
    """Raise `SweepError` when the sweep was made with other key metadata or other images than these."""
    then = {**sweep.key_metadata, **_digests(sweep.plan, sweep.outputs)}
    now = {**key_metadata, **_digests(sweep.plan, outputs)}
    if differences := _differences(then, now, sorted(then.keys() | now.keys())):
        raise SweepError(
            f"Sweep {sweep.id} cannot go on, for its records could not be compared: {differences}. Start a new sweep."
        )


def check_same_plan(sweep: Sweep, plan: Plan) -> None:
    """Raise `SweepError` that names what differs when a sweep's plan is not this one."""
    if sweep.plan.digest == plan.model_copy(update={"schema_version": sweep.plan.schema_version}).digest:
        return
    then, now = (
        {**it.design.model_dump(), "control": it.design.against, "until": it.stopping, "race": it.race}
        for it in (sweep.plan, plan)
    )
    raise SweepError(
        f"Sweep {sweep.id} has another plan ({_differences(then, now, then) or 'another order'}). Resume it without "
        "plan options, or start a new sweep."
    )


def _differences(then: Mapping[str, object], now: Mapping[str, object], keys: Iterable[str]) -> str:
    return "; ".join(
        f"{key}: {then.get(key, 'none')} then, {now.get(key, 'none')} now"
        for key in keys
        if then.get(key) != now.get(key)
    )


def _digests(plan: Plan, outputs: StackOutputs) -> dict[str, str]:
    return {
        f"image digest of {name} as {form}": treatment.image_digest
        for name, variant in outputs.variants.items()
        for form, treatment in variant.treatments.items()
        if name in plan.design.variants and form in plan.design.forms
    }
