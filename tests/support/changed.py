"""The unit tests of what changed, for `make check`: prints their paths.

What changed is what git knows as changed or new against HEAD; in a clean checkout, the last commit. A module's tests
are ``tests/unit/<its folder>/test_<module>.py``, or that folder's when there is no such file; a changed helper's tests
are those that import it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNIT = Path("tests/unit")
ALWAYS = (UNIT / "test_imports.py",)


def changed() -> list[Path]:
    """Paths below the project's folder."""
    now = [*_git("diff", "--name-only", "HEAD"), *_git("ls-files", "--others", "--exclude-standard")]
    return [Path(name) for name in now or _git("diff", "--name-only", "HEAD~1", "HEAD")]


def tests_of(path: Path) -> Iterator[Path]:
    """The tests of one changed file; none of a file that no unit test is about."""
    if path.suffix == ".md":
        yield UNIT / "test_docs.py"
    elif path.is_relative_to(UNIT):
        yield path if path.name.startswith("test_") else path.parent
    elif path.is_relative_to("tests"):
        yield from _importing(".".join(path.with_suffix("").parts))
    elif path.suffix == ".py":
        folder = UNIT.joinpath(*(part for part in path.parent.parts if part != "sociometer"))
        own = folder / f"test_{path.stem}.py"
        yield own if (ROOT / own).is_file() else folder


def _importing(module: str) -> Iterator[Path]:
    for test in sorted((ROOT / UNIT).rglob("*.py")):
        if f"from {module} import" in test.read_text():
            yield test.relative_to(ROOT)


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def main() -> None:
    """Print them, each once and none that lies in a folder that is printed, too."""
    wanted = {*ALWAYS, *(test for path in changed() for test in tests_of(path) if (ROOT / test).exists())}
    sys.stdout.write("\n".join(sorted(str(test) for test in wanted if not wanted & set(test.parents))) + "\n")


if __name__ == "__main__":
    main()
