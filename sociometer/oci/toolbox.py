"""Where the tools are: what is on PATH at a sufficient version, else what was built into the cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from sociometer.errors import MachineError


def tool(name: str) -> Path:
    """The executable of an installed tool; raises `MachineError` that says how to install it."""
    found = shutil.which(name)
    if found is None:
        raise MachineError(f"{name} is not installed. `sociometer tools install` installs it.")
    return Path(found)
