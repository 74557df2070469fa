"""How long rounds took in earlier sweeps: medians over the records of the same treatment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from experiments.forecast.duration import Treatment, treatment
from experiments.plan.plan import Payload
from experiments.records.model import RoundRecord, RoundStatus
from experiments.records.phases import wall_seconds
from experiments.store.store import Store
from infra.variants import NONE_KNOWN, VARIANTS, LayerBytes

LATEST_SWEEPS = 5
"""How many sweeps count: older ones say little about today's machine."""
TOLERANCE = 0.1
"""By how much an image that was built again may have grown or shrunk. An assumption."""


def medians(records: Iterable[RoundRecord]) -> dict[Treatment, float]:
    """The median wall time of the complete rounds of each treatment, in seconds."""
    seconds: dict[Treatment, list[float]] = defaultdict(list)
    for record in records:
        if record.status is RoundStatus.COMPLETE:
            seconds[treatment(record.round)].append(wall_seconds(record))
    return {key: median(values) for key, values in seconds.items()}


def known_seconds(
    store: Store, payload: Payload, target: str, profile: str | None, layer_bytes: LayerBytes = NONE_KNOWN
) -> dict[Treatment, float]:
    """`medians` over the latest sweeps with the same payload on the same target and profile (None: any).

    Rounds of an own image count where it had about the size that it has by ``layer_bytes``: a name may be given to
    another image.
    """
    alike = [
        sweep
        for sweep in store.sweeps()
        if sweep.plan.design.payload == payload
        and sweep.key_metadata.get("target") == target
        and profile in (None, sweep.key_metadata.get("profile"))
    ]
    return medians(
        record
        for sweep in alike[-LATEST_SWEEPS:]
        for record in store.rounds(sweep.id)
        if _is_alike(record.round.variant, sweep.outputs.layer_bytes, layer_bytes)
    )


def _is_alike(variant: str, then: LayerBytes, now: LayerBytes) -> bool:
    return variant in VARIANTS or variant not in now or abs(now[variant] - then[variant]) <= TOLERANCE * now[variant]
