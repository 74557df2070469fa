"""Changes and comparisons for tests of what judges and shows them."""

from __future__ import annotations

from experiments.analysis.findings import Interval, Verdict
from experiments.compare.versus import Change, Versus


def change(low: float, high: float, verdict: Verdict = "undecided", **other: object) -> Change:
    """The boot of one task of `after`, plain, against 10 seconds, in five blocks; the middle is the change."""
    ratio = (low * high) ** 0.5
    values: dict[str, object] = {
        "variant": "after",
        "form": "plain",
        "task_count": 1,
        "phase": "boot",
        "primary": True,
        "before": 10.0,
        "after": 10.0 * ratio,
        "blocks_before": 5,
        "blocks_after": 5,
        "ratio": ratio,
        "interval": Interval(low=low, high=high),
        "verdict": verdict,
    }
    return Change.model_validate({**values, **other})


def versus(*changes: Change, **other: object) -> Versus:
    """One sweep in the lab against its control `before`."""
    sides = {"before": "a", "after": "a", "control": "before", "target": "lab", "simulated": False}
    return Versus.model_validate({**sides, "measure": "seconds", "differing": {}, "changes": changes, **other})
