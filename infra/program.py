"""The Pulumi program: from settings to pushed images and the stack's one output.

`deploy` runs unchanged under `pulumi up` (through ``__main__.py``) and inline in the Automation API.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.runtime import config as pulumi_config

from infra.lab_stack import lab
from infra.outputs import OUTPUT_NAME, StackOutputs
from infra.settings.model import NAMESPACE, Settings
from kit.errors import SociometerError


def deploy() -> None:
    """Declare the current stack; an error of ours ends the run with its type and one-line message."""
    try:
        outputs = _declare(Settings.parse(_configuration()))
    except SociometerError as error:
        raise pulumi.RunError(f"{type(error).__name__}: {error}") from error
    pulumi.export(OUTPUT_NAME, pulumi.Output.from_input(outputs).apply(_checked))


def _declare(settings: Settings) -> dict[str, Any]:
    if settings.target == "lab":
        return lab(settings)
    from infra.fargate.program import fargate  # pulumi-aws takes seconds to import

    return fargate(settings)


def _configuration() -> dict[str, object]:
    """Every key in our namespace, even unknown ones: inline from the engine, under `pulumi up` from the environment."""
    configuration = pulumi_config.get_config_env() | pulumi_config.CONFIG.get()
    return {key: value for key, value in configuration.items() if key.startswith(f"{NAMESPACE}:")}


def _checked(outputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs, checked against their contract before they leave the program."""
    return StackOutputs.parse(outputs).model_dump(mode="json")
