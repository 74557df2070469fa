"""The files of a registry, made without a registry: links to blobs that lie on this machine already.

The folders are those of the distribution project's file system driver, which the lab's registries read
(`registry/storage/paths.go`, version 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from infra.lab.registry import ROOT, blob_path
from infra.oci import layout
from infra.oci.manifest import Index, Manifest


def fill(storage: Path, repository: str, documents: Sequence[Index | Manifest], folder: Path) -> None:
    """Put documents, and the blobs that they name, into a repository of the registry whose files lie in ``storage``.

    All of them are files of the layout ``folder``, which must stay for as long as the registry is used.
    """
    images = [document for document in documents if isinstance(document, Manifest)]
    _link(storage, repository, "_manifests/revisions", (document.digest for document in documents), folder)
    _link(storage, repository, "_layers", {blob.digest for image in images for blob in image.blobs}, folder)


def _link(storage: Path, repository: str, kind: str, digests: Iterable[str], folder: Path) -> None:
    for digest in digests:
        algorithm, hexadecimal = digest.split(":")
        data = blob_path(storage, digest)
        if not data.is_symlink():
            data.parent.mkdir(parents=True, exist_ok=True)
            data.symlink_to(layout.blob_path(folder.absolute(), digest))
        place = storage / ROOT / "repositories" / repository / kind / algorithm / hexadecimal
        place.mkdir(parents=True, exist_ok=True)
        (place / "link").write_text(digest)
