"""The plans that come with the project: what each measures, and on which stack."""

from __future__ import annotations

from experiments.plan.plan import Design, Payload
from infra.variants import VARIANTS
from kit.errors import SettingsError
from kit.values import Frozen


class Preset(Frozen):
    """A plan that comes with the project, and the stack that it uses unless told otherwise."""

    stack: str
    design: Design


_BUILT_IN = tuple(VARIANTS)
_SMALL = Payload(movie_megabytes=200, parquet_test_megabytes=30, parquet_train_megabytes=60)
_FULL_SIZE = Payload()

PRESETS: dict[str, Preset] = {
    "default": Preset(
        stack="lab",
        design=Design(
            name="default",
            variants=_BUILT_IN,
            forms=("plain", "soci-v2"),
            task_counts=(1, 2),
            blocks=3,
            payload=_SMALL,
        ),
    ),
    "aa": Preset(
        stack="lab-aa",
        design=Design(
            name="aa",
            variants=_BUILT_IN,
            forms=("plain", "plain-again"),
            task_counts=(1,),
            blocks=8,
            payload=_SMALL,
        ),
    ),
    "full": Preset(
        stack="lab-full",
        design=Design(
            name="full",
            variants=_BUILT_IN,
            forms=("plain", "soci-v1", "soci-v2"),
            task_counts=(1, 2, 3, 8),
            blocks=3,
            payload=_FULL_SIZE,
        ),
    ),
    "fargate": Preset(
        stack="dev",
        design=Design(
            name="fargate",
            variants=_BUILT_IN,
            forms=("plain", "soci-v2"),
            task_counts=(1, 2, 3, 8),
            blocks=3,
            payload=_FULL_SIZE,
        ),
    ),
}


def preset(name: str) -> Preset:
    """A preset by name; raises `SettingsError`."""
    if name not in PRESETS:
        raise SettingsError(f"There is no plan {name!r}. Allowed: {', '.join(PRESETS)}.")
    return PRESETS[name]
