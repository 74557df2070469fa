"""The files of an image by what holds their content: an entry in the tar of one layer. Pure.

Names are followed as the soci-snapshotter does when it makes a layer's file system (`metadata/reader.go`): entries in
their order, a later one replaces an earlier one of the same name, and a hard link is another name of what its target
means at that moment.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from infra.oci.spans import Spans, touched
from infra.oci.ztoc import ZtocEntry, header_starts

Range = tuple[int, int]


@dataclass(frozen=True)
class Content:
    """A regular file's content: in which layer, by which name (``name`` as the tar has it), and in bytes where in the
    layer's tar it lies."""

    layer: int
    path: str
    name: str
    header: int
    offset: int
    size: int

    def in_tar(self, ranges: Iterable[Range]) -> list[Range]:
        """Parts of the file as parts of the tar, with the header, which is read first."""
        return [(self.header, self.offset), *((self.offset + start, self.offset + end) for start, end in ranges)]


class LayerFiles:
    """The files of one layer: ``contents`` in the order of the tar, each once."""

    def __init__(self, layer: int, entries: Sequence[ZtocEntry]) -> None:
        self._names: dict[str, Content] = {}
        self.contents: list[Content] = []
        for entry, header in zip(entries, header_starts(entries), strict=True):
            name = clean(entry.name)
            if entry.kind == "reg":
                self._names[name] = Content(layer, name, entry.name, header, entry.offset, entry.size)
                self.contents.append(self._names[name])
            elif entry.kind == "hardlink" and (target := self._names.get(clean(entry.link))):
                self._names[name] = target
            else:
                self._names.pop(name, None)

    def named(self, path: str) -> Content | None:
        """What a name of the layer means; None where it is no regular file."""
        return self._names.get(path)

    def needed(self, read: Mapping[Content, Iterable[Range]], spans: Spans) -> list[int]:
        """The spans that the snapshotter fetches when these parts of files are read."""
        return touched(spans, (part for content, ranges in read.items() for part in content.in_tar(ranges)))


def clean(name: str) -> str:
    """A tar's name as a path without slashes around it: ``./usr/bin/`` is ``usr/bin``."""
    return posixpath.normpath(f"/{name}").lstrip("/")
