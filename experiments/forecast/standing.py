"""What is still up on AWS and billed, read from the state of this project's stacks."""

from __future__ import annotations

from experiments.forecast import prices
from experiments.forecast.leftovers import Leftover, leftovers
from infra.automation import files, stack, workspace
from infra.settings.model import Settings


def left(name: str) -> list[Leftover]:
    """The resources that are left of a stack, with their cost a day in its region; empty without a stack."""
    region = str(files.settings(name).get("region", Settings.model_fields["region"].default))
    return leftovers(stack.deployment(name), prices.of_region(region))


def still_up() -> dict[str, list[Leftover]]:
    """Every stack of this project that still has resources on AWS."""
    resources = {name: left(name) for name in workspace.names() if files.settings(name).get("target") == "fargate"}
    return {name: entries for name, entries in resources.items() if entries}
