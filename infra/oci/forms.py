"""Makes one form of an image from its source image, both by digest in a registry.

Everything is checked before anything is pushed, and a form that could not be made leaves nothing behind. Within one
registry a layer is mounted from the source's repository, not uploaded; ECR does so only when its blob mounting is on
(`infra.oci.publish`). Each form has a repository of its own, because a v1 index is found by whoever pulls that digest.
"""

from __future__ import annotations

import time
from typing import Any

from pydantic import Field

from infra.oci import soci
from infra.oci.local_image import choice_of_compression
from infra.oci.makers import MAKERS, Made
from infra.oci.pushed import Pushed
from infra.oci.regctl import Deadline, Regctl
from infra.oci.request import FormRequest, problems
from infra.oci.source import require_indexable, resolve
from infra.outputs import SkippedLayer, TreatmentOutput
from kit.errors import SociometerError

__all__ = ["FormRequest", "FormResult", "make", "problems"]


class FormResult(TreatmentOutput):
    """A form as pushed: its part of the stack's outputs, and what is needed to find and delete it again."""

    layer_bytes: int = Field(description="sum of the source image's compressed layers")
    manifests: tuple[str, ...] = Field(description="digests, as in `Pushed`")

    @property
    def pushed(self) -> Pushed:
        """Its parts in the registry."""
        return Pushed(self.image, self.index_digest, self.manifests)

    def treatment(self) -> dict[str, Any]:
        """The fields of `TreatmentOutput` as plain data, without the service, which the target adds."""
        return self.model_dump(mode="json", exclude={"layer_bytes", "manifests", "service"})


def make(request: FormRequest, *, timeout_seconds: float) -> FormResult:
    """Make a form and push it. Made again, it gives the same digests and pushes nothing.

    Raises, before anything is pushed: `ImageError` (the source does not exist, is of another platform, corrupt, or
    has no layer that SOCI can index; or a layer that SOCI fails on), `MachineError` (not enough disk space; not
    Linux; no root for soci-v1). `CommandTimeout` or `CommandFailed` when a tool hangs or dies. Each names image and
    form. After any error the registry has no manifest more than before.
    """
    try:
        return _make(request, timeout_seconds)
    except SociometerError as error:
        said = str(error)
        if request.spec.get("min-layer"):
            said = said.replace("minLayerSize", "the form's min-layer")
        named = type(error)(f"{request.source.partition('@')[0]} as {request.form}: {said}")
        for note in getattr(error, "__notes__", ()):
            named.add_note(note)
        raise named from error


def _make(request: FormRequest, timeout_seconds: float) -> FormResult:
    began = time.monotonic()
    regctl = Regctl(request.access, Deadline(timeout_seconds))
    source = resolve(regctl, request.source, request.platform)
    options = request.options
    lazy = request.spec.lazy
    if lazy:
        soci.require_linux()
    is_compressed_anew = choice_of_compression(request.spec, source.manifest) is not None
    if lazy and not is_compressed_anew:
        require_indexable(source.manifest, options.min_layer_bytes)
    made = MAKERS[request.spec.kind](regctl, request, source)
    return FormResult(
        form=request.form,
        image=f"{request.repository}@{made.image_digest}",
        image_digest=made.image_digest,
        index_digest=made.index_digest,
        manifests=made.manifests,
        layer_bytes=sum(layer.size_bytes for layer in source.manifest.layers),
        ztocs=made.ztocs,
        skipped_layers=_skipped(made) if lazy else (),
        span_bytes=options.span_bytes if lazy else None,
        min_layer_bytes=options.min_layer_bytes if lazy else None,
        prefetch=made.prefetch,
        recompressed=is_compressed_anew and made.image.layers != source.manifest.layers,
        delivered_bytes=sum(layer.size_bytes for layer in made.image.layers),
        pushed_bytes=made.pushed_bytes,
        seconds=time.monotonic() - began,
    )


def _skipped(made: Made) -> tuple[SkippedLayer, ...]:
    indexed = {ztoc.layer_digest for ztoc in made.ztocs}
    skipped = [layer for layer in made.image.layers if layer.digest not in indexed]
    reasons = [made.reasons.get(layer.digest, "soci gave no reason") for layer in skipped]
    return tuple(
        SkippedLayer(digest=layer.digest, size_bytes=layer.size_bytes, reason=reason)
        for layer, reason in zip(skipped, reasons, strict=True)
    )
