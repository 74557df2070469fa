"""The forms that `tune` races: a table, and which of it make sense for an image, by its trace. Pure.

The order of the table is that of preference: among forms that cannot be told apart, the one that changes the image
least wins. What Fargate does not run has no place here; `--candidates` may name it all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from infra.forms import KINDS, FormSpec
from infra.oci.source import MANY_LAYERS
from infra.outputs import CONTROL
from infra.settings.values import size_text
from infra.trace.model import Trace, TracedLayer

DEFAULT_SOCI = "soci-v2"
REFERENCES = (CONTROL, DEFAULT_SOCI)
"""What the chosen form is compared with."""
TRACE, FILES = "TRACE", "FILES"
"""What stands for the files that forms name."""

CANDIDATES = (
    CONTROL,
    DEFAULT_SOCI,
    "soci-v2(span=1MiB)",
    "soci-v2(span=16MiB)",
    f"soci-v2-prefetch(files={FILES})",
    f"soci-v2-exact(trace={TRACE})",
    "zstd",
    "soci-v2(compression=none)",
    f"soci-v2-layout(trace={TRACE},prefetch=no)",
    f"soci-v2-layout(trace={TRACE})",
    f"soci-v2-layout(trace={TRACE},span=16MiB)",
    f"soci-v2-own-layer(trace={TRACE},prefetch=no)",
    f"soci-v2-own-layer(trace={TRACE})",
)


@dataclass(frozen=True)
class Sizes:
    """The stack's sizes of spans and of the least layer, in bytes."""

    span_bytes: int
    min_layer_bytes: int


class Candidates(NamedTuple):
    """Forms in order of preference, and a line for each that was left out."""

    forms: tuple[str, ...]
    left_out: tuple[str, ...]


def possible(trace: Trace, sizes: Sizes, wanted: Iterable[str] = CANDIDATES) -> Candidates:
    """The candidates that can be made of the traced image and could differ from each other."""
    reasons = {form: _obstacle(FormSpec.parse(form), trace, sizes) for form in dict.fromkeys(wanted)}
    kept = tuple(form for form, reason in reasons.items() if reason is None)
    return Candidates(kept, tuple(f"{form} is left out: {reason}." for form, reason in reasons.items() if reason))


def in_order(forms: Iterable[str]) -> tuple[str, ...]:
    """Forms of the user's by how much their kinds change the image; the references come first, where they are, and a
    form without a list before the same with one."""
    kinds = list(dict.fromkeys(FormSpec.parse(form).kind for form in CANDIDATES))

    def place(form: str) -> tuple[int, int, bool]:
        spec = FormSpec.parse(form)
        others = [key for key, _ in spec.settings if key != "prefetch"]
        return kinds.index(spec.kind) if spec.kind in kinds else len(kinds), len(others), spec.prefetches

    return tuple(sorted(dict.fromkeys(forms), key=place))


def _obstacle(form: FormSpec, trace: Trace, sizes: Sizes) -> str | None:
    """Why a form makes no sense for an image; None for one that does."""
    if form.kind == "zstd" and all(layer.media_type.endswith("zstd") for layer in trace.layers):
        return "every layer is zstd already"
    if not KINDS[form.kind].lazy:
        return None
    return next(_obstacles_to_lazy(form, trace, sizes), None)


def _obstacles_to_lazy(form: FormSpec, trace: Trace, sizes: Sizes) -> Iterator[str]:
    least = form.number("min-layer", sizes.min_layer_bytes)
    lazy = {number for number, layer in enumerate(trace.layers) if layer.lazy and _weight(layer, form) >= least}
    if not lazy:
        largest = max((layer.size_bytes for layer in trace.layers), default=0)
        yield (
            f"none of its {len(trace.layers)} layers reaches the least size of {size_text(least)} (the largest has "
            f"{largest} bytes: --set minLayerSize={largest} makes it lazy)"
        )
    if len(lazy) >= MANY_LAYERS and str(form) != DEFAULT_SOCI:
        yield f"{len(lazy)} lazy layers are mounted one by one, which makes it slower than the plain image"
    if form.settings == (("span", size_text(sizes.span_bytes)),):
        yield f"it is the same as {form.kind} with the stack's spans"
    if form.file is not None:
        read = [file for file in trace.files if file.ranges and file.layer in lazy]
        if not read:
            yield "boot reads nothing of the layers that are loaded lazily"
        elif form.kind == "soci-v2-prefetch" and all(file.tar_name for file in read):
            yield "soci finds none of the files that boot reads, for the tars' names begin with ./"


def _weight(layer: TracedLayer, form: FormSpec) -> int:
    """The size by which soci judges a layer."""
    uncompressed = form.get("compression") == "none" and layer.lazy is not None
    return layer.lazy.tar_bytes if uncompressed and layer.lazy else layer.size_bytes
