"""What stands beside measured containers: the probe, and the other containers of existing task definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pulumi

from infra.fargate.containers import PROBE, ContainerArgs, Probed
from infra.fargate.images import image_beside
from infra.fargate.own import OwnImages
from infra.fargate.registry import SOURCE, Registry
from infra.settings.model import Settings
from infra.sources.images import PROBE_NAME, probe_recipe, recipe_beside

PROBE_IMAGE = f"{PROBE_NAME}/{SOURCE}"


def repositories(own: OwnImages) -> list[str]:
    """Those that the images beside need."""
    sidecars = [_repository(variant, name) for variant, images in own.sidecars.items() for name in images]
    return [*([PROBE_IMAGE] if own.ready else []), *sidecars]


class Beside:
    """The images beside, in the stack's registry; ``parent`` is the resource that they belong to."""

    def __init__(self, own: OwnImages, registry: Registry, settings: Settings, parent: pulumi.Resource) -> None:
        self._own, self._registry, self._settings, self._parent = own, registry, settings, parent
        self._probe = self._image(PROBE_IMAGE, probe_recipe(settings.platform)) if own.ready else None
        self._sidecars = {variant: self._sidecars_of(variant) for variant in own.sidecars}

    def containers(self, variant: str, header: str, image: pulumi.Input[str], logs: pulumi.Input[str]) -> ContainerArgs:
        """What the tasks of a treatment consist of; ``logs`` is the stack's log group."""
        return ContainerArgs(
            image=image,
            workload=self._settings.workload(variant),
            probe=self._probed(variant),
            log_group=logs,
            region=self._settings.region,
            stream_prefix=header,
            existing=self._own.existing.get(variant),
            sidecars=self._sidecars.get(variant, {}),
        )

    @property
    def probe_name(self) -> str | None:
        """Of the probe's container; None where there is none."""
        return None if self._probe is None else PROBE

    def _probed(self, variant: str) -> Probed | None:
        if self._probe is None or variant not in self._own.ready:
            return None
        return Probed(self._probe, self._own.ready[variant], self._own.images[variant].config)

    def _sidecars_of(self, variant: str) -> Mapping[str, pulumi.Output[str]]:
        images = self._own.sidecars[variant]
        platform = self._settings.platform
        return {
            name: self._image(_repository(variant, name), recipe_beside(variant, image, platform))
            for name, image in images.items()
        }

    def _image(self, repository: str, ingredients: Mapping[str, str]) -> pulumi.Output[str]:
        name = repository.replace("/", "-")
        return image_beside(name, ingredients, self._registry.repositories[repository], self._settings, self._parent)


def _repository(variant: str, container: str) -> str:
    """ECR's names have no capitals and no two separators in a row."""
    return f"{variant}/sidecar-{re.sub(r'[^a-z0-9]+', '-', container.lower()).strip('-')}"
