"""Where Sociometer keeps things on this machine; nothing is kept in the repository.

Caches can be deleted at any time and are made again; data (records, stack state, registry) cannot.
"""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Rebuildable things: tools, payloads, base images. ``SOCIOMETER_CACHE`` moves it."""
    return _dir("SOCIOMETER_CACHE", "XDG_CACHE_HOME", ".cache")


def data_dir() -> Path:
    """Records, stack state and the lab's registry. ``SOCIOMETER_DATA`` moves it."""
    return _dir("SOCIOMETER_DATA", "XDG_DATA_HOME", ".local/share")


def asset(name: str) -> Path:
    """A folder or file that ships with the project: ``images``, ``tools``, ``Pulumi.yaml``, ``__main__.py``.

    In an installed wheel they lie inside the package, in a checkout at its top.
    """
    packaged = Path(__file__).parent / "assets" / name
    return packaged if packaged.exists() else Path(__file__).parent.parent / name


def _dir(own: str, xdg: str, default: str) -> Path:
    if value := os.environ.get(own):
        return Path(value).absolute()
    base = os.environ.get(xdg)
    return (Path(base) if base else Path.home() / default).absolute() / "sociometer"
