from __future__ import annotations

from experiments.plan.candidates import CANDIDATES, Sizes, in_order, possible
from infra.trace.model import LazyLayer, Trace, TracedFile, TracedLayer

DIGEST = f"sha256:{'1' * 64}"
SIZES = Sizes(4 << 20, 10 << 20)


def traced(size: int = 50 << 20, kind: str = "gzip", *, read: bool = True, tar_name: str | None = None) -> Trace:
    lazy = LazyLayer(files=1, file_bytes=9, span_count=1, fetched_bytes=1, unpacked_bytes=1, tar_bytes=size)
    layer = TracedLayer(digest=DIGEST, diff_id=DIGEST, media_type=f"layer.v1.tar+{kind}", size_bytes=size, lazy=lazy)
    file = TracedFile(path="a", layer=0, size_bytes=9, tar_name=tar_name, ranges=((0, 9),) if read else ())
    return Trace(
        image="web", digest=DIGEST, platform="linux/amd64", ready="exit:0", ready_ms=1, layers=(layer,), files=(file,)
    )


def kinds(trace: Trace) -> set[str]:
    return {form.partition("(")[0] for form in possible(trace, SIZES).forms}


def test_an_ordinary_image_races_every_candidate() -> None:
    assert possible(traced(), SIZES) == (CANDIDATES, ())


def test_small_layers_leave_forms_that_are_loaded_whole_and_say_why() -> None:
    found = possible(traced(1000), SIZES)
    assert found.forms == ("plain", "zstd")
    assert "soci-v2 is left out: none of its 1 layers reaches the least size of 10MiB" in found.left_out[0]


def test_what_helps_nothing_is_left_out() -> None:
    assert kinds(traced(read=False)) == {"plain", "soci-v2", "zstd"}
    assert "soci-v2-prefetch" not in kinds(traced(tar_name="./a"))
    assert "zstd" not in kinds(traced(kind="zstd"))


def test_what_changes_the_image_less_comes_first_and_a_form_without_a_list_before_one_with() -> None:
    assert in_order(reversed(CANDIDATES)) != tuple(reversed(CANDIDATES))
    own = [form for form in in_order(reversed(CANDIDATES)) if "own-layer" in form or "layout(" in form]
    assert own == list(CANDIDATES[-5:])
