"""The file system that an image's layers make, as containerd makes it, without a disk: the proof that needs no root.

Rules: OCI image-spec, `layer.md`; where it leaves things open, containerd's `archive/tar.go`: names are resolved
through the links that are there, an entry replaces what it meets except a folder that meets a folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from infra.relayout.facts import Entry, Facts
from kit.errors import ImageError

WHITEOUT, OPAQUE, RESERVED = ".wh.", ".wh..wh..opq", ".wh..wh."
MOST_LINKS = 255
"""As containerd's own limit (`continuity/fs`)."""
_IMPLIED = Facts("folder", 0o755, (0, 0), ())
"""A folder that no entry describes: whoever unpacks the image makes it, at the time of unpacking."""


@dataclass(eq=False)
class _Node:
    """A file, with one or more names; a folder has children."""

    facts: Facts
    children: dict[str, _Node] = field(default_factory=dict)
    layer: int = 0
    written_in: int = -1
    """The layer that last put something into a folder; ``layer`` is the one that last described it."""

    @property
    def is_folder(self) -> bool:
        return self.facts.kind == "folder"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is seen under a path; ``first_name`` is the first of the names of the same file. A folder's time is the
    unpacker's, and so not ``lasting``, where a layer put something into it without describing it."""

    facts: Facts
    first_name: str
    lasting: bool = True


def tree(layers: Iterable[Iterable[Entry]]) -> dict[str, Shown]:
    """Everything that an image's layers, lowest first, show: by path, the root being the empty one.

    Raises `ImageError` for layers that containerd would not unpack.
    """
    root = _Node(_IMPLIED)
    for number, entries in enumerate(layers, start=1):
        root.written_in = number  # the root of a mounted image is the uppermost layer's own folder
        layer = _Layer(root, number)
        for entry in entries:
            layer.add(entry)
    return dict(sorted(_shown(root)))


class _Layer:
    """One layer being unpacked over what is there."""

    def __init__(self, root: _Node, number: int) -> None:
        self._root = root
        self._number = number

    def add(self, entry: Entry) -> None:
        """Unpack one entry."""
        parts = _parts(entry.name)
        if not parts:
            self._describe(self._root, entry.facts)
            return
        folder, name = self._folder(parts[:-1], entry.name), parts[-1]
        folder.written_in = self._number
        if name.startswith(WHITEOUT):
            self._whiteout(folder, name)
            return
        there = folder.children.get(name)
        if entry.facts.kind == "folder" and there is not None and there.is_folder:
            self._describe(there, entry.facts)
        elif entry.facts.kind == "hard link":
            folder.children[name] = self._target(entry)
        else:
            folder.children[name] = _Node(entry.facts, layer=self._number)

    def _whiteout(self, folder: _Node, name: str) -> None:
        if name == OPAQUE:
            kept = {child: node for child, node in folder.children.items() if self._is_new(node)}
            folder.children = kept
        elif not name.startswith(RESERVED):
            folder.children.pop(name.removeprefix(WHITEOUT), None)

    def _is_new(self, node: _Node) -> bool:
        """Whether this layer has written it, or something into it; what it has not written in a folder goes."""
        node.children = {name: child for name, child in node.children.items() if self._is_new(child)}
        return node.layer == self._number or bool(node.children)

    def _describe(self, node: _Node, facts: Facts) -> None:
        node.facts, node.layer = facts, self._number

    def _target(self, entry: Entry) -> _Node:
        parts = _parts(entry.link)
        node = self._folder(parts[:-1], entry.link).children.get(parts[-1]) if parts else None
        if node is None or node.is_folder:
            raise ImageError(f"Layer {self._number} links {entry.name!r} to {entry.link!r}, which is not there.")
        return node

    def _folder(self, parts: list[str], name: str) -> _Node:
        """The folder at a path, made where it is missing; links on the way are followed, inside the image."""
        way, left, links = [self._root], parts[::-1], 0
        while left:
            part = left.pop()
            if part == "..":
                way = way[:-1] or way
                continue
            node = way[-1].children.get(part)
            if node is None:
                node = way[-1].children[part] = _Node(_IMPLIED, layer=self._number, written_in=self._number)
                way[-1].written_in = self._number
            if node.facts.kind == "symlink":
                links += 1
                if links > MOST_LINKS:
                    raise ImageError(f"Layer {self._number} has {name!r} beneath a loop of links.")
                way = way[:1] if node.facts.target.startswith("/") else way
                left.extend(reversed([each for each in node.facts.target.split("/") if each not in ("", ".")]))
            elif node.is_folder:
                way.append(node)
            else:
                raise ImageError(f"Layer {self._number} has {name!r} beneath something that is no folder.")
        return way[-1]


def _parts(name: str) -> list[str]:
    """The parts of an entry's name; ``..`` cannot lead out of the root."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return parts


def _shown(root: _Node) -> Iterator[tuple[str, Shown]]:
    first_names: dict[int, str] = {}
    waiting = [("", root)]
    while waiting:
        path, node = waiting.pop()
        lasting = not node.is_folder or (node.facts is not _IMPLIED and node.layer >= node.written_in)
        yield path, Shown(node.facts, first_names.setdefault(id(node), path), lasting)
        children = sorted(node.children.items(), reverse=True)
        waiting.extend((f"{path}/{name}" if path else name, child) for name, child in children)


def differences(one: dict[str, Shown], other: dict[str, Shown]) -> list[str]:
    """What differs between two file systems, a sentence for each path; empty when they are equal.

    A folder that had the unpacker's time may get one that lasts: that which its former description names.
    """
    found = []
    for path in sorted(one.keys() | other.keys()):
        before, after = one.get(path), other.get(path)
        if before is None or after is None:
            found.append(f"/{path!s} is {'only in the new image' if before is None else 'missing in the new image'}")
        elif before != after and before != replace(after, lasting=False):
            changed = [name for name in Facts.__slots__ if getattr(before.facts, name) != getattr(after.facts, name)]
            if before.first_name != after.first_name:
                changed.append("links")
            found.append(f"/{path!s} differs in {', '.join(changed) or 'who describes it'}")
    return found
