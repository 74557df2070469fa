"""Puts images into a repository without uploading what the registry has, and removes them again on failure.

A registry may know a blob of one repository in another without its bytes being moved ("Mounting a blob from another
repository", OCI distribution spec). The lab's registry does. Amazon ECR does only where the account has switched it on
for the region ("Blob mounting in Amazon ECR", user guide); elsewhere the bytes are uploaded, and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from infra.oci.manifest import SOCI_INDEX_V1, Descriptor, Index, Manifest, Reference
from infra.oci.regctl import Deadline, Regctl
from infra.oci.source import Source
from kit.errors import SociometerError
from kit.scratch import scratch

CLEAN_UP_SECONDS = 60.0
AT_ONCE = 4
"""regctl calls at the same time: each is a process that mostly waits for the registry."""


class InLayout(Protocol):
    """An image in a layout folder, with its documents, the one that names the others first."""

    @property
    def folder(self) -> Path:
        """The layout."""

    @property
    def documents(self) -> Sequence[Index | Manifest]:
        """Image index, image and SOCI index, or the image alone."""


def place(regctl: Regctl, source: Source, repository: str) -> int:
    """Put the source image into a repository unchanged; gives the bytes uploaded."""
    target = Reference(repository, source.manifest.digest)
    known = regctl.has_manifest(target)
    missing = lacking(regctl, repository, source.manifest.blobs)
    if known and not missing:
        return 0
    if source.reference.registry == target.registry:
        copied = _mount(regctl, source, repository, source.manifest.blobs)
        regctl.put_manifest(repository, source.manifest)
        return copied + source.manifest.size_bytes
    with scratch("form") as room:
        regctl.push(source.pull(regctl, room, copies=1), target)
    return sum(blob.size_bytes for blob in missing) + source.manifest.size_bytes


def push(regctl: Regctl, image: InLayout, repository: str, new: Collection[str], source: Source) -> int:
    """Push an image, of whose documents the repository lacks those with a digest in ``new``.

    Gives the bytes uploaded. Blobs that the registry has lost are uploaded again. What the image shares with its source
    is mounted; the smallest such blob shows whether the registry mounts: if it does not, the layers go up from the
    layout, which saves downloading them again.
    """
    target, copied = Reference(repository, image.documents[0].digest), 0
    manifests = [document for document in image.documents if isinstance(document, Manifest)]
    blobs = {blob.digest: blob for manifest in manifests for blob in manifest.blobs}
    shared = sorted((blob for blob in source.manifest.blobs if blob.digest in blobs), key=lambda blob: blob.size_bytes)
    if source.reference.registry == target.registry and new:
        copied = _mount(regctl, source, repository, shared[:1])
        if not copied:
            copied = _mount(regctl, source, repository, shared[1:])
    missing = lacking(regctl, repository, tuple(blobs.values()))
    if new or missing:
        regctl.push(image.folder, target)
    uploaded = copied + sum(blob.size_bytes for blob in missing)
    return uploaded + sum(document.size_bytes for document in image.documents if document.digest in new)


def lacking(regctl: Regctl, repository: str, blobs: tuple[Descriptor, ...]) -> tuple[Descriptor, ...]:
    """Those blobs that a repository does not have."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        there = pool.map(lambda blob: regctl.has_blob(Reference(repository, blob.digest)), blobs)
        return tuple(blob for blob, known in zip(blobs, there, strict=True) if not known)


def _mount(regctl: Regctl, source: Source, repository: str, blobs: Sequence[Descriptor]) -> int:
    """Make some of the source's blobs known in a repository; gives the bytes of those that had to be copied."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        references = [Reference(source.reference.repository, blob.digest) for blob in blobs]
        mounted = pool.map(lambda blob: regctl.mount(blob, repository), references)
        return sum(blob.size_bytes for blob, known in zip(blobs, mounted, strict=True) if not known)


@contextmanager
def undone_on_failure(regctl: Regctl, repository: str, digests: Sequence[str]) -> Iterator[list[str]]:
    """Gives the manifests that the repository does not have yet, and deletes them again when the block fails."""
    new = [digest for digest in digests if not regctl.has_manifest(Reference(repository, digest))]
    try:
        yield new
    except BaseException as error:
        with _noted_on(error):
            cleaner = _with_time_of_its_own(regctl)
            for digest in new:
                cleaner.delete_manifest(Reference(repository, digest))
        raise


@contextmanager
def referrers_undone_on_failure(regctl: Regctl, image: Reference, before: set[str]) -> Iterator[None]:
    """Deletes the SOCI indexes of an image that were not there ``before`` when the block fails."""
    try:
        yield
    except BaseException as error:
        with _noted_on(error):
            cleaner = _with_time_of_its_own(regctl)
            for entry in cleaner.referrers(image, SOCI_INDEX_V1):
                if entry.digest not in before:
                    cleaner.delete_referrer(Reference(image.repository, entry.digest), image)
        raise


def _with_time_of_its_own(regctl: Regctl) -> Regctl:
    """The deadline may be what failed."""
    return Regctl(regctl.access, Deadline(CLEAN_UP_SECONDS))


@contextmanager
def _noted_on(error: BaseException) -> Iterator[None]:
    """What goes wrong while cleaning up is noted on the first error, which stays the one that is raised."""
    try:
        yield
    except SociometerError as second:
        error.add_note(f"Something may be left in the registry: {second}")
