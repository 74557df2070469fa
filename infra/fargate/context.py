"""The build context that pulumi-docker builds a variant from: ``images/`` plus the variant's payload.

pulumi-docker does not support named contexts, so the Dockerfile's stages `payload` and `hasher` take what they need
from the build context itself (images/README.md). The folder is made once and cached under a key of its content; the
payload's files are hard-linked.
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
    """Return the folder for a built-in variant, with a `Dockerfile`; make the payload first if it is missing."""
    image_recipe = recipe(variant, settings, {})
    spec = PayloadSpec.model_validate_json(image_recipe["payload"])
    content = {name: value for name, value in image_recipe.items() if name not in ("base", "platform")}
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]
    folder = cache_dir() / "contexts" / f"{variant}-{key}"
    return made_once(folder, partial(_fill, variant, spec))


def build_arguments(settings: Settings) -> dict[str, str]:
    """Return the Dockerfile's build arguments; raise `SettingsError` for a base that Docker cannot pull."""
    if settings.base == base.DEBIAN:
        raise SettingsError(
            f"Setting base: '{base.DEBIAN}' is built on this machine, so Docker cannot pull it. Set builder to "
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
    """Hard-link a file, or copy it where the file system cannot link; both keep its modification time."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copy2(source, target)
