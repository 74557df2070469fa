"""Prefetch lists in a SOCI v2 index: the spans that boot touches, and no others; the layers stay as they are.

`soci convert` makes lists of whole files alone. The format is that of soci-snapshotter's `soci/prefetch.go`. Since the
snapshotter writes the index anew and compares digests, it must look as Go writes it (else "mismatched digest", and no
lazy loading at all): keys in the order of Go's structs, no spaces, ``<``, ``>`` and ``&`` escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from infra.oci import layout
from infra.oci.manifest import (
    OCI_INDEX,
    PREFETCH_TYPE,
    SOCI_LAYER_ANNOTATION,
    Document,
    Index,
    Manifest,
    as_image,
    parse,
)
from infra.oci.soci import Converted
from kit.errors import ImageError

VERSION = "1.0"
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def artifact(spans: Sequence[int]) -> bytes:
    """A prefetch list of these spans (numbers, sorted), neighbours as one range with both ends in it."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(spans), lambda each: each[1] - each[0])]
    ranges = [{"start_span": run[0], "end_span": run[-1]} for run in runs]
    return _as_go({"version": VERSION, "prefetch_spans": ranges})


def with_prefetch(converted: Converted, spans: Mapping[str, Sequence[int]]) -> Converted:
    """Write prefetch lists, by layer digest, into a converted layout, in place of those that it has.

    Changes the layout: index, image manifest and top get new digests, and the former ones are removed from it. Raises
    `ImageError` for an index that Go would write in another way.
    """
    value = json.loads(converted.index.raw)
    if _as_go(value) != converted.index.raw:
        raise ImageError(f"The SOCI index {converted.index.digest} is not written as Go writes it; it was not changed.")
    if not value.get("layers"):
        raise ImageError(f"The SOCI index {converted.index.digest} has no zTOC; it was not changed.")
    value["layers"] = [entry for entry in value["layers"] if entry["mediaType"] != PREFETCH_TYPE]
    for digest in _in_order(converted.image, spans):
        entry = layout.write_blob(converted.folder, artifact(spans[digest]), PREFETCH_TYPE)
        value["layers"].append({**entry, "annotations": {SOCI_LAYER_ANNOTATION: digest}})
    index = _manifest(_as_go(value))
    image = _manifest(converted.image.raw.replace(converted.index.digest.encode(), index.digest.encode()))
    top = _top(converted, image, index)
    _write(converted, replace(converted, top=top, image=image, index=index))
    return replace(converted, top=top, image=image, index=index)


def _in_order(image: Manifest, spans: Mapping[str, Sequence[int]]) -> list[str]:
    """The layers that have something to prefetch, as the image has them, each once."""
    unknown = spans.keys() - {layer.digest for layer in image.layers}
    if unknown:
        raise ImageError(f"The image has no layer {min(unknown)}, so nothing of it can be prefetched.")
    return [digest for digest in dict.fromkeys(layer.digest for layer in image.layers) if spans.get(digest)]


def _top(converted: Converted, image: Manifest, index: Manifest) -> Index:
    """The image index that names both, with every digest in it that has changed."""
    value = json.loads(converted.top.raw)
    new = {converted.image.digest: image, converted.index.digest: index}
    for entry in value["manifests"]:
        if (document := new.get(entry["digest"])) is not None:
            entry.update(digest=document.digest, size=document.size_bytes)
        notes = entry.get("annotations") or {}
        notes.update({key: new[digest].digest for key, digest in notes.items() if digest in new})
    changed = parse(_as_go(value), name="the image index")
    if not isinstance(changed, Index):
        raise ImageError(f"{converted.top.digest} is not an image index.")
    return changed


def _write(old: Converted, new: Converted) -> None:
    before: tuple[Document, ...] = old.documents
    for document, media_type in ((new.index, new.index.media_type), (new.image, new.image.media_type)):
        layout.write_blob(old.folder, document.raw, media_type)
    layout.write_image(old.folder, new.top.raw, OCI_INDEX)
    for digest in {each.digest for each in before} - {each.digest for each in new.documents}:
        layout.blob_path(old.folder, digest).unlink()


def _manifest(raw: bytes) -> Manifest:
    return as_image(parse(raw, name="a manifest"), "a manifest")


def _as_go(value: Any) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character, escaped in _ESCAPED.items():
        text = text.replace(character, escaped)
    return text.encode()
