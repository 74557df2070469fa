"""Programs of the tests that need other versions than ours: locked uv projects, each in an environment of its own.

Installed into the cache on first use, by one process at a time; ``python -m tests.support.environments`` does it
beforehand.
"""

from __future__ import annotations

import hashlib
import sys
from functools import partial
from pathlib import Path

from kit.command import run
from kit.files import made_once
from kit.paths import asset, cache_dir

ROOT = Path(__file__).parents[2]
MINISTACK = ROOT / "tests" / "ministack"
POLICY_PACK = ROOT / "infra" / "policy"
INSTALL_SECONDS = 500.0


def python_of(project: Path) -> Path:
    """The Python of a project's environment; `-m` runs its programs."""
    locked = (project / "uv.lock").read_bytes() + sys.version.encode()
    key = hashlib.sha256(locked).hexdigest()[:16]
    place = made_once(cache_dir() / "tests" / f"{project.name}-{key}", partial(_install, project))
    return place / "bin" / "python"


def _install(project: Path, place: Path) -> None:
    uv = run(["sh", asset("tools") / "uv.sh"], timeout_seconds=INSTALL_SECONDS, trusted=True).stdout.strip()
    words = [uv, "sync", "--locked", "--quiet", "--project", project, "--python", sys.executable]
    run(words, env={"UV_PROJECT_ENVIRONMENT": str(place)}, timeout_seconds=INSTALL_SECONDS, trusted=True)


if __name__ == "__main__":
    for each in (MINISTACK, POLICY_PACK):
        python_of(each)
