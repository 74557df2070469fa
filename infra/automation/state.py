"""The file with a stack's state, where it lies on this machine: it is kept from being cut, and a cut one is told.

When the disk is full, Pulumi (3.258, and gocloud.dev's file bucket below it) puts what it could write in the place of
the whole state, and forgets the stack.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.settings.model import NAMESPACE
from kit import full_disk
from kit.documents import object_of
from kit.errors import StackError


def folder(backend: str | None) -> Path | None:
    """Where the files of a backend, a URL, lie on this machine; None where it is elsewhere."""
    if backend is None or urlsplit(backend).scheme != "file":
        return None
    return Path(unquote(urlsplit(backend).path)) / ".pulumi"


def demand_room(backend: str | None) -> None:
    """Raise `MachineError` where there is too little room to write the state."""
    if (place := folder(backend)) is not None and place.parent.is_dir():
        full_disk.demand_room(place.parent)


def refuse_cut(stack: str, backend: str | None) -> None:
    """Raise `StackError` when the stack's state is no whole document, with the command that restores the last one."""
    if (place := folder(backend)) is None:
        return
    file = place / "stacks" / NAMESPACE / f"{stack}.json"
    if not file.is_file() or _is_whole(file):
        return
    before = file.with_name(f"{file.name}.bak")
    way = f"Without {before}, which is not whole either, it cannot be read."
    if before.is_file() and _is_whole(before):
        command = shlex.join(["cp", str(before), str(file)])
        way = f"`{command}` brings back the one before it; then try again."
    raise StackError(f"The state of stack {stack}, {file}, is cut, as by a full disk. {way}")


def _is_whole(file: Path) -> bool:
    try:
        object_of(file.read_bytes())
    except ValueError:
        return False
    return True
