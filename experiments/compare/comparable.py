"""Check whether two sweeps can be compared: which aspects differ, and which may. Pure.

A comparison of two sweeps measures the effect of one change, so only one aspect may differ, the one given by
``--across``; any other difference would be confounded with it. A simulation is never compared with a measurement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from experiments.records.origin import NOT_MEASURED
from experiments.store.sweeps import Sweep
from kit.errors import SettingsError, SweepError

Across = Literal["image", "target", "profile", "tools", "machine"]
ACROSS: tuple[Across, ...] = ("image", "target", "profile", "tools", "machine")
IMPLIED: dict[str, tuple[str, ...]] = {"target": ("image", "profile", "tools", "machine", "platform", "other")}
"""Another target means another machine with other tools, so only effects relative to the control are compared."""

SEED = "seed"
"""A simulation's random numbers: another draw of the same thing, as another day is of a measurement."""
WORKLOAD = "parameter.workload."
"""What a simulated image holds: of an image that one sweep alone has, it is no difference between the two."""
_PREFIXES = {"profile": "profile", "tool": "tools", "machine": "machine", "platform": "platform", "target": "target"}


_NAMES = {"other": "other settings"}


def aspects(before: Sweep, after: Sweep) -> dict[str, list[str]]:
    """Return the differences, one line ``key: before / after`` per value, by aspect."""
    differing: dict[str, list[str]] = {}
    for key, line in _different(_metadata(before, after), _metadata(after, before)):
        differing.setdefault(_PREFIXES.get(key.partition(".")[0], "other"), []).append(line)
    sizes = (sweep.plan.design.payload.settings() for sweep in (before, after))
    if lines := [line for _, line in _different(*sizes)]:
        differing["payload"] = lines
    if lines := [line for _, line in _different(_digests(before), _digests(after), both=True)]:
        differing["image"] = lines
    return differing


def check(before: Sweep, after: Sweep, across: str | None) -> dict[str, list[str]]:
    """Return the differences if all are allowed; else raise `SweepError` that names the others and how to allow them.

    Raises `SettingsError` for an unknown ``across``.
    """
    if across not in (None, *ACROSS):
        raise SettingsError(f"--across {across!r} is unknown. Allowed: {', '.join(ACROSS)}.")
    if before.id == after.id:
        raise SweepError(f"Sweep {before.id} cannot be compared with itself.")
    _refuse_simulations(before, after)
    differing = aspects(before, after)
    if forbidden := differing.keys() - (_allowed(across) if across in differing else ()):
        raise SweepError(_refusal(before, after, differing, forbidden))
    if across == "image" and not differing:
        raise SweepError(_same_images(before, after))
    return differing


def _allowed(across: str) -> set[str]:
    return {across, *IMPLIED.get(across, ())}


def _refuse_simulations(before: Sweep, after: Sweep) -> None:
    targets = [sweep.key_metadata.get("target", sweep.outputs.target) for sweep in (before, after)]
    simulated = [target for target in targets if target in NOT_MEASURED]
    if simulated and len(set(targets)) > 1:
        raise SweepError(
            f"Sweeps {before.id} ({targets[0]}) and {after.id} ({targets[1]}) cannot be compared: figures of "
            f"{simulated[0]!r} are simulated and say nothing about a measurement."
        )


def _same_images(before: Sweep, after: Sweep) -> str:
    """A comparison across images of one image would call chance a change."""
    sources = {name: variant.source_image.rpartition("@")[2] for name, variant in after.outputs.variants.items()}
    measured = " and ".join(f"{sources[name]} as {name}" for name in after.plan.design.variants if name in sources)
    return (
        f"Sweeps {before.id} and {after.id} have no change of images to compare: both measured {measured}. Run "
        "`sociometer up` on the new image, and sweep again. Without --across, the two are compared as repetitions."
    )


def _refusal(before: Sweep, after: Sweep, differing: dict[str, list[str]], forbidden: set[str]) -> str:
    lines = "; ".join(line for aspect in differing if aspect in forbidden for line in differing[aspect])
    named = ", ".join(_NAMES.get(aspect, aspect) for aspect in differing if aspect in forbidden)
    possible = [aspect for aspect in ACROSS if aspect in differing and differing.keys() <= _allowed(aspect)]
    advice = (
        f"To measure the effect of this change, add --across {possible[0]}."
        if possible
        else "Measure both sweeps with only one thing changed."
    )
    return f"Sweeps {before.id} and {after.id} differ in {named} ({lines}). {advice}"


def _metadata(of: Sweep, other: Sweep) -> dict[str, str]:
    """What can differ between two sweeps."""
    return {
        key: value
        for key, value in of.key_metadata.items()
        if key != SEED and (key in other.key_metadata or not key.startswith(WORKLOAD))
    }


def _different(
    before: dict[str, str] | dict[str, int], after: dict[str, str] | dict[str, int], *, both: bool = False
) -> Iterable[tuple[str, str]]:
    """Yield each key that differs, with its line; ``both``: only keys that both sides have."""
    keys = before.keys() & after.keys() if both else before.keys() | after.keys()
    for key in sorted(keys):
        if before.get(key) != after.get(key):
            yield key, f"{key}: {before.get(key, 'none')} / {after.get(key, 'none')}"


def _digests(sweep: Sweep) -> dict[str, str]:
    """Return the image digest of each treatment in the plan."""
    design = sweep.plan.design
    return {
        f"{name} {form}": treatment.image_digest[:19]
        for name, variant in sweep.outputs.variants.items()
        for form, treatment in variant.treatments.items()
        if name in design.variants and form in design.forms
    }
