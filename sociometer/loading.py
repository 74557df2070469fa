"""Measured data for notebooks and programs: `sociometer.load` gives a sweep with its data frames and its analysis.

Needs neither root nor Pulumi nor the target that was measured, only the record store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.analysis import analyse
from experiments.analysis.findings import Analysis
from experiments.records.reads import Reads
from experiments.report import figure_frames
from experiments.store import frames
from experiments.store.store import LATEST, Store, default_path
from experiments.store.sweeps import Sweep
from kit.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

_BACK = re.compile(rf"{LATEST}~([0-9]{{1,9}})")


@dataclass(frozen=True)
class Loaded:
    """A sweep as it was started, and what was observed.

    ``tasks`` has one row per task, ``rounds`` one per attempt at a round; docs/data.md names their columns and units.
    ``reads`` has what is known of what the boots read.
    """

    sweep: Sweep
    tasks: pd.DataFrame
    rounds: pd.DataFrame
    reads: tuple[Reads, ...] = ()

    @cached_property
    def analysis(self) -> Analysis:
        """What the report says of it: comparisons with intervals and verdicts, trends, warnings."""
        return analyse.analyse(self.sweep, self.tasks, self.rounds, reads=self.reads)

    @property
    def effects(self) -> pd.DataFrame:
        """One row per comparison: ratio, seconds saved, and money on Fargate, with intervals."""
        return figure_frames.effects(self.analysis)

    @property
    def over_counts(self) -> pd.DataFrame:
        """One row per form of each image: its effect over all task counts, and whether these agree."""
        return figure_frames.over_counts(self.analysis)

    @property
    def tails(self) -> pd.DataFrame:
        """One row per treatment and kind: the 95th percentile of a task, the time until all tasks are there."""
        return figure_frames.tails(self.analysis)


def load(sweep: str = LATEST, store: str | Path | None = None) -> Loaded:
    """A sweep by its id, `last`, or `last~N` (the N-th before the latest); ``store`` is the user's own unless given.

    ``PATH.sqlite:ID`` names store and sweep together. Raises `StoreError` that says what there is.
    """
    path, wanted = _place(sweep, Path(store) if store is not None else default_path())
    with Store(path) as opened:
        chosen = _chosen(opened, wanted)
        return Loaded(chosen, *frames.of_sweep(opened, chosen), tuple(opened.reads(chosen.id)))


def others(names: Iterable[str], store: str | Path | None, wanted: Callable[[Sweep], bool], most: int) -> list[Loaded]:
    """The latest ``most`` sweeps that are ``wanted``, of the stores in which the named ones lie."""
    home = Path(store) if store is not None else default_path()
    found: dict[str, tuple[Path, Sweep]] = {}
    for path in dict.fromkeys(_place(name, home)[0] for name in names):
        with Store(path) as opened:
            found.update({sweep.id: (path, sweep) for sweep in opened.sweeps() if wanted(sweep)})
    latest = sorted(found.values(), key=lambda each: -each[1].created_ns)[:most]
    return [load(sweep.id, path) for path, sweep in latest]


def _place(sweep: str, store: Path) -> tuple[Path, str]:
    path, colon, wanted = sweep.rpartition(":")
    return (Path(path), wanted or LATEST) if colon else (store, sweep)


def _chosen(store: Store, wanted: str) -> Sweep:
    back = _BACK.fullmatch(wanted)
    if back is None:
        return store.sweep(wanted)
    sweeps = store.sweeps()
    if int(back[1]) >= len(sweeps):
        raise StoreError(f"The store {store.path} holds {len(sweeps)} sweeps: there is no {wanted!r}.")
    return sweeps[-1 - int(back[1])]
