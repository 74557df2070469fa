"""What a change of the Dockerfile would give, in one sentence: said only of what was built and measured. Pure."""

from __future__ import annotations

from experiments.analysis.findings import Comparison
from experiments.wording import percent, plural, seconds
from infra.forms import FormSpec
from infra.trace.model import Trace

KIND = "soci-v2-own-layer"


def is_measured_change(comparison: Comparison) -> bool:
    """Whether a comparison is of what the Dockerfile alone can give: a layer of its own without a prefetch list,
    against `soci-v2`, with an interval."""
    form = FormSpec.parse(comparison.form)
    listed = form.get("prefetch") != "no"
    return form.kind == KIND and not listed and comparison.control == "soci-v2" and comparison.interval is not None


def advice(trace: Trace, comparison: Comparison) -> str | None:
    """What a layer of its own for what boot reads saves; None where that was not measured (`is_measured_change`).

    Bytes are those of the pages that the trace saw read; layers are weighed as they are stored.
    """
    interval = comparison.interval
    if interval is None or not is_measured_change(comparison):
        return None
    places = sorted({file.layer for file in trace.files if file.ranges})
    if not places:
        return None
    read = sum(file.read_bytes for file in trace.files)
    stored = sum(trace.layers[place].size_bytes for place in places)
    where = f"in {plural(len(places), 'layer')} of {_megabytes(stored)}"
    said = f"The {_megabytes(read)} that boot reads lie {where}: "
    certain = f"{percent(interval.level)} interval"
    saved, least, most = (
        comparison.control_seconds * (1 - ratio) for ratio in (comparison.ratio, interval.high, interval.low)
    )
    if interval.high < 1:
        return (
            f"{said}a layer of their own saves {seconds(saved)} s ({certain}: {seconds(least)} to {seconds(most)} s)."
        )
    if interval.low > 1:
        return (
            f"{said}a layer of their own costs {seconds(-saved)} s more ({certain}: {seconds(-most)} to "
            f"{seconds(-least)} s)."
        )
    return (
        f"{said}whether a layer of their own helps cannot be told ({certain}: from {seconds(-least)} s lost to "
        f"{seconds(most)} s saved)."
    )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes >= 9_950_000 else f"{size_bytes / 1e6:.1f} MB"
