"""The cgroups of a container on cgroup v2, made ready for groups of the lab's own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "memory")
CHILD = "entry"
ATTEMPTS = 20


def hand_down(root: Path = ROOT, controllers: Sequence[str] = CONTROLLERS) -> str | None:
    """Let groups below ``root`` have the controllers; says why not when they cannot, None when they can.

    On v2 a group hands controllers down only while it holds no process itself, unless it is the machine's own root
    (Linux's `cgroup-v2.rst`, "No Internal Process Constraint"). A container begins with its processes in the group
    that it sees as the root, so they move into a child. On v1 there is nothing to do.
    """
    if not (root / "cgroup.controllers").is_file():
        return None
    reason = None
    for _ in range(ATTEMPTS):  # a process may be started in the root meanwhile
        try:
            (root / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
        except OSError as error:
            reason = f"{root}: {error.strerror}"
        else:
            return None
        try:
            _move(root)
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
    return reason


def _move(root: Path) -> None:
    child = root / CHILD
    child.mkdir(exist_ok=True)
    for process in (root / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):  # it has just ended
            (child / "cgroup.procs").write_text(process)
