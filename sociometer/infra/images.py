"""Source images: what each variant's forms are made from, in the lab's registry by digest.

A built-in variant is built by BuildKit from ``images/`` and pushed; a user's own image is copied. Both are tagged by
a key of everything that they are made from, so that what is there already is not made again. Plain functions; the
Pulumi provider on top is thin.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from sociometer.errors import CommandError, ImageError, RegistryUnreachable
from sociometer.infra import base, hasher, payloads
from sociometer.infra.payloads import PayloadSpec
from sociometer.infra.settings import Settings
from sociometer.oci.buildkit import BuildRequest, ImageInLayout, build
from sociometer.oci.command import run
from sociometer.oci.manifest import DOCKER_MANIFEST, INDEX_TYPES, OCI_MANIFEST, Manifest, Reference
from sociometer.oci.regctl import Access, Deadline, Regctl
from sociometer.oci.scratch import scratch
from sociometer.oci.toolbox import tool
from sociometer.paths import asset, cache_dir

PROJECT = "sociometer"
COPY_SECONDS = 900.0
ASK_SECONDS = 60.0
SHARED_FILES = ("rootfs",)
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST, *INDEX_TYPES)
Notify = Callable[[str], None]


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


def make(made_from: Mapping[str, str], registry: str, notify: Notify) -> SourceImage:
    """Build or copy a variant's source image into ``registry`` (host:port), unless it is there already.

    Raises `ImageError` before anything is pushed when an own image does not exist or is of another platform.
    """
    if "image" in made_from:
        return _copy_own(made_from, registry, notify)
    return _build(made_from, registry, notify)


def find(registry: str, repository: str, reference: str) -> str | None:
    """The digest of a tag or digest in a registry; None when it is not there.

    Raises `RegistryUnreachable` when nobody answers, which says nothing about the image.
    """
    url = f"http://{registry}/v2/{repository}/manifests/{reference}"
    try:
        answer = httpx.head(url, headers={"Accept": ", ".join(MANIFEST_TYPES)}, timeout=ASK_SECONDS, trust_env=False)
    except httpx.TransportError as error:
        raise RegistryUnreachable(f"The registry {registry} does not answer: {error}.") from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    if answer.is_error:
        raise ImageError(f"The registry {registry} answers {answer.status_code} for {repository}, {reference}.")
    return str(answer.headers["Docker-Content-Digest"])


def remove(registry: str, repository: str, digest: str) -> None:
    """Delete an image by digest, with its tags; one that is gone already is fine."""
    _lab_registry().delete_manifest(Reference(f"{registry}/{repository}", digest))


def _payload_spec(variant: str, settings: Settings) -> PayloadSpec:
    """Only what counts for this variant, so that another one's size does not change its recipe."""
    sizes = (
        {"movie_megabytes": settings.movie_megabytes}
        if variant == "movie"
        else {
            "parquet_test_megabytes": settings.parquet_test_megabytes,
            "parquet_train_megabytes": settings.parquet_train_megabytes,
        }
    )
    return PayloadSpec(kind=settings.payload, seed=settings.seed, **sizes)


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


def _build(made_from: Mapping[str, str], registry: str, notify: Notify) -> SourceImage:
    variant, platform = made_from["variant"], made_from["platform"]
    notify(f"{variant}: base image")
    below = base.prepare(base.resolve(made_from["base"], platform))
    tag, repository = _tag(made_from, below.digest), source_repository(variant)
    digest = find(registry, repository, tag)
    if digest is None:
        with scratch("source") as room:
            image = build(_build_request(made_from, below, notify), room / "layout")
            notify(f"{variant}: push")
            digest = _push(image, f"{registry}/{repository}", tag)
    return _described(registry, repository, digest, tag)


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


def _push(image: ImageInLayout, repository: str, tag: str) -> str:
    _regctl("image", "copy", f"ocidir://{image.layout}@{image.digest}", f"{repository}:{tag}", seconds=COPY_SECONDS)
    return image.digest


def _copy_own(made_from: Mapping[str, str], registry: str, notify: Notify) -> SourceImage:
    variant, platform, reference = made_from["variant"], made_from["platform"], made_from["image"]
    notify(f"{variant}: copy {reference}")
    digest = _digest_for_platform(variant, reference, platform)
    repository, tag = source_repository(variant), _tag(made_from, digest)
    if find(registry, repository, digest) is None:
        source = f"{base.repository_of(reference)}@{digest}"
        _regctl("image", "copy", source, f"{registry}/{repository}:{tag}", seconds=COPY_SECONDS)
    return _described(registry, repository, digest, tag)


def _digest_for_platform(variant: str, reference: str, platform: str) -> str:
    """The one manifest for a platform, its configuration looked at: a single manifest may be for any."""
    try:
        digest = _regctl("image", "digest", "--platform", platform, reference)
        config = json.loads(_regctl("image", "config", f"{base.repository_of(reference)}@{digest}"))
    except CommandError as error:
        raise ImageError(f"The image {reference} of variant {variant} cannot be had for {platform}: {error}") from error
    has = f"{config.get('os')}/{config.get('architecture')}"
    if has != platform:
        raise ImageError(
            f"The image {reference} of variant {variant} is for {has}, the stack's platform is {platform}."
        )
    return digest


def _described(registry: str, repository: str, digest: str, tag: str) -> SourceImage:
    reference = Reference(f"{registry}/{repository}", digest)
    manifest = _lab_registry().manifest(reference)
    if not isinstance(manifest, Manifest):
        raise ImageError(f"{reference} is an index where one image is wanted.")
    return SourceImage(reference.repository, digest, tag, sum(layer.size_bytes for layer in manifest.layers))


def _lab_registry() -> Regctl:
    """For the lab's registry, which speaks plain HTTP."""
    return Regctl(Access(plain_http=True), Deadline(ASK_SECONDS))


def _regctl(*arguments: str, seconds: float = ASK_SECONDS) -> str:
    """Registries on this machine speak plain HTTP, as for Docker; all others do not."""
    hosts = [part.partition("/")[0] for part in arguments if part.startswith(("127.0.0.1:", "localhost:"))]
    plain = [word for host in dict.fromkeys(hosts) for word in ("--host", f"reg={host},tls=disabled")]
    return run([tool("regctl"), *plain, *arguments], timeout_seconds=seconds).stdout.strip()
