"""Which entries of layers may move into a layer of their own on top of all, so that nothing shows in another way. Pure.

A file may move when no layer above its own says anything of it: of its name, of one of its hard links, or of a folder
above it, except what that folder is like. The new layer describes every folder above its files, as the uppermost layer
that does so describes it: otherwise, in a lazily loaded layer, such a folder would be anybody's and nobody's.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from infra.relayout.facts import Entry, Facts
from infra.relayout.order import OPAQUE, WHITEOUT, is_whiteout, parents
from infra.relayout.records import Record
from infra.trace.contents import clean

_OVERLAY = ("SCHILY.xattr.trusted.overlay.", "SCHILY.xattr.user.overlay.")
"""Attributes by which overlayfs hides what lies below: on top, they would hide more."""
_NAMED, _HIDDEN = "a layer above has that name, hides it or links to it", "a layer above hides a folder of it"
_ELSEWHERE = "a layer above writes beneath a symbolic link, so that its names are no places"
_BOTH = "a layer both has and hides a folder of it, and what is left depends on their order"
_ODD_FOLDER = "a folder above it has attributes that mean something else in another layer"


@dataclass(frozen=True)
class Folder:
    """A folder that the new layer describes."""

    path: bytes
    facts: Facts

    def header(self) -> bytes:
        """As a tar has it, in pax format; the same facts give the same bytes."""
        entry = tarfile.TarInfo(self.path.decode(errors="surrogateescape") + "/" if self.path else "./")
        entry.type, entry.mode = tarfile.DIRTYPE, self.facts.mode
        entry.uid, entry.gid = self.facts.owner
        modified, *others = self.facts.times
        words = {name: text for name, text in zip(("atime", "ctime"), others, strict=True) if text}
        if modified.isdecimal():
            entry.mtime = int(modified)
        else:
            words["mtime"] = modified
        entry.pax_headers = {**words, **dict(self.facts.xattrs)}
        return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


@dataclass(frozen=True)
class Plan:
    """``order`` is the new layer: folders, and records as place of their layer and index in it; ``files`` are those of
    the wanted that move. ``stay`` has path and reason of the others, by layer."""

    order: tuple[Folder | tuple[int, int], ...]
    files: frozenset[tuple[int, bytes]]
    stay: Mapping[int, tuple[tuple[bytes, str], ...]]

    def moved(self, place: int) -> frozenset[int]:
        """The records of a layer that leave it."""
        return frozenset(each[1] for each in self.order if not isinstance(each, Folder) and each[0] == place)


def plan(
    layers: Sequence[Sequence[Entry]], movable: Mapping[int, Sequence[Record]], wanted: Sequence[tuple[int, bytes]]
) -> Plan:
    """What moves of ``wanted`` (place of the layer, path), first access first.

    ``layers`` are the entries of all, lowest first; ``movable`` the records of those whose order means nothing
    (`order.reordered`), by place.
    """
    said = [_Said.of(entries) for entries in layers]
    names = {place: _Names.of(records) for place, records in movable.items()}
    made = _Made(said)
    stay: dict[int, list[tuple[bytes, str]]] = {}
    files = set[tuple[int, bytes]]()
    for place, path in wanted:
        if place not in names or (same := names[place].of_content(path)) is None:
            continue
        paths = [movable[place][index].path for index in same]
        if reason := made.obstacle(place, paths):
            stay.setdefault(place, []).append((path, reason))
        else:
            files.add((place, path))
            made.add(place, list(zip(same, paths, strict=True)))
    return Plan(tuple(made.order), frozenset(files), {place: tuple(each) for place, each in stay.items()})


@dataclass(frozen=True)
class _Said:
    """What a layer says of names: its entries, the folders that they need, what they hide, where hard links lead."""

    entries: Mapping[bytes, Facts]
    folders: frozenset[bytes]
    hidden: frozenset[bytes]
    opaque: frozenset[bytes]
    both: frozenset[bytes]
    """What is hidden and there as well."""
    targets: frozenset[bytes]
    climbs: bool

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> _Said:
        facts = {_clean(entry.name): entry.facts for entry in entries}
        hidden, opaque = set[bytes](), set[bytes]()
        for path in facts:
            folder, _, name = path.rpartition(b"/")
            if name == OPAQUE:
                opaque.add(folder)
            elif name.startswith(WHITEOUT):
                hidden.add((folder + b"/" if folder else b"") + name.removeprefix(WHITEOUT))
        folders = frozenset(parent for path in facts for parent in parents(path))
        return cls(
            entries=facts,
            folders=folders,
            hidden=frozenset(hidden),
            opaque=frozenset(opaque),
            both=frozenset(path for path in hidden if path in facts or path in folders),
            targets=frozenset(_clean(entry.link) for entry in entries if entry.link),
            climbs=any(".." in text.split("/") for entry in entries for text in (entry.name, entry.link)),
        )

    def links(self) -> frozenset[bytes]:
        """Its symbolic links."""
        return frozenset(path for path, facts in self.entries.items() if facts.kind == "symlink")

    def names(self, path: bytes) -> bool:
        """Whether it says anything of a path itself."""
        return path in self.entries or path in self.folders or path in self.hidden or path in self.targets

    def ends(self, folder: bytes) -> bool:
        """Whether a folder is not that of the layers below, because of what this layer has or hides."""
        facts = self.entries.get(folder)
        return folder in self.hidden or (facts is not None and facts.kind != "folder")


@dataclass(frozen=True)
class _Names:
    """The names of a layer's contents."""

    records: Mapping[bytes, int]
    of_index: Mapping[int, list[int]]
    content: Mapping[int, int]

    @classmethod
    def of(cls, records: Sequence[Record]) -> _Names:
        by_path = {record.path: index for index, record in enumerate(records)}
        content, of_index = dict[int, int](), dict[int, list[int]]()
        for index, record in enumerate(records):
            if record.kind == "file" and not is_whiteout(record.path):
                content[index] = index
            elif record.kind == "hard link" and (target := by_path[record.target]) in content:
                content[index] = content[target]
            else:
                continue
            of_index.setdefault(content[index], []).append(index)
        return cls(by_path, of_index, content)

    def of_content(self, path: bytes) -> list[int] | None:
        """The record of a file's content and those of its other names; None for what is no file, as a whiteout."""
        index = self.records.get(path)
        return None if index is None or index not in self.content else self.of_index[self.content[index]]


@dataclass
class _Made:
    """The new layer while it grows."""

    said: Sequence[_Said]
    order: list[Folder | tuple[int, int]] = field(default_factory=list)
    _placed: set[bytes | tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        links = accumulate((said.links() for said in self.said), lambda one, other: one | other)
        self._elsewhere = [
            said.climbs or bool(said.folders & below) for said, below in zip(self.said, links, strict=True)
        ]

    def obstacle(self, place: int, paths: Sequence[bytes]) -> str | None:
        """Why a file with these names must stay."""
        if any(self._elsewhere[place + 1 :]):
            return _ELSEWHERE
        for above in self.said[place + 1 :]:
            if any(map(above.names, paths)):
                return _NAMED
            if any(above.ends(folder) or folder in above.opaque for path in paths for folder in parents(path)):
                return _HIDDEN
        if any(folder in said.both for said in self.said for path in paths for folder in parents(path)):
            return _BOTH
        folders = (self.folder(folder) for path in paths for folder in parents(path))
        return _ODD_FOLDER if any(facts is not None and _is_odd(facts) for facts in folders) else None

    def add(self, place: int, records: Sequence[tuple[int, bytes]]) -> None:
        """Put a file's records behind those that are there, each behind its folders."""
        for index, path in records:
            for folder in parents(path):
                facts = self.folder(folder)
                if facts is not None and folder not in self._placed:
                    self.order.append(Folder(folder, facts))
                    self._placed.add(folder)
            if (place, index) not in self._placed:
                self.order.append((place, index))
                self._placed.add((place, index))

    def folder(self, path: bytes) -> Facts | None:
        """What the image says of a folder; None where no layer describes it. The root of a mounted image is that of the
        uppermost layer."""
        for said in reversed(self.said[-1:] if not path else self.said):
            if (facts := said.entries.get(path)) is not None:
                return facts if facts.kind == "folder" else None
            if any(said.ends(each) for each in (path, *parents(path))) or any(
                each in said.opaque for each in parents(path)
            ):
                return None
        return None


def _is_odd(facts: Facts) -> bool:
    """Whether attributes would hide what lies below, or are no text that a header can hold."""
    keys = any(key.startswith(_OVERLAY) for key, _ in facts.xattrs)
    return keys or not all(_is_text(value) for _, value in facts.xattrs)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean(name: str) -> bytes:
    return clean(name).encode(errors="surrogateescape")


def shown(stay: Sequence[tuple[bytes, str]]) -> Iterator[str]:
    """How many files stay for each reason, and one of them."""
    by_reason: dict[str, list[bytes]] = {}
    for path, reason in stay:
        by_reason.setdefault(reason, []).append(path)
    for reason, paths in by_reason.items():
        first = repr(paths[0].decode(errors="replace")[:200])
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield f"{first}{more} stay{'' if more else 's'}, because {reason}"
