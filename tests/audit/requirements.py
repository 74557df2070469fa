"""requirements.txt, for `pulumi install`: what uv.lock has for running, with digests: pip takes nothing else."""

from __future__ import annotations

from kit.command import run
from kit.paths import asset
from tests.support.environments import ROOT

FILE = ROOT / "requirements.txt"
SECONDS = 120.0
_HEAD = """\
# What uv.lock has, by `make locks`. For `pulumi install`, which makes the environment that Pulumi.yaml names.
# The project itself is not in it: Pulumi runs it where it lies.
"""


def text() -> str:
    """What the file is to hold; raises `CommandFailed` when uv.lock does not agree with pyproject.toml."""
    uv = run(["sh", asset("tools") / "uv.sh"], timeout_seconds=SECONDS, trusted=True).stdout.strip()
    more = ("--no-dev", "--no-emit-project", "--no-header", "--no-annotate")
    return (
        _HEAD + run([uv, "export", "--locked", "--offline", "--quiet", *more], cwd=ROOT, timeout_seconds=SECONDS).stdout
    )


if __name__ == "__main__":
    FILE.write_text(text())
