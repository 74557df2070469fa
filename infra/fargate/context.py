"""The folder that pulumi-docker builds a variant from: ``images/`` with the variant's payload put into it.

pulumi-docker knows no named contexts, so the Dockerfile's stages `payload` and `hasher` take what they need from the
build context itself (images/README.md). The folder lies in the cache under a key of what is in it and is made once;
large files are links to the payload's own.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from functools import partial
from pathlib import Path

import pulumi

from infra.settings.model import Settings
from infra.sources import base, payloads
from infra.sources.images import recipe
from infra.sources.payloads import PayloadSpec
from kit.errors import SettingsError
from kit.files import made_once
from kit.paths import asset, cache_dir

DOCKERFILE = "Dockerfile"
PAYLOAD = "payload"
SHARED = ("hasher", "rootfs")
KEY_LENGTH = 32


def prepare(variant: str, settings: Settings) -> Path:
    """The folder for a built-in variant, with a `Dockerfile`; makes its payload when it is not there yet."""
    made_from = recipe(variant, settings)
    spec = PayloadSpec.model_validate_json(made_from["payload"])
    decisive = {key: value for key, value in made_from.items() if key not in ("base", "platform")}
    key = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]
    place = cache_dir() / "contexts" / f"{variant}-{key}"
    return made_once(place, partial(_fill, variant, spec))


def build_arguments(settings: Settings) -> dict[str, str]:
    """What the Dockerfile is told; raises `SettingsError` for a base that Docker cannot pull."""
    if settings.base == base.DEBIAN:
        raise SettingsError(
            f"Setting base: '{base.DEBIAN}' is made on this machine, where Docker does not find it. Set builder to "
            "buildkit, or name an image."
        )
    return {"BASE_IMAGE": base.PUBLIC_BASE if settings.base == "auto" else settings.base}


def _fill(variant: str, spec: PayloadSpec, folder: Path) -> None:
    payload = payloads.prepare(variant, spec, cache_dir(), pulumi.log.info)
    shutil.copyfile(asset("images") / variant / DOCKERFILE, folder / DOCKERFILE)
    for name in SHARED:
        ignored = shutil.ignore_patterns("*_test.go", "__pycache__")
        shutil.copytree(asset("images") / name, folder / name, ignore=ignored, dirs_exist_ok=True)
    (folder / PAYLOAD).mkdir(exist_ok=True)
    for file in payload.iterdir():
        _link(file, folder / PAYLOAD / file.name)


def _link(source: Path, target: Path) -> None:
    """A second name for a file, or where the file system cannot do that, a copy; either way with the same time."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copy2(source, target)
