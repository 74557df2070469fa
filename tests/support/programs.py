"""Small stand-ins for programs on PATH, and scripts that find the real ones there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kit.toolchain.toolbox import tools_path
from tests.support.environments import ROOT

SOCIOMETER = (sys.executable, "-c", "from sociometer.cli.entry import main; main()")
"""The command, also where this checkout is not installed but on Python's path."""


def script(path: Path, body: str) -> Path:
    """Write an executable shell script and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def run_script(*words: str | Path, **environment: str) -> None:
    """Run a command that calls `sociometer` and its tools by their names; it is to end well."""
    path = os.pathsep.join((tools_path(), str(ROOT / ".venv/bin"), os.environ["PATH"]))
    told = {**os.environ, "PATH": path, **environment}
    done = subprocess.run(words, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
