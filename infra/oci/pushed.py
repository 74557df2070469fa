"""What a form has left in the registry: whether all of it is still there, and how to delete it."""

from __future__ import annotations

from dataclasses import dataclass

from infra.oci.manifest import SOCI_INDEX_V1, Index, Manifest, Reference
from infra.oci.publish import lacking
from infra.oci.regctl import Access, Deadline, Regctl


@dataclass(frozen=True)
class Pushed:
    """The parts of a form in the registry. ``image`` is ``repository@digest``; ``manifests`` are the digests of all
    its manifests, the one that names the others first."""

    image: str
    index_digest: str | None
    manifests: tuple[str, ...]


def present(pushed: Pushed, access: Access, *, timeout_seconds: float = 60.0) -> bool:
    """Whether every part of a form is still in the registry: manifests, index, zTOCs, layers.

    Raises `RegistryUnreachable` when nobody answers, which says nothing about the images.
    """
    regctl = Regctl(access, Deadline(timeout_seconds))
    image = Reference.parse(pushed.image)
    references = [Reference(image.repository, digest) for digest in pushed.manifests]
    if not all(regctl.has_manifest(reference) for reference in references):
        return False
    documents = {reference: regctl.manifest(reference) for reference in references}
    blobs = {blob.digest: blob for each in documents.values() if isinstance(each, Manifest) for blob in each.blobs}
    if lacking(regctl, image.repository, tuple(blobs.values())):
        return False
    if pushed.index_digest is None or isinstance(documents[image], Index):
        return True
    return pushed.index_digest in {entry.digest for entry in regctl.referrers(image, SOCI_INDEX_V1)}


def remove(pushed: Pushed, access: Access, *, keep: Pushed | None = None, timeout_seconds: float = 60.0) -> None:
    """Delete a form's manifests and their tags, except those of ``keep``; one that is gone already is no error.

    The blobs are left to the registry's own garbage collection, as registries demand. Raises `RegistryUnreachable`
    when nobody answers.
    """
    regctl = Regctl(access, Deadline(timeout_seconds))
    image = Reference.parse(pushed.image)
    kept = set(keep.manifests) if keep and Reference.parse(keep.image).repository == image.repository else set()
    for digest in pushed.manifests:
        reference = Reference(image.repository, digest)
        if digest not in kept and digest == pushed.index_digest:
            regctl.delete_referrer(reference, image)
        elif digest not in kept:
            regctl.delete_manifest(reference)
