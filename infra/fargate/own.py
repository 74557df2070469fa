"""The user's own images on Fargate: all that has to be known of them before anything is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.fargate import existing, lookups
from infra.fargate.existing import Existing
from infra.oci import names
from infra.outputs import AUTO_READY
from infra.readiness import Ready, concrete
from infra.settings.model import Settings
from infra.settings.own import secret_services
from infra.sources import images, own
from infra.sources.own import ResolvedImage
from kit.values import Notify


@dataclass(frozen=True)
class OwnImages:
    """By variant: the images, what the probe waits for (where it watches), task definitions, and images in these."""

    images: Mapping[str, ResolvedImage] = field(default_factory=dict)
    ready: Mapping[str, Ready] = field(default_factory=dict)
    existing: Mapping[str, Existing] = field(default_factory=dict)
    sidecars: Mapping[str, Mapping[str, ResolvedImage]] = field(default_factory=dict)
    secret_arns: tuple[str, ...] = ()

    @property
    def secret_services(self) -> tuple[str, ...]:
        """The services of AWS that hold secrets of tasks."""
        return secret_services(self.secret_arns)

    @property
    def environment_files(self) -> tuple[str, ...]:
        """ARNs of objects in S3 with variables of tasks."""
        return tuple(sorted({arn for one in self.existing.values() for arn in one.environment_files}))


def find(settings: Settings, notify: Notify) -> OwnImages:
    """Ask registries and AWS; raises in one line what is not there, or cannot be measured."""
    definitions = {
        name: existing.chosen(lookups.task_definition(image.task_definition, settings.region), image.measured_container)
        for name, image in settings.images.items()
        if image.task_definition
    }
    secrets = {*settings.secret_arns, *(arn for one in definitions.values() for arn in one.secret_arns)}
    lookups.require_secrets(sorted(secrets), settings.region, notify)
    found = images.found(settings)
    return OwnImages(
        images=found,
        ready=_ready(settings, found, definitions),
        existing=definitions,
        sidecars={
            variant: {
                name: own.resolve(names.parse(reference), settings.platform)
                for name, reference in definition.sidecars.items()
            }
            for variant, definition in definitions.items()
        },
        secret_arns=tuple(sorted(secrets)),
    )


def _ready(
    settings: Settings, found: Mapping[str, ResolvedImage], definitions: Mapping[str, Existing]
) -> dict[str, Ready]:
    """What the probe waits for, for each image that does not report its boot by itself."""
    ready = {}
    for variant, image in found.items():
        if settings.reports_boot(variant):
            continue
        checked = variant in definitions and bool(definitions[variant].measured.get("healthCheck"))
        text = settings.workload(variant).ready or AUTO_READY
        ready[variant] = (
            Ready("healthcheck") if checked and text == "healthcheck" else concrete(variant, text, image.config)
        )
    return ready
