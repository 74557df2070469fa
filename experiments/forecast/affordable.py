"""Which forms a race has time for, by the size of the image: they are all made before the first round. Pure.

An estimate, good to a factor of about two. The seconds for each byte of compressed layers are from `bench_forms` on 2
cores, images of 88 to 504 MB, forms of one image made at once: indexes 20 to 69 s a gigabyte, zstd 23 to 53, layers in
a new order 36 to 245 (the more files the longer).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.forecast.duration import TargetModel
from experiments.plan.candidates import CANDIDATES, REFERENCES, TRACE, Candidates
from experiments.plan.plan import Payload
from experiments.plan.race import LEAST_CONFIRMING
from experiments.records.model import Round
from infra.forms import FormSpec

COPY_SECONDS = 1.0
INDEX_SECONDS_PER_BYTE = 45e-9
COMPRESS_SECONDS_PER_BYTE = 50e-9
LAY_OUT_SECONDS_PER_BYTE = 150e-9
AT_ONCE = 2
"""As many forms' worth of work go on at the same time."""
SLOWER_POWER = 0.3
"""With a quarter of a vCPU, web applications of 250 and 340 MB took 1.46 and 1.45 times as long as with one."""
LEAST_MAKING_SHARE = 0.4
"""Of the time that is left, where by the estimate the race alone would take longer."""
LEAST_RACING = 2
"""Blocks of all forms: the first alone drops only what takes twice as long."""

PROMISE = (
    *REFERENCES,
    f"soci-v2-own-layer(trace={TRACE},prefetch=no)",
    "soci-v2(compression=none)",
    f"soci-v2-layout(trace={TRACE},prefetch=no)",
    f"soci-v2-exact(trace={TRACE})",
    f"soci-v2-layout(trace={TRACE})",
    f"soci-v2-own-layer(trace={TRACE})",
)
"""What has been measured fastest comes first; the other candidates follow in the order of their table."""


@dataclass(frozen=True)
class Costs:
    """What the time of a race depends on."""

    image_bytes: int
    """Compressed layers."""
    ready_seconds: float
    """From the container's start to ready, in the trace."""
    vcpu: float
    rate_bits_per_second: float = TargetModel().rate_bits_per_second


def making_seconds(forms: Sequence[str], image_bytes: int) -> float:
    """About how long it takes to make forms of an image."""
    return COPY_SECONDS + sum(_form_seconds(FormSpec.parse(form), image_bytes) for form in forms) / AT_ONCE


def least_seconds(forms: Sequence[str], costs: Costs) -> float:
    """About how long it takes to make the forms and to run the shortest race that confirms what it chooses."""
    return making_seconds(forms, costs.image_bytes) + racing_seconds(forms, costs)


def racing_seconds(forms: Sequence[str], costs: Costs) -> float:
    """About how long the shortest race takes that confirms what it chooses."""
    rounds = {form: _round_seconds(form, costs) for form in forms}
    last = sum(sorted(rounds.values())[-len(REFERENCES) - 1 :])
    return LEAST_RACING * sum(rounds.values()) + LEAST_CONFIRMING * last


def most_making_seconds(forms: Sequence[str], costs: Costs, seconds_left: float) -> float:
    """How long the forms may take to make, at most: the race needs the rest. A form that takes longer is given up."""
    return max(seconds_left - racing_seconds(forms, costs), LEAST_MAKING_SHARE * seconds_left)


def affordable(found: Candidates, costs: Costs, minutes: float, seconds_left: float) -> Candidates:
    """The candidates without the least promising, as many as ``seconds_left`` of the ``minutes`` are too few for.

    The references and one more stay in any case. Lines among what is left out say how many minutes it takes.
    """
    wanted = least_seconds(found.forms, costs)
    if wanted <= seconds_left:
        return found
    order = sorted(found.forms, key=_promise)
    while len(order) > len(REFERENCES) + 1 and least_seconds(order, costs) > seconds_left:
        order.pop()
    forms = tuple(form for form in found.forms if form in order)
    out, least = [form for form in found.forms if form not in forms], least_seconds(forms, costs)
    lines = []
    if out:
        enough = _minutes(minutes, wanted - seconds_left)
        lines.append(
            f"For lack of time are left out: {'; '.join(out)}. With about --minutes {enough} they are raced too."
        )
    if least > seconds_left:
        enough = _minutes(minutes, least - seconds_left)
        lines.append(f"Even {len(forms)} forms may take longer than there is time: --minutes {enough} is about enough.")
    return Candidates(forms, (*found.left_out, *lines))


def _minutes(given: float, lacking_seconds: float) -> int:
    return math.ceil(given + lacking_seconds / 60)


def _promise(form: str) -> tuple[int, int]:
    place = PROMISE.index(form) if form in PROMISE else len(PROMISE)
    return place, CANDIDATES.index(form) if form in CANDIDATES else len(CANDIDATES)


def _form_seconds(form: FormSpec, image_bytes: int) -> float:
    if form.kind in ("soci-v2-layout", "soci-v2-own-layer"):
        return LAY_OUT_SECONDS_PER_BYTE * image_bytes
    rate = INDEX_SECONDS_PER_BYTE if form.lazy else 0.0
    return (rate + (COMPRESS_SECONDS_PER_BYTE if form.compression else 0.0)) * image_bytes


def _round_seconds(form: str, costs: Costs) -> float:
    """A round of one task, which is slower with less than a vCPU, but not by as much."""
    sizes = {"it": costs.image_bytes}
    model = TargetModel(vcpu=costs.vcpu, rate_bits_per_second=costs.rate_bits_per_second, layer_bytes=sizes)
    payload = Payload()
    round_ = Round(block=0, index=0, variant="it", form=form, task_count=1)
    slower: float = min(1.0, costs.vcpu) ** -SLOWER_POWER
    return model.least().seconds(round_, payload) + slower * costs.ready_seconds
