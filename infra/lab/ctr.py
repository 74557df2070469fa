"""containerd's client on a lab host, with one sentence for the user where it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from infra.lab import daemons, reasons
from infra.lab.reasons import ImageAtFault
from infra.lab.sandbox import Sandbox
from kit.command import Completed
from kit.errors import CommandTimeout, LabError
from kit.full_disk import NO_ROOM
from kit.toolchain.toolbox import tool


class Ctr:
    """ctr inside a sandbox; ``trouble`` says which daemon has ended, for then that is the cause. What containerd keeps
    lies in ``folder``."""

    def __init__(self, sandbox: Sandbox, trouble: Callable[[], str | None], folder: Path) -> None:
        self._sandbox, self._trouble, self._folder = sandbox, trouble, folder

    def run(
        self,
        words: Sequence[str],
        timeout_seconds: float,
        reason_of: Callable[[str], tuple[str, bool]] = reasons.unknown,
    ) -> None:
        """Run a command to its end. Raises `LabError`, `CommandTimeout`, or `ImageAtFault` where ``reason_of`` its
        output says so."""
        try:
            done = self.tell(words, timeout_seconds)
        except CommandTimeout:
            raise CommandTimeout(f"ctr {' '.join(words[:2])} did not end within {timeout_seconds:.3g} s.") from None
        if done.exit_code == 0:
            return
        if trouble := self._trouble():
            raise LabError(trouble)
        if NO_ROOM in done.stderr:
            raise LabError(f"The disk with {self._folder} is full: {NO_ROOM}.")
        reason, is_image = reason_of(done.stderr or done.stdout)
        raise ImageAtFault(reason) if is_image else LabError(reason)

    def tell(self, words: Sequence[str], timeout_seconds: float) -> Completed:
        """Run a command to its end, however it ends."""
        argv = [str(tool("ctr")), "--address", daemons.CONTAINERD_SOCKET, *words]
        return self._sandbox.run(argv, timeout_seconds=timeout_seconds, check=False)
