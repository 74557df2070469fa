"""May two sweeps be compared: what differs between them, by aspect, and what of it may. Pure.

Two sweeps are compared to learn what one change did, so exactly one aspect may differ, the one that is asked about;
everything else would be confounded with it. A simulation is never compared with a measurement.
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
"""Another target is another machine with other tools; so only effects relative to the control are compared there."""

_PREFIXES = {"profile": "profile", "tool": "tools", "machine": "machine", "platform": "platform", "target": "target"}


def aspects(before: Sweep, after: Sweep) -> dict[str, list[str]]:
    """What differs: one line ``key: before / after`` per value, by aspect."""
    found: dict[str, list[str]] = {}
    for key, one, other in _different(before.key_metadata, after.key_metadata):
        aspect = _PREFIXES.get(key.partition(".")[0], "other")
        found.setdefault(aspect, []).append(f"{key}: {one} / {other}")
    sizes = (sweep.plan.design.payload.settings() for sweep in (before, after))
    if lines := [f"{key}: {one} / {other}" for key, one, other in _different(*sizes)]:
        found["payload"] = lines
    if lines := [
        f"{key}: {one} / {other}" for key, one, other in _different(_digests(before), _digests(after), both=True)
    ]:
        found["image"] = lines
    return found


def check(before: Sweep, after: Sweep, across: str | None) -> dict[str, list[str]]:
    """What differs, all of it allowed; raises `SweepError` that names what is not, and how to ask for it."""
    if across not in (None, *ACROSS):
        raise SettingsError(f"--across {across!r} is unknown. Allowed: {', '.join(ACROSS)}.")
    if before.id == after.id:
        raise SweepError(f"Sweep {before.id} cannot be compared with itself.")
    _refuse_simulations(before, after)
    found = aspects(before, after)
    if unwanted := found.keys() - (_allowed(across) if across in found else ()):
        raise SweepError(_refusal(before, after, found, unwanted))
    return found


def _allowed(across: str) -> set[str]:
    return {across, *IMPLIED.get(across, ())}


def _refuse_simulations(before: Sweep, after: Sweep) -> None:
    targets = [sweep.key_metadata.get("target", sweep.outputs.target) for sweep in (before, after)]
    made_up = [target for target in targets if target in NOT_MEASURED]
    if made_up and len(set(targets)) > 1:
        raise SweepError(
            f"Sweeps {before.id} ({targets[0]}) and {after.id} ({targets[1]}) cannot be compared: figures of "
            f"{made_up[0]!r} are simulated and say nothing about a measurement."
        )


def _refusal(before: Sweep, after: Sweep, found: dict[str, list[str]], unwanted: set[str]) -> str:
    named = [aspect for aspect in found if aspect in unwanted]
    listed = "; ".join(line for aspect in named for line in found[aspect])
    askable = [aspect for aspect in ACROSS if aspect in found and found.keys() <= _allowed(aspect)]
    advice = (
        f"If that is the change that you ask about: --across {askable[0]}."
        if askable
        else "Measure both sweeps with only one thing changed."
    )
    return f"Sweeps {before.id} and {after.id} differ in {', '.join(named)} ({listed}). {advice}"


def _different(
    before: dict[str, str] | dict[str, int], after: dict[str, str] | dict[str, int], *, both: bool = False
) -> Iterable[tuple[str, object, object]]:
    keys = before.keys() & after.keys() if both else before.keys() | after.keys()
    for key in sorted(keys):
        if before.get(key) != after.get(key):
            yield key, before.get(key, "none"), after.get(key, "none")


def _digests(sweep: Sweep) -> dict[str, str]:
    """Image digest by treatment, of the treatments of the plan."""
    design = sweep.plan.design
    return {
        f"{name} {form}": treatment.image_digest[:19]
        for name, variant in sweep.outputs.variants.items()
        for form, treatment in variant.treatments.items()
        if name in design.variants and form in design.forms
    }
