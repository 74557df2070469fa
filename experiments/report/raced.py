"""A race in words: a table, one sentence on the winner, and what to know besides. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.analysis.own_layer import advice
from experiments.analysis.raced import Against, Raced, Racer, comparison
from experiments.analysis.sentences import interval
from experiments.analysis.statistics.paired import LEAST_BLOCKS
from experiments.plan.candidates import DEFAULT_SOCI
from experiments.wording import faster_or_slower, percent, plural, seconds
from infra.forms import FormSpec
from infra.outputs import CONTROL
from infra.trace.model import Trace

SMALL_GAIN = 0.12
"""Below it the best form gains little, and what holds the boot up is worth a sentence."""
HELD_UP = 1.5
"""A container that needs so many times as long as in the trace is held up by its CPU quota."""


def rows(raced: Raced, references: Sequence[str]) -> list[tuple[str, ...]]:
    """A row of texts per form: its name, blocks, seconds, ratio to each reference, megabytes, and how it fared."""
    return [
        (
            racer.form,
            str(racer.blocks),
            "-" if racer.seconds is None else seconds(racer.seconds),
            *(_against(racer.against.get(reference)) for reference in references),
            "" if racer.received_bytes is None else f"{racer.received_bytes / 1e6:.0f}",
            _fate(racer, raced),
        )
        for racer in raced.racers
    ]


def headline(raced: Raced) -> str:
    """The result in one sentence or two."""
    winner = raced.winner
    if winner is None or winner.seconds is None:
        return _nothing(raced)
    ready = f"{winner.form} is ready in {seconds(winner.seconds)} s"
    compared = [_said(reference, against) for reference, against in reversed(winner.against.items())]
    if winner.form == CONTROL:
        return f"plain is best: deliver the image as it is. {ready[0].upper()}{ready[1:]}{_list(compared)}."
    return f"{ready}{_list(compared)}."


def notes(raced: Raced, vcpu: float, trace: Trace | None, left_out: Sequence[str]) -> Iterator[str]:
    """What to know besides, a sentence or two each; ``vcpu`` is the race's, ``trace`` what forms are made by."""
    winner = raced.winner
    if winner is not None:
        yield from _about_ties(raced, winner)
        yield from _why_plain(raced, winner)
        yield from _held_up(winner, vcpu, None if trace is None else trace.ready_ms / 1000)
        yield from _unconfirmed(raced, winner)
    if trace is not None:
        yield from _of_own_layer(raced, trace)
    yield from _with_more_time(raced)
    yield from left_out


def _nothing(raced: Raced) -> str:
    if not raced.out_of_time:
        return "No form was ready in every block, so none can be called the best."
    begun = sum(racer.blocks > 0 for racer in raced.racers)
    return (
        f"The time was over when {begun} of {len(raced.racers)} forms had been ready once: nothing can be said of "
        "which is fastest. Give more --minutes, or name fewer --candidates."
    )


def _of_own_layer(raced: Raced, trace: Trace) -> Iterator[str]:
    """What a change of the Dockerfile would give, where the race measured it."""
    for racer in raced.racers:
        compared = comparison(raced, racer.form, DEFAULT_SOCI)
        if compared is None or (said := advice(trace, compared)) is None:
            continue
        blocks = plural(compared.blocks, "block")
        if racer.form == raced.chosen:
            yield f"{said} Measured in {blocks} that confirm the choice."
        else:
            yield f"{said} Measured in {blocks} of the race itself, which also decided who goes on: less sure."


def _against(against: Against | None) -> str:
    if against is None:
        return ""
    ends = "" if against.interval is None else f" ({interval(against.interval)})"
    return f"{against.ratio:.2f}{ends}"


def _fate(racer: Racer, raced: Raced) -> str:
    if racer.form == raced.chosen:
        return "winner"
    if racer.dropped_after is not None:
        return f"dropped after block {racer.dropped_after}"
    return "as fast" if racer.form in raced.tied else "still in"


def _said(reference: str, against: Against) -> str:
    ends = "no interval yet" if against.interval is None else f"95 %: {interval(against.interval)}"
    return f"{faster_or_slower(against.ratio)} than {reference} ({ends})"


def _list(compared: Sequence[str]) -> str:
    return f": {', and '.join(compared)}" if compared else ""


def _about_ties(raced: Raced, winner: Racer) -> Iterator[str]:
    if len(raced.tied) > 1:
        others = ", ".join(form for form in raced.tied if form != winner.form)
        yield f"{others} cannot be told from it; {winner.form} was chosen because it changes the image least."


def _why_plain(raced: Raced, winner: Racer) -> Iterator[str]:
    """Why no lazy form wins, as far as the figures tell."""
    lazy = [it for it in raced.racers if FormSpec.parse(it.form).lazy and it.received_bytes and it.seconds]
    if winner.form != CONTROL or not lazy or not winner.received_bytes:
        return
    best = min(lazy, key=lambda it: it.seconds or 0)
    share = (best.received_bytes or 0) / winner.received_bytes
    yield (
        f"The fastest lazy form, {best.form}, moves {percent(share)} of plain's bytes until it is ready: "
        + (
            "boot reads most of the image, so loading it lazily saves too little to pay for spans and mounts."
            if share > 0.5
            else "the image is small, or fast to unpack, beside what mounting and fetching spans one by one costs."
        )
    )


def _held_up(winner: Racer, vcpu: float, traced_seconds: float | None) -> Iterator[str]:
    """That the CPU quota holds the boot up, where the trace with more vCPU shows it, and forms gain little."""
    gains = [1 - against.ratio for name, against in winner.against.items() if name != CONTROL]
    if (gains and max(gains) >= SMALL_GAIN) or traced_seconds is None or winner.run_seconds is None:
        return
    if winner.run_seconds < HELD_UP * traced_seconds:
        return
    yield (
        f"With {vcpu:g} vCPU the container runs {seconds(winner.run_seconds)} s until it is ready; when it was traced, "
        f"with more, {seconds(traced_seconds)} s. Most of the start is the application's own CPU time, which no form "
        "shortens: give it more vCPU, or less work at start."
    )


def _unconfirmed(raced: Raced, winner: Racer) -> Iterator[str]:
    for reference, against in winner.against.items():
        if against.interval is not None and against.interval.low <= 1 <= against.interval.high:
            yield (
                f"The confirming blocks do not show a difference between {winner.form} and {reference} "
                f"({interval(against.interval)})."
            )
    if any(against.blocks < LEAST_BLOCKS for against in winner.against.values()) or raced.confirmed == 0:
        yield f"There was no time for {LEAST_BLOCKS} blocks that confirm the choice: a comparison has no interval."


def _with_more_time(raced: Raced) -> Iterator[str]:
    left = [it.form for it in raced.racers if it.dropped_after is None]
    wants = []
    if len(left) > 1:
        wants.append(f"run more blocks of the {plural(len(left), 'form')} that are left, to tell them apart")
    if raced.chosen and raced.confirmed < raced.wanted:
        wants.append(f"confirm the winner in {raced.wanted} blocks, not {raced.confirmed}")
    if wants:
        yield f"With more --minutes it would {', and '.join(wants)}."


def footnote(raced: Raced) -> str:
    """How to read the table."""
    return (
        f"Chosen by {plural(raced.raced, 'block')}, compared in {plural(raced.confirmed, 'block')} that took no part "
        "in the choice. Other forms: by all blocks that measured both, each 95 % interval taken alone. MB: over the "
        "network, per start."
    )
