"""What is kept with a sweep of what its boots read."""

from __future__ import annotations

import pytest

from experiments import reads
from experiments.analysis.findings import Analysis
from experiments.executors import lab_trace
from experiments.records.reads import Reads
from experiments.report.formats import read
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from infra.forms import is_lazy
from infra.outputs import StackOutputs, ZtocOutput
from infra.trace.model import LazyLayer, Trace, TracedFile, TracedLayer
from kit.errors import LabError
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_design, small_plan
from tests.unit.experiments.conftest import StartSweep

DIGEST = "sha256:" + "a" * 64
LAZY = LazyLayer(
    files=4, file_bytes=1000, span_count=3, spans=(0, 2), fetched_bytes=200, unpacked_bytes=400, tar_bytes=2000
)
TRACE = Trace(
    image="web",
    digest=DIGEST,
    platform="linux/amd64",
    ready="log",
    ready_ms=1,
    layers=(
        TracedLayer(digest=DIGEST, diff_id=DIGEST, media_type="gzip", size_bytes=600, lazy=LAZY),
        TracedLayer(digest=DIGEST, diff_id=DIGEST, media_type="gzip", size_bytes=70),
    ),
    files=(
        TracedFile(path="a", layer=0, size_bytes=100, ranges=((0, 100),)),
        TracedFile(path="b", layer=0, size_bytes=9),
    ),
)


ZTOC = ZtocOutput(digest=DIGEST, size_bytes=1, layer_digest=DIGEST, layer_bytes=600)


def with_forms(outputs: StackOutputs, *forms: str) -> StackOutputs:
    """The stack with these forms alone; those that are lazy have a zTOC."""
    variants = {}
    for name, variant in outputs.variants.items():
        treatments = {form: variant.treatments[form] for form in forms}
        lazy = {form: {"ztocs": (ZTOC,) if is_lazy(form) else ()} for form in forms}
        made = {form: each.model_copy(update=lazy[form]) for form, each in treatments.items()}
        variants[name] = variant.model_copy(update={"treatments": made})
    return outputs.model_copy(update={"variants": variants})


@pytest.fixture
def done(store: Store, sweep: StartSweep) -> Sweep:
    """A sweep of two variants on the fake, whose stack has soci-v2."""
    swept = sweep(small_plan(variants=("movie", "parquet"), blocks=1))
    return swept.model_copy(update={"outputs": with_forms(swept.outputs, "plain", "soci-v2")})


def test_what_is_needed_is_as_small_as_the_spans_that_hold_it() -> None:
    found = reads.figures(TRACE)
    assert (found.share, found.needless) == (0.1, 0.75)
    assert (found.needed_spans, found.needed_bytes) == (2, 50)
    assert (found.read_files, found.unseen_bytes) == (1, 70)


@pytest.mark.slow
def test_a_trace_that_fails_is_one_line_and_is_kept_as_the_reason(
    store: Store, done: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trace(_outputs: StackOutputs, variant: str, *_: object) -> Trace:
        if variant == "movie":
            raise LabError("It never\n  was ready.")
        return TRACE

    monkeypatch.setattr(lab_trace, "trace", trace)
    said: list[str] = []
    for _ in range(2):  # what is known is not asked for again
        reads.add_missing(store, done, 60, said.append)
    assert said == ["movie: what its boot reads is not known. It never was ready."]
    failed, known = store.reads(done.id)
    assert failed == Reads(variant="movie", form="soci-v2", reason="It never was ready.")
    assert known == Reads(variant="parquet", form="soci-v2", figures=reads.figures(TRACE))
    analysis: Analysis = read(store, done).contents.analysis
    assert analysis.reads == (failed, known)
    assert analysis.explanations[1].startswith("parquet: boot reads 10 % of the image in 2 spans")


def test_a_trace_that_is_there_already_is_not_made_again_and_tells_of_the_form_that_was_loaded(
    store: Store, done: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both layers were traced; in the form, only the first is lazy."""
    movie = done.outputs.variants["movie"]
    treatment = movie.treatments["soci-v2"].model_copy(update={"span_bytes": 1 << 22})
    movie = movie.model_copy(update={"treatments": {**movie.treatments, "soci-v2": treatment}})
    outputs = done.outputs.model_copy(update={"variants": {**done.outputs.variants, "movie": movie}})
    other = f"sha256:{'b' * 64}"
    small = TRACE.layers[1].model_copy(update={"digest": other, "lazy": LAZY})
    known = TRACE.model_copy(
        update={
            "digest": movie.source_image.partition("@")[2],
            "span_bytes": 1 << 22,
            "layers": (TRACE.layers[0], small),
            "files": (*TRACE.files, TracedFile(path="c", layer=1, size_bytes=9, ranges=((0, 9),))),
        }
    )
    monkeypatch.setattr(lab_trace, "trace", lambda *_: TRACE)
    reads.add_missing(store, done.model_copy(update={"outputs": outputs}), 60, pytest.fail, {"movie": known})
    assert [each.figures for each in store.reads(done.id)] == [reads.figures(TRACE)] * 2
    for changed in ({"digest": other}, {"span_bytes": 1 << 20}, {"layers": (small, small)}):
        assert reads.as_loaded(known.model_copy(update=changed), movie, "soci-v2") is None


def test_nothing_is_traced_on_another_target(store: Store, done: Sweep) -> None:
    elsewhere = done.model_copy(update={"outputs": done.outputs.model_copy(update={"target": "sim"})})
    reads.add_missing(store, elsewhere, 60, pytest.fail)
    assert store.reads(done.id) == []


def test_the_form_to_trace_is_soci_v2_else_the_first_that_is_lazy_else_none() -> None:
    outputs, design = stack_outputs(), small_design(forms=("plain", "soci-v1"))
    for forms, chosen in (
        (("plain", "soci-v1", "soci-v2"), "soci-v2"),
        (("plain", "soci-v1"), "soci-v1"),
        (("plain",), None),
    ):
        assert lab_trace.traced_form(with_forms(outputs, *forms), design, "movie") == chosen
