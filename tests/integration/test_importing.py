"""Claims about importing: it changes nothing of the process that it happens in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORT_ALL = """
import importlib, os, sys
before = dict(os.environ), list(sys.path)
for name in sys.argv[1:]:
    importlib.import_module(name)
assert (dict(os.environ), list(sys.path)) == before
"""


def test_importing_changes_neither_environment_nor_path() -> None:
    packages = ("sociometer", "experiments", "infra", "kit")
    paths = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    names = [name for name in names if not name.startswith("infra.policy")]  # runs in an environment of its own
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
