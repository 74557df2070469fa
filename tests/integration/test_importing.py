"""Claims about importing: it changes nothing of the process that it happens in."""

from __future__ import annotations

import subprocess
import sys

from tests.support.sources import ROOT, modules

IMPORT_ALL = """
import importlib, os, sys
before = dict(os.environ), list(sys.path)
for name in sys.argv[1:]:
    importlib.import_module(name)
assert (dict(os.environ), list(sys.path)) == before
"""


def test_importing_changes_neither_environment_nor_path() -> None:
    names = [".".join(module.with_suffix("").parts).removesuffix(".__init__") for module in modules()]
    names = [name for name in names if not name.startswith("infra.policy")]  # runs in an environment of its own
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
