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
        if not (place / part).is_symlink():
            place = place / part
            continue
        links += 1
        if links > MOST_LINKS:
            raise ImageAtFault(f"{path} is a loop of links in the image.")
        target = str((place / part).readlink())
        left.extend(part for part in reversed(target.split("/")) if part)
        place = root if target.startswith("/") else place
    return place


def user(root: Path, text: str) -> User:
    """The user of a configuration: ``""``, ``name``, ``uid``, ``name:group``, ``uid:gid``.

    Raises `ImageAtFault` that says which name the image does not know.
    """
    name, colon, group = text.partition(":")
    entry = next((fields for fields in _entries(root, "/etc/passwd", 4) if _is_meant(fields, name or "0")), None)
    if entry is None and name and not name.isdecimal():
        raise ImageAtFault(f"The image's user is {name!r}, and its /etc/passwd has no such user.")
    uid = int(entry[2]) if entry else int(name or 0)
    if colon and group:
        return User(uid, _gid(root, group))
    groups = tuple(int(fields[2]) for fields in _entries(root, "/etc/group", 4) if entry and _lists(fields, entry[0]))
    return User(uid, int(entry[3]) if entry else 0, groups)


def _gid(root: Path, group: str) -> int:
    entry = next((fields for fields in _entries(root, "/etc/group", 3) if _is_meant(fields, group)), None)
    if entry is None and not group.isdecimal():
        raise ImageAtFault(f"The image's group is {group!r}, and its /etc/group has no such group.")
    return int(entry[2]) if entry else int(group)


def _is_meant(fields: list[str], wanted: str) -> bool:
    return wanted == fields[0] or (wanted.isdecimal() and wanted == fields[2])


def _lists(fields: list[str], name: str) -> bool:
    return name in fields[3].strip().split(",")


def _entries(root: Path, path: str, fields: int) -> Iterator[list[str]]:
    """The well-formed lines of such a file; none where the image has none."""
    file = inside(root, path)
    if not file.is_file():
        return
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines.read(MOST_BYTES).splitlines():
            parts = line.split(":")
            if len(parts) >= fields and parts[2].isdecimal() and (fields < 4 or parts[0]):
                yield parts
