"""Sociometer measures how much faster a container image starts when it is loaded lazily.

`load` gives what was measured as data frames; everything else belongs to the command.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sociometer.loading import Loaded, load

__version__ = "0.2.0"
__all__ = ["Loaded", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """`load` and `Loaded` when they are first used: pandas takes longer to import than most commands run."""
    if name in ("Loaded", "load"):
        from sociometer import loading

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _refuse_namesakes() -> None:
    """Raise `ImportError` when a package of somebody else's hides one of ours: their names are common ones."""
    home = Path(__file__).resolve().parents[1]
    for name in ("experiments", "infra", "kit"):
        spec = find_spec(name)
        folder = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if folder != home / name:
            raise ImportError(
                f"Sociometer's own package {name!r} is hidden by {folder or 'a folder of that name'}. Rename that "
                "folder, or run Python from another one."
            )


_refuse_namesakes()
