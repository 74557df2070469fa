"""The lab's part of the Pulumi program: a registry on this machine that holds each variant's image in each form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from infra.forms import Form, slug
from infra.lab.registry import registry_folder
from infra.outputs import SCHEMA_VERSION
from infra.providers.lab_registry import LabRegistry
from infra.providers.soci_image import SociImage, SociImageArgs
from infra.providers.source_image import SourceImageResource
from infra.settings.attached import content_of
from infra.settings.model import Settings
from infra.sources.images import PROJECT, found, recipe
from infra.sources.own import ResolvedImage


def lab(settings: Settings) -> dict[str, Any]:
    """Declare the lab's stack and return the fields of its outputs."""
    settings.require_lab()
    images = found(settings)  # first: without its images, a stack would be a registry that nobody asked for
    registry = LabRegistry("registry", registry_folder(pulumi.get_stack()), settings.registry_port or None)
    variants = {name: _variant(name, settings, images, registry) for name in settings.all_variants}
    return {
        "schema_version": SCHEMA_VERSION,
        "target": settings.target,
        "platform": settings.platform,
        "registry": registry.address,
        "registry_storage": registry.storage,
        "variants": variants,
    }


def _variant(
    name: str, settings: Settings, images: Mapping[str, ResolvedImage], registry: LabRegistry
) -> dict[str, Any]:
    """Declare one workload's source image and its forms; return them as the outputs describe them."""
    options = pulumi.ResourceOptions(parent=registry, deleted_with=registry)
    source = SourceImageResource(
        f"{name}-source", recipe(name, settings, images), registry.address, registry.storage_id, opts=options
    )
    return {
        "name": name,
        "source_image": source.image,
        "image_bytes": source.layer_bytes,
        "treatments": {form: _form(name, form, settings, registry, source) for form in settings.forms},
        **settings.workload(name).outputs(),
    }


def _form(
    name: str, form: Form, settings: Settings, registry: LabRegistry, source: SourceImageResource
) -> pulumi.Output[dict[str, Any]]:
    """Declare a treatment in its own repository: an index beside the control's image would make the control lazy."""
    image = SociImage(
        f"{name}-{slug(form)}",
        SociImageArgs(
            source=source.image,
            repository=pulumi.Output.concat(registry.address, f"/{PROJECT}/{name}/{slug(form)}"),
            form=form,
            span_bytes=settings.span_size,
            min_layer_bytes=settings.min_layer_size,
            platform=settings.platform,
            plain_http=True,
            storage_id=registry.storage_id,
            attached=content_of(form),
        ),
        pulumi.ResourceOptions(parent=source, deleted_with=registry),
    )
    return image.treatment
