"""What `relayout` did to an image, for people and programs: the contract of its ``--json``. Pure.

Schema history: 1 — first version.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from infra.oci.manifest import Manifest
from infra.outputs import DIGEST
from infra.relayout import moving
from infra.relayout.layer import Kept, Rewritten
from infra.relayout.laying import Laid
from infra.relayout.touched import Touched
from kit.values import Frozen

SCHEMA_VERSION = 1
AS_ASKED = "its layers were to stay"


class LayerReport(Frozen):
    """One layer, lowest first. Spans are None for a layer that is not loaded lazily; sizes are in bytes."""

    digest: str = Field(pattern=DIGEST)
    new_digest: str = Field(pattern=DIGEST, description="the same where the layer stays as it is")
    kept_because: str | None = Field(description="None for a layer that was written anew")
    size_bytes: int
    new_size_bytes: int
    files_first: int = Field(description="files that came to its front")
    bytes_first: int = Field(description="of its tar, with headers")
    span_count: int | None
    new_span_count: int | None
    spans_touched: int | None = Field(description="that hold what the boot reads")
    new_spans_touched: int | None
    touched_bytes: int | None = Field(description="what those spans weigh in the blob")
    new_touched_bytes: int | None
    not_found: int = Field(description="traced files that its table of contents does not have")
    is_own: bool = Field(default=False, description="a further layer, of what boot reads; it had no size before")
    stay: tuple[str, ...] = Field(default=(), description="what could not be moved out of it, and why")


class RelayoutReport(Frozen):
    """An image laid out anew. ``output_digest`` is that of the image index with image and SOCI index."""

    schema_version: int = SCHEMA_VERSION
    image: str
    digest: str = Field(pattern=DIGEST, description="of the manifest that was read")
    new_digest: str = Field(pattern=DIGEST, description="of the new image's manifest, without SOCI index")
    output_digest: str = Field(pattern=DIGEST)
    output: str
    proof: str = Field(description="how both file systems were compared")
    paths: int = Field(description="that were compared and found equal")
    prefetch: bool = Field(default=True, description="whether the index lists the spans that the boot touches")
    layers: tuple[LayerReport, ...]
    seconds: float

    @property
    def changed(self) -> bool:
        """Whether a layer was written anew."""
        return self.digest != self.new_digest


def layer_reports(
    manifest: Manifest, before: Mapping[int, Touched], laid: Laid | None, after: Mapping[int, Touched]
) -> tuple[LayerReport, ...]:
    """What became of each layer; ``laid`` is None where all were to stay."""
    reports = []
    for place, layer in enumerate(manifest.layers):
        fate = laid.layers[place] if laid else Kept(AS_ASKED)
        new = fate if isinstance(fate, Rewritten) else None
        old, now = before.get(place), after.get(place)
        reports.append(
            LayerReport(
                digest=layer.digest,
                new_digest=new.digest if new else layer.digest,
                kept_because=fate.reason if isinstance(fate, Kept) else None,
                size_bytes=layer.size_bytes,
                new_size_bytes=new.size_bytes if new else layer.size_bytes,
                files_first=new.files_first if new else 0,
                bytes_first=new.bytes_first if new else 0,
                span_count=old.span_count if old else None,
                new_span_count=now.span_count if now else None,
                spans_touched=len(old.spans) if old else None,
                new_spans_touched=len(now.spans) if now else None,
                touched_bytes=old.stored_bytes if old else None,
                new_touched_bytes=now.stored_bytes if now else None,
                not_found=len(old.unknown) if old else 0,
                stay=tuple(moving.shown(laid.stay.get(place, ()))) if laid else (),
            )
        )
    if laid is not None and laid.on_top is not None:
        reports.append(_own(laid.on_top, after.get(len(manifest.layers))))
    return tuple(reports)


def _own(layer: Rewritten, now: Touched | None) -> LayerReport:
    return LayerReport(
        digest=layer.digest,
        new_digest=layer.digest,
        kept_because=None,
        size_bytes=0,
        new_size_bytes=layer.size_bytes,
        files_first=layer.files_first,
        bytes_first=layer.bytes_first,
        span_count=None,
        new_span_count=now.span_count if now else None,
        spans_touched=None,
        new_spans_touched=len(now.spans) if now else None,
        touched_bytes=None,
        new_touched_bytes=now.stored_bytes if now else None,
        not_found=0,
        is_own=True,
    )
