"""Source images: what each variant's forms are made from, in a registry by digest.

A built-in variant is built by BuildKit from ``images/`` and pushed; a user's own image is copied. Both are tagged by
a key of everything that they are made from, so that what is there already is not made again. Plain functions; the
Pulumi provider on top is thin.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.oci.buildkit import BuildRequest, ImageInLayout, build
from infra.oci.entry import on_this_machine
from infra.oci.manifest import Reference, as_image
from infra.oci.regctl import Access, Deadline, Regctl
from infra.settings.model import Settings
from infra.sources import base, hasher, payloads
from infra.sources.payloads import PayloadSpec
from infra.variants import VARIANTS
from kit.command import run
from kit.errors import CommandError, ImageError
from kit.paths import asset, cache_dir
from kit.scratch import scratch
from kit.toolchain.toolbox import tool
from kit.values import Notify

PROJECT = "sociometer"
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
    """Where a source image goes: ``repository`` is ``host:port/name``; without ``tag`` it gets a key of its content."""

    repository: str
    access: Access
    tag: str | None = None

    @property
    def regctl(self) -> Regctl:
        """For small questions to the registry."""
        return Regctl(self.access, Deadline(ASK_SECONDS))


def source_repository(variant: str) -> str:
    """Where a variant's source image lies, without the registry."""
    return f"{PROJECT}/{variant}/source"


def recipe(variant: str, settings: Settings) -> dict[str, str]:
    """Everything that decides what a variant's source image is, as flat text: equal recipes are equal images."""
    common = {"variant": variant, "platform": settings.platform}
    if own := settings.images.get(variant):
        return common | {"image": own.image}
    spec = _payload_spec(variant, settings)
    return common | {
        "base": settings.base,
        "dockerfile": _files_key(asset("images") / variant / "Dockerfile"),
        "rootfs": _files_key(*(asset("images") / name for name in SHARED_FILES)),
        "hasher": hasher.source_key(),
        "payload_key": spec.key(variant),
        "payload": spec.model_dump_json(),
    }


def make(made_from: Mapping[str, str], place: Destination, notify: Notify) -> SourceImage:
    """Build or copy a variant's source image into a registry, unless it is there already.

    Raises `ImageError` before anything is pushed when an own image does not exist or is of another platform.
    """
    if "image" in made_from:
        return _copy_own(made_from, place, notify)
    return _build(made_from, place, notify)


def is_there(place: Destination, digest: str) -> bool:
    """Whether the registry has an image; raises `RegistryUnreachable` when nobody answers."""
    return place.regctl.has_manifest(Reference(place.repository, digest))


def remove(place: Destination, digest: str) -> None:
    """Delete an image by digest, with its tags; one that is gone already is fine."""
    place.regctl.delete_manifest(Reference(place.repository, digest))


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


def _tag(made_from: Mapping[str, str], content: str) -> str:
    """A tag that names what the image was made from; ``content`` is what the recipe leaves open (the base)."""
    text = json.dumps([dict(made_from), content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _build(made_from: Mapping[str, str], place: Destination, notify: Notify) -> SourceImage:
    variant, platform = made_from["variant"], made_from["platform"]
    notify(f"{variant}: base image")
    below = base.prepare(base.resolve(made_from["base"], platform))
    tag = place.tag or _tag(made_from, below.digest)
    digest = place.regctl.digest(place.repository, tag)
    if digest is None:
        with scratch("source") as room:
            image = build(_build_request(made_from, below, notify), room / "layout")
            notify(f"{variant}: push")
            digest = _push(image, place, tag)
    return _described(place, digest, tag)


def _build_request(made_from: Mapping[str, str], below: ImageInLayout, notify: Notify) -> BuildRequest:
    variant, platform = made_from["variant"], made_from["platform"]
    spec = PayloadSpec.model_validate_json(made_from["payload"])
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
        images={"base": below},
    )


def _push(image: ImageInLayout, place: Destination, tag: str) -> str:
    _copy(f"ocidir://{image.layout}@{image.digest}", place, tag)
    return image.digest


def _copy_own(made_from: Mapping[str, str], place: Destination, notify: Notify) -> SourceImage:
    variant, platform, reference = made_from["variant"], made_from["platform"], made_from["image"]
    notify(f"{variant}: copy {reference}")
    digest = _digest_for_platform(variant, reference, platform, place.access)
    tag = place.tag or _tag(made_from, digest)
    if place.regctl.digest(place.repository, tag) != digest:
        _copy(f"{base.repository_of(reference)}@{digest}", place, tag)
    return _described(place, digest, tag)


def _copy(source: str, place: Destination, tag: str) -> None:
    words = ("image", "copy", source, f"{place.repository}:{tag}")
    _regctl(*words, access=place.access, seconds=COPY_SECONDS)


def _digest_for_platform(variant: str, reference: str, platform: str, access: Access) -> str:
    """The one manifest for a platform, its configuration looked at: a single manifest may be for any."""
    try:
        digest = _regctl("image", "digest", "--platform", platform, reference, access=access)
        config = json.loads(_regctl("image", "config", f"{base.repository_of(reference)}@{digest}", access=access))
    except CommandError as error:
        raise ImageError(f"The image {reference} of variant {variant} cannot be had for {platform}: {error}") from error
    has = f"{config.get('os')}/{config.get('architecture')}"
    if has != platform:
        raise ImageError(
            f"The image {reference} of variant {variant} is for {has}, the stack's platform is {platform}."
        )
    return digest


def _described(place: Destination, digest: str, tag: str) -> SourceImage:
    reference = Reference(place.repository, digest)
    manifest = as_image(place.regctl.manifest(reference), reference)
    return SourceImage(reference.repository, digest, tag, sum(layer.size_bytes for layer in manifest.layers))


def _regctl(*arguments: str, access: Access, seconds: float = ASK_SECONDS) -> str:
    """Each registry as it is: an own image may lie in another one than the stack's."""
    hosts = dict.fromkeys(part.partition("/")[0] for part in arguments)
    plain = [word for host in hosts if on_this_machine(host) for word in ("--host", f"reg={host},tls=disabled")]
    command: list[str | Path] = [tool("regctl"), *plain, *arguments]
    return run(command, timeout_seconds=seconds, env=access.environment()).stdout.strip()
