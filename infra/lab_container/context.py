"""What the lab's image is built from, and the name that it gets for it; alike in a checkout and in a wheel."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from kit.paths import asset

DOCKERFILE = Path("images/lab/Dockerfile")
NAMES = (
    *(".dockerignore", "LICENSE", "Pulumi.dev.yaml", "Pulumi.movie.yaml", "Pulumi.parquet.yaml", "Pulumi.yaml"),
    *("README.md", "__main__.py", "docs", "experiments", "images", "infra", "kit", "notebooks", "pyproject.toml"),
    *("requirements.txt", "sociometer", "tools"),
)
"""Of a checkout, as ``.dockerignore`` lets them through for a build by hand."""
REPOSITORY = "sociometer-lab"
_OF_A_WHEEL = Path("kit/assets")
"""Where an installed wheel has what lies beside the packages in a checkout."""


def image_name() -> str:
    """The image's name, with our version and a digest of all that it is built from: other content, another image."""
    digest = hashlib.sha256()
    for name, place in _files():
        content = place.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return f"{REPOSITORY}:{version('sociometer')}-{digest.hexdigest()[:12]}"


def lay_out(folder: Path) -> None:
    """Copy it into an empty folder, as a checkout has it."""
    for name, place in _files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(place, target)


def _files() -> Iterator[tuple[Path, Path]]:
    """Each file by its name in a checkout, and where it lies here; in one order everywhere."""
    for top in NAMES:
        place = asset(top)
        if place.is_file():
            yield Path(top), place
            continue
        for path in sorted(place.rglob("*")):
            name = top / path.relative_to(place)
            if path.is_file() and "__pycache__" not in name.parts and not name.is_relative_to(_OF_A_WHEEL):
                yield name, path
