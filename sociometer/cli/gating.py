"""`--fail-if-slower` and `--fail-if-unsure`: a measurement as a gate in continuous integration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.plan.plan import Design
from kit.errors import SettingsError, SlowerError, UnsureError
from sociometer.cli.progress import say

if TYPE_CHECKING:
    from experiments.compare.versus import Versus
    from sociometer.loading import Loaded

PANEL = "Gate"
FailIfSlower = Annotated[
    str | None,
    typer.Option(
        metavar="PERCENT",
        help="Exit code 4 when a start is slower by at least this, and not by chance: 5%.",
        rich_help_panel=PANEL,
    ),
]
FailIfUnsure = Annotated[
    bool,
    typer.Option(
        "--fail-if-unsure",
        help="Exit code 5 when the data cannot rule out what is forbidden.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True)
class GateOptions:
    """What a command fails on."""

    fail_if_slower: FailIfSlower = None
    fail_if_unsure: FailIfUnsure = False

    @property
    def limit(self) -> float | None:
        """The slow-down that is forbidden, as a share; None without a gate. Raises `SettingsError`."""
        if self.fail_if_slower is not None:
            return share(self.fail_if_slower)
        if self.fail_if_unsure:
            raise SettingsError("--fail-if-unsure needs a limit to be unsure about: add --fail-if-slower 5%.")
        return None

    def check(self, design: Design) -> None:
        """Raise `SettingsError` if a sweep would have nothing to judge; before it begins."""
        if self.limit is not None and not any(design.control_of(*treatment) for treatment in design.treatments):
            raise SettingsError(
                f"--fail-if-slower: the plan measures nothing beside its control {design.against}. Add --control, or "
                "another form."
            )

    def judge(self, comparison: Versus) -> None:
        """Say what could have been caught, and raise `SlowerError` or `UnsureError`; nothing without a gate."""
        limit = self.limit
        if limit is None:
            return
        from experiments.compare import gate

        judgement = gate.judge(comparison, limit)
        say(gate.reach(comparison))
        if judgement.fails:
            unequal = bool(comparison.warnings) and comparison.control is None
            raise SlowerError(gate.refusal(judgement, limit, unequal=unequal))
        if judgement.open and self.fail_if_unsure:
            raise UnsureError(gate.doubt(judgement, limit))
        if judgement.open:
            say(f"warning: {gate.doubt(judgement, limit)}")

    def judge_sweep(self, sweep_id: str, store: Path) -> None:
        """The same for a sweep that just ended, against its own control."""
        if self.limit is not None:
            from sociometer.loading import load

            self.judge(within_one(load(sweep_id, store), self.limit))


def within_one(side: Loaded, limit: float | None) -> Versus:
    """A sweep's treatments against its control."""
    from experiments.compare.samples import Recorded
    from experiments.compare.within import within

    return within(Recorded(side.sweep, side.tasks), side.analysis, limit=limit or 0.0)


def share(text: str) -> float:
    """A limit as a share: `5%` or `5` is 0.05."""
    try:
        value = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        value = -1.0
    if not 0 < value < 10:
        raise SettingsError(f"--fail-if-slower {text!r} is no limit. Allowed: a percentage above 0, such as 5%.")
    return value
