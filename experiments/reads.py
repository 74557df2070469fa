"""Adds to a finished sweep what its images' boots read, from a trace in the lab. A trace that fails breaks nothing: the
store then has the reason, and the report says it in one line."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.executors import lab_trace
from experiments.records.reads import Figures, Reads
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from infra.oci.manifest import Reference
from infra.outputs import VariantOutput
from infra.trace.model import LazyLayer, Trace
from infra.trace.summary import summary
from kit.errors import SociometerError
from kit.values import Notify


def add_missing(
    store: Store, sweep: Sweep, timeout_seconds: float, notify: Notify, traces: Mapping[str, Trace] | None = None
) -> None:
    """Trace each variant of a lab's sweep of which nothing is known yet; on other targets nothing can be traced.

    ``traces`` has those of variants that were traced already.
    """
    if sweep.outputs.target != "lab":
        return
    known = {reads.variant for reads in store.reads(sweep.id)}
    for variant in sweep.plan.design.variants:
        if variant not in known:
            reads = _reads(sweep, variant, timeout_seconds, notify, (traces or {}).get(variant))
            if reads.reason:
                notify(f"{variant}: what its boot reads is not known. {reads.reason}")
            store.add_reads(sweep.id, reads)


def _reads(sweep: Sweep, variant: str, timeout_seconds: float, notify: Notify, trace: Trace | None) -> Reads:
    form = lab_trace.traced_form(sweep.outputs, sweep.plan.design, variant)
    if form is None:
        return Reads(variant=variant, reason="No form of it in this stack is loaded lazily, so nothing can be traced.")
    if trace is not None and (seen := as_loaded(trace, sweep.outputs.variants[variant], form)) is not None:
        return Reads(variant=variant, form=form, figures=figures(seen))
    profile = sweep.key_metadata["profile"]
    try:
        done = lab_trace.trace(
            sweep.outputs, variant, form, profile, timeout_seconds, lambda phase: notify(f"{variant}: trace: {phase}")
        )
    except SociometerError as error:
        return Reads(variant=variant, form=form, reason=" ".join(str(error).split()))
    return Reads(variant=variant, form=form, figures=figures(done))


def as_loaded(trace: Trace, variant: VariantOutput, form: str) -> Trace | None:
    """What a trace of the image says of one of its lazy forms, which loads small layers whole; None for a trace of
    another image, or of other spans or layers than the form's."""
    treatment = variant.treatments[form]
    lazy = {ztoc.layer_digest for ztoc in treatment.ztocs}
    seen = {layer.digest for layer in trace.layers if layer.lazy}
    image = Reference.parse(variant.source_image).digest
    if trace.digest != image or trace.span_bytes != treatment.span_bytes or not lazy <= seen:
        return None
    layers = [layer if layer.digest in lazy else layer.model_copy(update={"lazy": None}) for layer in trace.layers]
    files = [file for file in trace.files if layers[file.layer].lazy]
    return trace.model_copy(update={"layers": tuple(layers), "files": tuple(files)})


def figures(trace: Trace) -> Figures:
    """The figures of a trace."""
    found = summary(trace)
    lazy = [(number, layer.lazy) for number, layer in enumerate(trace.layers) if layer.lazy]
    return Figures(
        files=found.files,
        read_files=found.read_files,
        file_bytes=found.file_bytes,
        read_bytes=found.read_bytes,
        spans=found.spans,
        needed_spans=found.needed_spans,
        unpacked_bytes=found.unpacked_bytes,
        fetched_bytes=found.fetched_bytes,
        needed_bytes=round(sum(_compressed(trace, number, layer) for number, layer in lazy)),
        unseen_bytes=sum(layer.size_bytes for layer in trace.layers if layer.lazy is None),
    )


def _compressed(trace: Trace, number: int, layer: LazyLayer) -> float:
    """What was read of a layer, as small as its spans are: without the rest of them."""
    read = sum(file.read_bytes for file in trace.files if file.layer == number)
    return min(read / layer.unpacked_bytes, 1.0) * layer.fetched_bytes if layer.unpacked_bytes else 0.0
