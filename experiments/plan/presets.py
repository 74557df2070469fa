"""The plans that ship: what each measures, and the stack that it is measured on."""

from __future__ import annotations

from experiments.plan.plan import Design, Payload
from kit.errors import SettingsError
from kit.values import Frozen

VARIANTS = ("movie", "parquet")
"""The variants that come with the project; a stack may hold others."""


class Preset(Frozen):
    """A plan that comes with the project, and the stack that it uses unless told otherwise."""

    stack: str
    design: Design


_FULL_SIZE = Payload(movie_megabytes=725, parquet_test_megabytes=100, parquet_train_megabytes=200)


PRESETS: dict[str, Preset] = {
    "default": Preset(
        stack="lab",
        design=Design(
            name="default",
            variants=VARIANTS,
            forms=("plain", "soci-v2"),
            task_counts=(1, 2),
            blocks=3,
            seed=1,
            payload=Payload(movie_megabytes=200, parquet_test_megabytes=30, parquet_train_megabytes=60),
        ),
    ),
    "aa": Preset(
        stack="lab-aa",
        design=Design(
            name="aa",
            variants=VARIANTS,
            forms=("plain", "plain-again"),
            task_counts=(1,),
            blocks=8,
            seed=1,
            payload=Payload(movie_megabytes=200, parquet_test_megabytes=30, parquet_train_megabytes=60),
        ),
    ),
    "full": Preset(
        stack="lab-full",
        design=Design(
            name="full",
            variants=VARIANTS,
            forms=("plain", "soci-v1", "soci-v2"),
            task_counts=(1, 2, 3, 8),
            blocks=3,
            seed=1,
            payload=_FULL_SIZE,
        ),
    ),
    "fargate": Preset(
        stack="dev",
        design=Design(
            name="fargate",
            variants=VARIANTS,
            forms=("plain", "soci-v2"),
            task_counts=(1, 2, 3, 8),
            blocks=3,
            seed=1,
            payload=_FULL_SIZE,
        ),
    ),
}


def preset(name: str) -> Preset:
    """A preset by name; raises `SettingsError`."""
    if name not in PRESETS:
        raise SettingsError(f"There is no plan {name!r}. Allowed: {', '.join(PRESETS)}.")
    return PRESETS[name]
