"""The folder that a parser may write to, and what sees every attempt to write anywhere else, to connect or to run.

Python tells an audit hook of each file that is opened, made, moved, linked or removed, before it happens (PEP 578):
so an input that leads out of the folder is caught in the act. What C code does by itself the hook does not see; for
that, a folder beside it is compared at the end.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOM_BYTES = 3 << 30
"""Of address space beyond what the process has when it begins."""
_PLACES = {
    "os.mkdir": (0,), "os.rmdir": (0,), "os.remove": (0,), "os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,),
    "os.chmod": (0,), "os.chown": (0,), "os.truncate": (0,), "os.utime": (0,), "os.setxattr": (0,),
    "shutil.rmtree": (0,), "shutil.move": (0, 1), "sqlite3.connect": (0,),
}  # fmt: skip
"""Events, and which of their arguments are changed."""
_NEVER = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "socket.bind"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Escaped(BaseException):
    """A parser tried to write outside its folder, or to run or reach something."""


class _Guard:
    inside: str | None = None


def guard() -> None:
    """Watch this process from now on; without `allowed_in` everything is allowed."""
    sys.addaudithook(_heard)


@contextmanager
def allowed_in(folder: Path) -> Iterator[None]:
    """Only that folder may be written to while the block lasts."""
    _Guard.inside = os.path.realpath(folder)
    try:
        yield
    finally:
        _Guard.inside = None


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if _Guard.inside is None:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITES:
            _require_inside(event, path)
    elif event in _PLACES:
        for place in _PLACES[event]:
            _require_inside(event, arguments[place])
    elif event in _NEVER:
        raise Escaped(f"{event} {arguments!r}")


def _require_inside(event: str, path: Any) -> None:
    inside = _Guard.inside
    if inside is None or isinstance(path, int) or path in (None, os.devnull, ":memory:"):
        return
    text = os.fsdecode(path)
    if event == "sqlite3.connect":
        if text.endswith("?mode=ro"):
            return
        text = text.removeprefix("file://").partition("?")[0]
    folder, name = os.path.split(text)
    _Guard.inside = None  # the look itself is ours
    try:
        place = _real(text) if name in ("", ".", "..") else os.path.join(_real(folder or "."), name)
    finally:
        _Guard.inside = inside
    if place != inside and not place.startswith(f"{inside}/"):
        raise Escaped(f"{event} {text!r} is outside")


def _real(path: str) -> str:
    """Where a path leads, as the kernel says in two calls; of one that leads nowhere, where it would."""
    try:
        descriptor = os.open(path, os.O_PATH)
    except OSError:
        return os.path.realpath(path)
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def limit_memory(room_bytes: int = ROOM_BYTES) -> None:
    """Let this process grow by so much: a parser that wants more gets a `MemoryError`."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + room_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def picture(folder: Path) -> str:
    """A digest of all that lies in a folder: names, kinds, contents."""
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        seen.update(f"{path.relative_to(folder)} {path.lstat().st_mode}\n".encode(errors="surrogateescape"))
        if path.is_file() and not path.is_symlink():
            seen.update(path.read_bytes())
    return seen.hexdigest()
