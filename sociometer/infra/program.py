"""The Pulumi program: from settings to pushed images and the stack's one output.

`deploy` runs unchanged under `pulumi up` (through ``__main__.py``) and inline in the Automation API.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.runtime import config as pulumi_config

from sociometer.errors import SociometerError
from sociometer.infra.images import PROJECT, recipe
from sociometer.infra.lab_registry import registry_folder
from sociometer.infra.outputs import OUTPUT_NAME, SCHEMA_VERSION, Form, StackOutputs
from sociometer.infra.providers.lab_registry import LabRegistry
from sociometer.infra.providers.soci_image import SociImage, SociImageArgs
from sociometer.infra.providers.source_image import SourceImageResource
from sociometer.infra.settings import NAMESPACE, Settings


def deploy() -> None:
    """Declare everything of the current stack; a fault of the settings ends the run with its one line."""
    try:
        settings = Settings.parse(_configuration())
        pulumi.export(OUTPUT_NAME, _lab(settings))
    except SociometerError as error:
        raise pulumi.RunError(str(error)) from error


def _configuration() -> dict[str, object]:
    """Every key of our namespace, also unknown ones: inline from the engine, under `pulumi up` from the environment."""
    everything = pulumi_config.get_config_env() | pulumi_config.CONFIG.get()
    return {key: value for key, value in everything.items() if key.startswith(f"{NAMESPACE}:")}


def _lab(settings: Settings) -> pulumi.Output[dict[str, Any]]:
    registry = LabRegistry("registry", registry_folder(pulumi.get_stack()), settings.registry_port or None)
    variants = {name: _variant(name, settings, registry) for name in settings.all_variants}
    return pulumi.Output.from_input(
        {
            "schema_version": SCHEMA_VERSION,
            "target": settings.target,
            "platform": settings.platform,
            "registry": registry.address,
            "registry_storage": registry.storage,
            "variants": variants,
        }
    ).apply(_checked)


def _variant(name: str, settings: Settings, registry: LabRegistry) -> dict[str, Any]:
    """One workload's source image and its forms, as the outputs describe them."""
    inside = pulumi.ResourceOptions(parent=registry, deleted_with=registry)
    source = SourceImageResource(
        f"{name}-source", recipe(name, settings), registry.address, registry.storage_id, opts=inside
    )
    return {
        "name": name,
        "source_image": source.image,
        "image_bytes": source.layer_bytes,
        "treatments": {form: _form(name, form, settings, registry, source) for form in settings.forms},
        **_service(name, settings),
    }


def _form(
    name: str, form: Form, settings: Settings, registry: LabRegistry, source: SourceImageResource
) -> pulumi.Output[dict[str, Any]]:
    """A treatment. Each form has a repository of its own: an index in one must not make the control lazy."""
    made = SociImage(
        f"{name}-{form}",
        SociImageArgs(
            source=source.image,
            repository=pulumi.Output.concat(registry.address, f"/{PROJECT}/{name}/{form}"),
            form=form,
            span_bytes=settings.span_size,
            min_layer_bytes=settings.min_layer_size,
            platform=settings.platform,
            plain_http=True,
            storage_id=registry.storage_id,
        ),
        pulumi.ResourceOptions(parent=source, deleted_with=registry),
    )
    return made.treatment


def _service(name: str, settings: Settings) -> dict[str, Any]:
    """How one sees that a task of this variant works; the built-in ones are as the contract's defaults say."""
    own = settings.images.get(name)
    return {} if own is None else own.model_dump(include={"port", "health_path", "boot_report"})


def _checked(outputs: dict[str, Any]) -> dict[str, Any]:
    """Only what keeps to the contract leaves the program."""
    return StackOutputs.parse(outputs).model_dump(mode="json")
