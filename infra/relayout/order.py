"""The new order of a layer's entries: what boot reads first comes first, and nothing means anything else. Pure.

Parents come before children, a hard link after its target, whiteouts before everything. Where the order of two entries
could matter in any other way, the layer stays as it is: `Unmovable` says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from infra.relayout.records import Record, Unmovable

WHITEOUT, OPAQUE, RESERVED = b".wh.", b".wh..wh..opq", b".wh..wh."
"""OCI image-spec, `layer.md`; names with the third prefix belong to aufs."""


def reordered(records: Sequence[Record], wanted: Sequence[bytes], in_the_way: Collection[bytes] = ()) -> list[int]:
    """The records' indexes in the new order: ``wanted`` are paths, first access first; unknown ones are left out.

    ``in_the_way`` are what layers below have that is no folder, where this one has something beneath: beneath a
    symbolic link it lies elsewhere than it says, beneath anything else it cannot be unpacked, unless this layer puts a
    folder there first. Raises `Unmovable`.
    """
    names = _names(records)
    _check_parents(records, names, in_the_way)
    _check_links(records, names)
    whiteouts = _whiteouts(records, names)
    return _Order(records, names).placed([*whiteouts, *(names[path] for path in wanted if path in names)])


class _Order:
    """Places entries one by one, each behind the folders above it.

    A hard link comes behind its target, because links are never among the first, and targets come before them.
    """

    def __init__(self, records: Sequence[Record], names: dict[bytes, int]) -> None:
        self._records = records
        self._names = names
        self._order: dict[int, None] = {}

    def placed(self, first: Sequence[int]) -> list[int]:
        """Those entries first, then the others as they were."""
        for index in first:
            self._place(self._content(index))
        for index in range(len(self._records)):
            self._place(index)
        return list(self._order)

    def _place(self, index: int) -> None:
        for parent in parents(self._records[index].path):
            if parent in self._names:
                self._order[self._names[parent]] = None
        self._order[index] = None

    def _content(self, index: int) -> int:
        """The entry that holds the content of a hard link."""
        while self._records[index].kind == "hard link":
            index = self._names[self._records[index].target]
        return index


def _names(records: Sequence[Record]) -> dict[bytes, int]:
    names: dict[bytes, int] = {}
    for index, record in enumerate(records):
        if record.path in names:
            raise Unmovable(f"it has two entries {_shown(record.path)}")
        if not record.path and record.kind != "folder":
            raise Unmovable("it has an entry without a name")
        names[record.path] = index
    return names


def _check_parents(records: Sequence[Record], names: dict[bytes, int], in_the_way: Collection[bytes]) -> None:
    for index, record in enumerate(records):
        for parent in parents(record.path):
            if parent in names and records[names[parent]].kind != "folder":
                raise Unmovable(f"its entry {_shown(record.path)} lies beneath {_shown(parent)}, which is no folder")
            if parent in in_the_way and names.get(parent, index) >= index:
                raise Unmovable(f"its entry {_shown(record.path)} lies beneath a link or file of a layer below")


def _check_links(records: Sequence[Record], names: dict[bytes, int]) -> None:
    for index, record in enumerate(records):
        if record.kind != "hard link":
            continue
        target = names.get(record.target)
        if target is None:
            raise Unmovable(f"its hard link {_shown(record.path)} has its target in another layer")
        if target >= index or records[target].kind == "folder":
            raise Unmovable(f"its hard link {_shown(record.path)} comes before its target, or is one to a folder")


def _whiteouts(records: Sequence[Record], names: dict[bytes, int]) -> list[int]:
    """The whiteouts, as they came; raises where one hides something of its own layer, or is none of today's.

    Also where one of all that layers below have in a folder comes after a folder in it: that may be one of theirs, kept
    with what this layer does not say of it, such as its mode. Behind the whiteout it would be a new one.
    """
    folders = {parent for path in names for parent in parents(path)}
    found, holding = [], set[bytes]()  # folders with another one in them, so far, described or not
    for index, record in enumerate(records):
        folder, _, name = record.path.rpartition(b"/")
        if not name.startswith(WHITEOUT):
            if WHITEOUT in record.path and any(part.startswith(WHITEOUT) for part in record.path.split(b"/")):
                raise Unmovable(f"its entry {_shown(record.path)} lies beneath a whiteout")
            holding.update(parents(record.path if record.kind == "folder" else folder))
            continue
        if record.kind != "file" or (name != OPAQUE and name.startswith(RESERVED)) or name == WHITEOUT:
            raise Unmovable(f"its whiteout {_shown(record.path)} is of a kind that only aufs knows")
        hidden = (folder + b"/" if folder else b"") + name.removeprefix(WHITEOUT)
        if name != OPAQUE and (hidden in names or hidden in folders):
            raise Unmovable(f"its whiteout {_shown(record.path)} hides something of the same layer")
        if name == OPAQUE and folder in holding:
            raise Unmovable(f"its whiteout {_shown(record.path)} comes after a folder that it may leave as it was")
        found.append(index)
    return found


def is_whiteout(path: bytes) -> bool:
    """Whether an entry of that name hides something instead of being something."""
    return path.rpartition(b"/")[2].startswith(WHITEOUT)


def parents(path: bytes) -> Iterator[bytes]:
    """The folders above a path, the outermost first; the root is one."""
    if path:
        yield b""
    at = path.find(b"/")
    while at != -1:
        yield path[:at]
        at = path.find(b"/", at + 1)


def _shown(path: bytes) -> str:
    return repr(path.decode(errors="replace")[:200])
