"""Whether this machine can run the lab: all checks together, for people (`sociometer doctor`) and for code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kit.errors import MachineError
from kit.machine import kernel, resources
from kit.machine.check import Check
from kit.paths import data_dir
from kit.toolchain import needs

STILL_WORKS = "the fargate target, plan, report and export of existing records, and the notebook"
"""What works whatever the checks find."""


def examine() -> list[Check]:
    """All checks, including those that cannot stop the lab."""
    return [
        *_decisive(with_outlook=True),
        *([kernel.pressure(), resources.internet()] if _on_linux() else []),
    ]


def obstacles(checks: Sequence[Check] | None = None) -> list[Check]:
    """The checks that fail, so that the lab cannot run here; empty when it can."""
    looked_at = _decisive(with_outlook=False) if checks is None else checks
    return [check for check in looked_at if check.state == "failure"]


def require_lab() -> None:
    """Raise `MachineError`, one line with every reason, when the lab cannot run on this machine."""
    failures = obstacles()
    if failures:
        reasons = "; ".join(f"{check.name}: {check.found} ({check.meaning})" for check in failures)
        raise MachineError(f"The lab cannot run on this machine. {reasons}. `sociometer doctor` says what to do.")


def _decisive(*, with_outlook: bool) -> Iterator[Check]:
    yield kernel.system()
    if _on_linux():
        yield from _kernel_checks()
        yield from _resource_checks()
        yield from resources.tools(needs.tools_for("lab"), with_outlook=with_outlook)


def _on_linux() -> bool:
    return kernel.system().state == "ok"


def _kernel_checks() -> Iterator[Check]:
    """What the kernel allows; without root, every further attempt would only fail for lack of it."""
    root = kernel.root()
    yield root
    if root.state == "ok":
        yield kernel.fuse()
        yield kernel.namespaces()
        yield kernel.cgroups()
        yield kernel.overlayfs(data_dir())
        yield kernel.network()
        yield kernel.shaping()


def _resource_checks() -> Iterator[Check]:
    yield resources.data_room()
    yield resources.cache_room()
    yield resources.memory()
    yield resources.processors()
