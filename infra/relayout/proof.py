"""Proves that two images show the same file system, in two ways that know nothing of how the new one was made.

Always from their layers alone (`facts`, `tree`); where this process is root also from both as containerd mounts them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.lab.sandbox import Sandbox
from infra.oci.manifest import Manifest
from infra.relayout import mounted
from infra.relayout.facts import Entry
from infra.relayout.tree import Shown, differences, tree
from kit.errors import ImageError, LabError

MOST_TOLD = 5


def why_not_mounted() -> str | None:
    """Why images cannot be mounted here, such as in a container without rights; None where they can."""
    if os.geteuid() != 0:
        return "that needs root"
    try:
        Sandbox.open().close()
    except LabError as error:
        return str(error).rstrip(".")
    return None


def require_same(
    before: Manifest, after: Manifest, entries: Mapping[str, Sequence[Entry]], name: object
) -> dict[str, Shown]:
    """The file system that both images show; raises `ImageError` with what differs. ``entries`` are by layer."""
    one, other = (tree(entries[layer.digest] for layer in image.layers) for image in (before, after))
    _require_none(differences(one, other), name)
    return one


def require_same_mounted(
    before: tuple[Path, Manifest], after: tuple[Path, Manifest], platform: str, room: Path, shown: Mapping[str, Shown]
) -> None:
    """Mount both images, each a layout and its manifest, and compare every path; raises as `require_same` does."""
    timeless = {path for path, each in shown.items() if not each.lasting}
    _require_none(mounted.differences(before, after, platform, room, timeless), "The new image, mounted,")


def _require_none(found: Sequence[str], name: object) -> None:
    if found:
        more = f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
        raise ImageError(
            f"{name} does not have the same file system: {'; '.join(found[:MOST_TOLD])}{more}. Nothing was written; "
            "--keep-layers leaves the layers as they are."
        )
