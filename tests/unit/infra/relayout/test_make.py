"""Whether a trace is of the image that is to be laid out: one line where it is not."""

from __future__ import annotations

import pytest

from infra.oci.config import ImageConfig
from infra.oci.manifest import as_image, parse
from infra.oci.names import parse as name_of
from infra.relayout.make import _require_traced
from infra.sources.own import ResolvedImage
from infra.trace.model import Trace, TracedLayer
from kit.errors import TraceError
from tests.support.field_images import GZIP, ordinary

OTHER = "sha256:" + "0" * 64
MADE = ordinary()
MANIFEST = as_image(parse(MADE.manifests[0][0], name="it"), "it")


def check(traced: str, digest: str, name: str, layers: int = 1) -> None:
    layer = TracedLayer(digest=OTHER, diff_id=OTHER, media_type=GZIP, size_bytes=1)
    trace = Trace(
        image=traced, digest=digest, platform="linux/amd64", ready="x", ready_ms=1, layers=(layer,) * layers, files=()
    )
    _require_traced(trace, ResolvedImage(name_of(name), MADE.digest, ImageConfig()), {MADE.digest}, MANIFEST)


def test_a_trace_of_this_digest_is_taken_whatever_its_name() -> None:
    check("host.example/other:3", MADE.digest, "web:1")


@pytest.mark.parametrize("traced", ["web:1", "web", "docker.io/library/web:2", f"web@{OTHER}"])
def test_a_trace_of_the_same_name_and_another_digest_is_too_old(traced: str) -> None:
    with pytest.raises(TraceError, match=f"The trace is of {OTHER}, and .*web:1 is {MADE.digest} by now"):
        check(traced, OTHER, "web:1")


@pytest.mark.parametrize("traced", ["host.example/web:1", "oci:web", "NOT A NAME"])
def test_a_trace_of_another_name_is_of_another_image(traced: str) -> None:
    with pytest.raises(TraceError, match=f"The trace is of {traced} .*, not of .*web:1"):
        check(traced, OTHER, "web:1")


def test_a_trace_with_another_number_of_layers_is_not_taken() -> None:
    with pytest.raises(TraceError):
        check("web:1", MADE.digest, "web:1", layers=2)
