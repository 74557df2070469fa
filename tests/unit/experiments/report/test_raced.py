"""What a race says, in words: of images that differ in what a form can give them."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.analysis.findings import Interval
from experiments.analysis.raced import Against, Raced, Racer
from experiments.report.raced import headline, notes, rows
from infra.trace.model import Trace, TracedFile, TracedLayer

DIGEST = f"sha256:{'1' * 64}"
OWN_LAYER = "soci-v2-own-layer(trace=0123456789ab,prefetch=no)"


def against(ratio: float, low: float | None = None, high: float = 0.0, reference_seconds: float = 10.0) -> Against:
    ends = None if low is None else Interval(low=low, high=high)
    seconds = ratio * reference_seconds
    return Against(blocks=4, ratio=ratio, interval=ends, seconds=seconds, reference_seconds=reference_seconds)


def racer(form: str, seconds: float | None, **more: Any) -> Racer:
    values = {"blocks": 6, "run_seconds": 2.0, "received_bytes": 50e6, "dropped_after": None, "against": {}, **more}
    return Racer(form=form, seconds=seconds, **values)


def raced(*racers: Racer, chosen: str | None, **more: Any) -> Raced:
    values = {
        "tied": (chosen,) if chosen else (),
        "raced": 5,
        "confirmed": 4,
        "wanted": 4,
        "out_of_time": False,
        **more,
    }
    return Raced(sweep_id="s", image="web", profile="p", racers=racers, chosen=chosen, **values)


def trace(ready_ms: float = 2000.0) -> Trace:
    layer = TracedLayer(digest=DIGEST, diff_id=DIGEST, media_type="x", size_bytes=100_000_000)
    file = TracedFile(path="a", layer=0, size_bytes=9, ranges=((0, 20_000_000),))
    return Trace(
        image="web", digest=DIGEST, platform="linux/amd64", ready="exit:0", ready_ms=ready_ms, layers=(layer,),
        files=(file,),
    )  # fmt: skip


def said(found: Raced, vcpu: float = 1.0, traced: Trace | None = None) -> str:
    return " ".join(notes(found, vcpu, traced, ()))


@pytest.mark.parametrize(
    ("lazy_bytes", "why"),
    [(90e6, "boot reads most of the image"), (10e6, "the image is small, or fast to unpack")],
)
def test_plain_that_wins_is_said_to_be_delivered_as_it_is_and_why(lazy_bytes: float, why: str) -> None:
    plain = racer("plain", 5.0, received_bytes=100e6, against={"soci-v2": against(0.8, 0.7, 0.9)})
    found = raced(plain, racer("soci-v2", 6.2, received_bytes=lazy_bytes), chosen="plain")
    assert headline(found).startswith(
        "plain is best: deliver the image as it is. Plain is ready in 5.00 s: 20 % faster"
    )
    share = f"{lazy_bytes / 1e6:.0f}"
    assert f"The fastest lazy form, soci-v2, moves {share} % of plain's bytes until it is ready: {why}" in said(found)


@pytest.mark.parametrize(
    ("run_seconds", "ratio", "is_said"),
    [(8.0, 0.95, True), (8.0, 0.6, False), (2.2, 0.95, False)],
    ids=["held up by its quota", "the form gains much", "as long as in the trace"],
)
def test_little_vcpu_is_named_where_it_holds_the_start_up(run_seconds: float, ratio: float, is_said: bool) -> None:
    winner = racer("soci-v2-exact(trace=0123456789ab)", 9.0, run_seconds=run_seconds)
    winner = winner.model_copy(update={"against": {"soci-v2": against(ratio, ratio - 0.02, ratio + 0.02)}})
    text = said(raced(winner, racer("soci-v2", 9.4), chosen=winner.form), 0.25, trace())
    advice = "With 0.25 vCPU the container runs 8.00 s until it is ready; when it was traced, with more, 2.00 s."
    assert (advice in text) == is_said and ("give it more vCPU" in text) == is_said


@pytest.mark.parametrize(
    ("chosen", "where"),
    [(OWN_LAYER, "4 blocks that confirm the choice."), ("soci-v2", "4 blocks of the race itself, which also decided")],
)
def test_what_a_layer_of_its_own_gives_is_said_with_the_blocks_that_measured_it(chosen: str, where: str) -> None:
    own = racer(OWN_LAYER, 6.5, against={"soci-v2": against(0.65, 0.6, 0.7)})
    text = said(raced(own, racer("soci-v2", 10.0), chosen=chosen), 1.0, trace())
    assert "a layer of their own saves 3.50 s (95 % interval: 3.00 to 4.00 s). Measured in " + where in text
    unmeasured = own.model_copy(update={"against": {"soci-v2": against(0.65)}})
    assert "layer of their own" not in said(raced(unmeasured, racer("soci-v2", 10.0), chosen=chosen), 1.0, trace())


def test_a_race_that_found_nothing_says_what_it_lacked() -> None:
    begun, waiting = racer("plain", 5.0, blocks=1), racer("soci-v2", None, blocks=0)
    late = raced(begun, waiting, chosen=None, out_of_time=True, raced=0, confirmed=0)
    assert headline(late).startswith("The time was over when 1 of 2 forms had been ready once: nothing can be said")
    assert "No form was ready in every block" in headline(late.model_copy(update={"out_of_time": False}))
    assert rows(late, ("plain",))[1][2] == "-"


def test_a_winner_without_confirming_blocks_has_no_interval_and_the_notes_say_so() -> None:
    winner = racer("soci-v2", 5.0, against={"plain": against(0.5)})
    found = raced(winner, racer("plain", 10.0), chosen="soci-v2", confirmed=0, out_of_time=True)
    assert "no interval yet" in headline(found)
    assert "There was no time for 3 blocks that confirm the choice" in said(found)
    assert "confirm the winner in 4 blocks, not 0" in said(found)
