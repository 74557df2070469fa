"""Source images: the image that each variant's forms are made from, in a registry by digest.

A built-in variant is built by BuildKit from ``images/`` and pushed; a user's own image is copied. The tag is a key of
everything that goes into the image, so an image that exists already is not made again. The Pulumi provider calls these
functions and does little else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra import readiness
from infra.oci import names
from infra.oci.buildkit import BuildRequest, ImageInLayout, build
from infra.oci.config import parse as config_of
from infra.oci.entry import regctl_across
from infra.oci.manifest import Manifest, Reference, as_image
from infra.oci.regctl import Access, Deadline, Regctl
from infra.outputs import AUTO_READY
from infra.settings.model import Settings
from infra.settings.own import OwnImage
from infra.sources import base, hasher, own, payloads, probe
from infra.sources.own import ResolvedImage
from infra.sources.payloads import PayloadSpec
from infra.variants import VARIANTS
from kit.errors import ImageError, SociometerError
from kit.paths import asset, cache_dir
from kit.scratch import scratch
from kit.values import Notify

PROJECT = "sociometer"
PROBE_NAME = probe.NAME
COPY_SECONDS = 900.0
ASK_SECONDS = 60.0
SHARED_FILES = ("rootfs",)


@dataclass(frozen=True)
class SourceImage:
    """An image in a registry; ``layer_bytes`` is the sum of its compressed layers."""

    repository: str
    digest: str
    tag: str
    layer_bytes: int

    @property
    def image(self) -> str:
        """repository@digest."""
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True)
class Destination:
    """Where a source image goes. ``repository`` is ``host:port/name``; the default ``tag`` is a key of the content."""

    repository: str
    access: Access
    tag: str | None = None

    @property
    def regctl(self) -> Regctl:
        """For small questions to the registry."""
        return Regctl(self.access, Deadline(ASK_SECONDS))


def source_repository(variant: str) -> str:
    """The repository of a variant's source image, without the registry."""
    return f"{PROJECT}/{variant}/source"


def found(settings: Settings) -> dict[str, ResolvedImage]:
    """The user's own images as they are now, by variant; raises what `own.resolve` raises."""
    return {name: own.resolve(names.parse(image.image), settings.platform) for name, image in settings.images.items()}


def recipe(variant: str, settings: Settings, images: Mapping[str, ResolvedImage]) -> dict[str, str]:
    """Everything that goes into a variant's source image, as flat text: equal recipes give equal images.

    ``images`` are the user's own ones, as `found`.
    """
    common = {"variant": variant, "platform": settings.platform}
    if image := settings.images.get(variant):
        digest = images[variant].digest
        return common | {"image": image.image, "digest": digest, "expects": " ".join(_expected(image))}
    spec = _payload_spec(variant, settings)
    return common | {
        "base": settings.base,
        "dockerfile": _files_key(asset("images") / variant / "Dockerfile"),
        "rootfs": _files_key(*(asset("images") / name for name in SHARED_FILES)),
        "hasher": hasher.source_key(),
        "payload_key": spec.key(variant),
        "payload": spec.model_dump_json(),
    }


def make(ingredients: Mapping[str, str], destination: Destination, notify: Notify) -> SourceImage:
    """Build or copy a variant's source image into a registry, unless it is there already.

    Raises `ImageError` when an own image cannot be had, or lacks what its settings expect of it.
    """
    if "image" in ingredients:
        return _copy_own(ingredients, destination, notify)
    if probe.NAME in ingredients:
        return _push_probe(ingredients, destination, notify)
    return _build(ingredients, destination, notify)


def is_there(destination: Destination, digest: str) -> bool:
    """Whether the registry has an image; raises `RegistryUnreachable` when nobody answers."""
    return destination.regctl.has_manifest(Reference(destination.repository, digest))


def remove(destination: Destination, digest: str) -> None:
    """Delete an image by digest, with its tags; no error when it is gone already."""
    destination.regctl.delete_manifest(Reference(destination.repository, digest))


def recipe_beside(variant: str, image: ResolvedImage, platform: str) -> dict[str, str]:
    """Everything that goes into the copy of an image that stands beside a measured one."""
    return {"variant": variant, "platform": platform, "image": str(image.name), "digest": image.digest}


def probe_recipe(platform: str) -> dict[str, str]:
    """Everything that goes into the image of the probe."""
    return {"variant": probe.NAME, "platform": platform, probe.NAME: probe.image_key(platform)}


def _expected(image: OwnImage) -> Iterator[str]:
    """What an image must say by itself, because its settings do not."""
    if image.readiness == AUTO_READY:
        yield "port"
    if image.command is None and image.entry_point is None:
        yield "command"


def _payload_spec(variant: str, settings: Settings) -> PayloadSpec:
    """Only this variant's sizes, so that changing another one's does not change its recipe."""
    own_sizes: set[str] = {file.size_setting for file in VARIANTS[variant]}
    return PayloadSpec(kind=settings.payload, seed=settings.seed, **settings.model_dump(include=own_sizes))


def _files_key(*paths: Path) -> str:
    """A key of files: their names, contents, and whether they can be executed."""
    key = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                key.update(f"{file.relative_to(path.parent)}\0{file.stat().st_mode & 0o111:o}\0".encode())
                key.update(hashlib.sha256(file.read_bytes()).digest())
    return key.hexdigest()


def _tag(ingredients: Mapping[str, str], content: str) -> str:
    """A tag that stands for what goes into the image; ``content`` is what the recipe leaves open (the base)."""
    text = json.dumps([dict(ingredients), content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _build(ingredients: Mapping[str, str], destination: Destination, notify: Notify) -> SourceImage:
    variant, platform = ingredients["variant"], ingredients["platform"]
    notify(f"{variant}: base image")
    base_image = base.prepare(base.resolve(ingredients["base"], platform))
    tag = destination.tag or _tag(ingredients, base_image.digest)
    digest = destination.regctl.digest(destination.repository, tag)
    if digest is None:
        with scratch("source") as room:
            image = build(_build_request(ingredients, base_image, notify), room / "layout")
            notify(f"{variant}: push")
            digest = _push(image, destination, tag)
    reference = Reference(destination.repository, digest)
    return _described(reference, as_image(destination.regctl.manifest(reference), reference), tag)


def _build_request(ingredients: Mapping[str, str], base_image: ImageInLayout, notify: Notify) -> BuildRequest:
    variant, platform = ingredients["variant"], ingredients["platform"]
    spec = PayloadSpec.model_validate_json(ingredients["payload"])
    notify(f"{variant}: payload")
    payload = payloads.prepare(variant, spec, cache_dir(), notify)
    notify(f"{variant}: hasher")
    program = hasher.build(platform.partition("/")[2], cache_dir())
    notify(f"{variant}: build")
    return BuildRequest(
        context=asset("images"),
        dockerfile=f"{variant}/Dockerfile",
        platform=platform,
        folders={"payload": payload, "hasher": program},
        images={"base": base_image},
    )


def _push(image: ImageInLayout, destination: Destination, tag: str) -> str:
    words = ("image", "copy", f"ocidir://{image.layout}@{image.digest}", f"{destination.repository}:{tag}")
    regctl_across(*words, access=destination.access, seconds=COPY_SECONDS)
    return image.digest


def _copy_own(ingredients: Mapping[str, str], destination: Destination, notify: Notify) -> SourceImage:
    variant, reference = ingredients["variant"], ingredients["image"]
    wanted = ingredients["digest"]
    tag = destination.tag or _tag({"platform": ingredients["platform"]}, wanted)
    digest = destination.regctl.digest(destination.repository, tag)
    if digest is None:
        notify(f"{variant}: copy {reference}")
        own.copy(names.parse(reference), wanted, destination.repository, tag, destination.access)
        digest = destination.regctl.digest(destination.repository, tag)
    if digest is None:
        raise ImageError(f"The image {reference} was copied, and its tag {tag} is not in the registry.")
    copied = Reference(destination.repository, digest)
    manifest = as_image(destination.regctl.manifest(copied), copied)
    try:
        _check_expected(ingredients, destination, manifest)
    except SociometerError:
        remove(destination, digest)
        raise
    return _described(copied, manifest, tag)


def _push_probe(ingredients: Mapping[str, str], destination: Destination, notify: Notify) -> SourceImage:
    notify("probe: push")
    tag = destination.tag or _tag(ingredients, "")
    image = probe.prepare(ingredients["platform"], cache_dir())
    reference = Reference(destination.repository, _push(image, destination, tag))
    return _described(reference, as_image(destination.regctl.manifest(reference), reference), tag)


def _check_expected(ingredients: Mapping[str, str], destination: Destination, manifest: Manifest) -> None:
    """Refuse an image that its settings cannot start or cannot watch, before any form is made of it."""
    name = ingredients["image"]
    config = config_of(destination.regctl.blob(Reference(destination.repository, manifest.config.digest)), name)
    expected = ingredients.get("expects", "").split()
    if "command" in expected:
        own.require_command(name, config)
    if "port" in expected:
        readiness.from_config(name, config)


def _described(reference: Reference, manifest: Manifest, tag: str) -> SourceImage:
    return SourceImage(reference.repository, reference.digest, tag, manifest.layer_bytes)
