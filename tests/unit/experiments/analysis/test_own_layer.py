"""What a change of the Dockerfile would give: said only from a measured interval."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.analysis.findings import Comparison, Interval
from experiments.analysis.own_layer import advice
from infra.trace.model import Trace, TracedFile, TracedLayer

DIGEST = "sha256:" + "a" * 64
MEASURED = "soci-v2-own-layer(trace=0123456789ab,prefetch=no)"


def comparison(ratio: float, low: float, high: float, **more: Any) -> Comparison:
    values: dict[str, Any] = {
        "variant": "web", "form": MEASURED, "control_variant": "web", "control": "soci-v2", "task_count": 1,
        "phase": "ready", "blocks": 6, "seconds": 10 * ratio, "control_seconds": 10.0, "ratio": ratio,
        "interval": Interval(low=low, high=high), "verdict": "undecided",
    }  # fmt: skip
    return Comparison(**{**values, **more})


def trace(*layers: int) -> Trace:
    """A boot that reads 20 MB of each of the layers, out of three of 100 MB."""
    layer = TracedLayer(digest=DIGEST, diff_id=DIGEST, media_type="x", size_bytes=100_000_000)
    files = tuple(
        TracedFile(path=f"f{at}", layer=at, size_bytes=30_000_000, ranges=((0, 20_000_000),)) for at in layers
    )
    return Trace(
        image="web", digest=DIGEST, platform="linux/amd64", ready="exit:0", ready_ms=1, layers=(layer,) * 3, files=files
    )


@pytest.mark.parametrize(
    ("ratio", "low", "high", "said"),
    [
        (0.88, 0.8, 0.95, "a layer of their own saves 1.20 s (95 % interval: 0.50 to 2.00 s)."),
        (1.1, 1.05, 1.2, "a layer of their own costs 1.00 s more (95 % interval: 0.50 to 2.00 s)."),
        (0.99, 0.9, 1.05, "whether a layer of their own helps cannot be told (95 % interval: from 0.50 s lost to "
         "1.00 s saved)."),
    ],
)  # fmt: skip
def test_what_was_measured_is_said_with_its_interval(ratio: float, low: float, high: float, said: str) -> None:
    assert advice(trace(0, 2), comparison(ratio, low, high)) == (
        f"The 40 MB that boot reads lie in 2 layers of 200 MB: {said}"
    )


@pytest.mark.parametrize(
    "more",
    [
        {"interval": None},
        {"form": "soci-v2-own-layer(trace=0123456789ab)"},
        {"form": "soci-v2-layout(trace=0123456789ab,prefetch=no)"},
        {"control": "plain"},
    ],
)
def test_nothing_is_said_of_what_was_not_measured(more: dict[str, Any]) -> None:
    assert advice(trace(0), comparison(0.8, 0.7, 0.9, **more)) is None


def test_nothing_is_said_of_a_boot_that_reads_nothing() -> None:
    assert advice(trace(), comparison(0.8, 0.7, 0.9)) is None
