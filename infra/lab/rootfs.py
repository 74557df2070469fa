"""Reads the users and groups of a container's root file system, without leaving it through a link.

As Docker and containerd do: a name is looked up in the image's own ``/etc/passwd`` and ``/etc/group``, a number needs
no entry there, and a user's supplementary groups are those that list it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.lab.reasons import ImageAtFault

MOST_LINKS = 40
"""As the kernel's own limit."""
MOST_BYTES = 1 << 20
MOST_ID = (1 << 31) - 1
"""As Docker's own limit (moby's `user` package)."""
_PASSWD, _GROUP = "/etc/passwd", "/etc/group"


@dataclass(frozen=True)
class User:
    """Who a process runs as; ``groups`` are the supplementary ones."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()


def inside(root: Path, path: str) -> Path:
    """Where an absolute path of the container lies on this machine; links are followed as the container would."""
    left = [part for part in reversed(path.split("/")) if part]
    place, links = root, 0
    while left:
        part = left.pop()
        if part in (".", ".."):
            place = place.parent if part == ".." and place != root else place
            continue
        if not _is_link(place / part, path):
            place = place / part
            continue
        links += 1
        if links > MOST_LINKS:
            raise ImageAtFault(f"{path} is a loop of links in the image.")
        target = str((place / part).readlink())
        left.extend(part for part in reversed(target.split("/")) if part)
        place = root if target.startswith("/") else place
    return place


def _is_link(place: Path, path: str) -> bool:
    try:
        return place.is_symlink()
    except OSError as error:
        raise ImageAtFault(f"{path} cannot be looked up in the image: {error.strerror}.") from error


def user(root: Path, text: str) -> User:
    """The user of a configuration: ``""``, ``name``, ``uid``, ``name:group``, ``uid:gid``.

    Raises `ImageAtFault` that says which name the image does not know, or which number is none that a kernel knows.
    """
    name, colon, group = text.partition(":")
    entry = next((fields for fields in _entries(root, _PASSWD, (2, 3)) if _is_meant(fields, name or "0")), None)
    if entry is None and name and not _is_id(name):
        raise ImageAtFault(f"The image's user is {name!r}, and its /etc/passwd has no such user.")
    uid = int(entry[2]) if entry else int(name or 0)
    if colon and group:
        return User(uid, _gid(root, group))
    groups = tuple(int(fields[2]) for fields in _entries(root, _GROUP, (2,)) if entry and _lists(fields, entry[0]))
    return User(uid, int(entry[3]) if entry else 0, groups)


def _gid(root: Path, group: str) -> int:
    entry = next((fields for fields in _entries(root, _GROUP, (2,)) if _is_meant(fields, group)), None)
    if entry is None and not _is_id(group):
        raise ImageAtFault(f"The image's group is {group!r}, and its /etc/group has no such group.")
    return int(entry[2]) if entry else int(group)


def _is_meant(fields: list[str], wanted: str) -> bool:
    return wanted == fields[0] or (_is_id(wanted) and wanted == fields[2])


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_ID)) and int(text) <= MOST_ID


def _lists(fields: list[str], name: str) -> bool:
    return len(fields) > 3 and name in fields[3].strip().split(",")


def _entries(root: Path, path: str, ids: tuple[int, ...]) -> Iterator[list[str]]:
    """The lines of such a file that have a name, and ids in those places; none where the image has no such file."""
    file = inside(root, path)
    if not file.is_file():
        return
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines.read(MOST_BYTES).splitlines():
            parts = line.split(":")
            if parts[0] and len(parts) > max(ids) and all(_is_id(parts[place]) for place in ids):
                yield parts
