"""The project's own code as syntax trees, for tests of what it imports, calls and waits for. Each file is read once."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("sociometer", "experiments", "infra", "kit")
"""From the top down: each may import itself and those behind it."""


@functools.cache
def modules() -> tuple[Path, ...]:
    """Every file of the packages, relative to the project's folder."""
    return tuple(path.relative_to(ROOT) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))


@functools.cache
def nodes(module: Path) -> tuple[ast.AST, ...]:
    """Every node of one of the `modules`."""
    return tuple(ast.walk(ast.parse((ROOT / module).read_text())))
