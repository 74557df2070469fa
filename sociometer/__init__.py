"""Sociometer measures how much faster a container starts when its image is delivered lazily.

`load` gives what was measured as data frames; everything else is the command's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sociometer.loading import Loaded, load

__version__ = "0.1.0"
__all__ = ["Loaded", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """`load` and `Loaded` when they are first used: pandas takes longer to import than most commands run."""
    if name in ("Loaded", "load"):
        from sociometer import loading

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
