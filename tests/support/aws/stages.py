"""What the Dockerfiles of our images would pull from the internet, made here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.support.images import MIB, image_layout


def stages_without_internet(folder: Path) -> Mapping[str, str]:
    """Stages for `provider_standins`: nothing runs the images, so anything of its kind does."""
    base, hasher = folder / "base", folder / "hasher"
    hasher.mkdir()
    (hasher / "hasher").write_bytes(b"a program")
    return {"base": f"{base}@{image_layout(base, [MIB])}", "hasher": str(hasher)}
