"""What was measured of one image under one profile, as kept in a data file, and what follows from it. Pure.

A point holds the rounds themselves, so that every figure and interval is computed from them again, by the project's own
analysis: form ÷ control within each block, and Student's t on the logarithms.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.analysis.comparisons import Terms, compare
from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Comparison

PHASE = "ready"
DIGITS = 4


@dataclass(frozen=True)
class Row:
    """One round of one task: seconds from its creation, megabytes (10^6 bytes) that it received over its network."""

    form: str
    block: int
    pull_seconds: float
    ready_seconds: float
    received_megabytes: float
    cpu_pressure: float | None


@dataclass(frozen=True)
class Facts:
    """An image: megabytes unpacked and as gzip, files, and the share of its bytes that a traced boot read."""

    name: str
    megabytes: float
    packed_megabytes: float
    files: int
    read_share: float


@dataclass(frozen=True)
class Point:
    """One image under one profile. ``forms`` are kinds of forms: a trace belongs to the image."""

    image: Facts
    profile: str
    date: str
    rows: tuple[Row, ...]

    @property
    def forms(self) -> tuple[str, ...]:
        """In the order of their names; `plain` and `soci-v2` first."""
        first = ("plain", "zstd", "soci-v2")
        found = {row.form for row in self.rows}
        return (*(form for form in first if form in found), *sorted(found.difference(first)))

    @property
    def blocks(self) -> int:
        """How many blocks measured anything."""
        return len({row.block for row in self.rows})

    def median_seconds(self, form: str) -> float | None:
        """Until ready; None for a form that was not measured."""
        seconds = [row.ready_seconds for row in self.rows if row.form == form]
        return statistics.median(seconds) if seconds else None

    def median_megabytes(self, form: str) -> float | None:
        """Over the network; None for a form that was not measured."""
        found = [row.received_megabytes for row in self.rows if row.form == form]
        return statistics.median(found) if found else None

    def ratio(self, form: str, control: str) -> Comparison | None:
        """Seconds until ready, form ÷ control, with a 95 % interval from three blocks on; None without a pair."""
        by_block = {(row.form, row.block): row.ready_seconds for row in self.rows}
        both = sorted({row.block for row in self.rows if {(form, row.block), (control, row.block)} <= by_block.keys()})
        if not both:
            return None
        pair = Pairs(
            variant=self.image.name,
            form=form,
            control_variant=self.image.name,
            control=control,
            task_count=1,
            phase=PHASE,
            seconds=np.array([by_block[form, block] for block in both]),
            control_seconds=np.array([by_block[control, block] for block in both]),
        )
        return compare([pair], Terms(), {self.image.name: PHASE})[0]

    @property
    def fastest(self) -> tuple[str, ...]:
        """The form with the smallest ratio to the others, and those that the measurement cannot tell from it."""
        best = min(self.forms, key=lambda form: self._mean_logarithm(form))
        return tuple(form for form in self.forms if form == best or not self._is_slower(form, best))

    def _mean_logarithm(self, form: str) -> float:
        return statistics.fmean(math.log(row.ready_seconds) for row in self.rows if row.form == form)

    def _is_slower(self, form: str, best: str) -> bool:
        ratio = self.ratio(form, best)
        return ratio is None or ratio.interval is None or ratio.interval.low > 1


def written(points: Sequence[Point], machine: dict[str, str]) -> str:
    """The data file's text: one line per round, so that a difference shows what was measured anew."""
    parts = []
    for point in points:
        value = _rounded(asdict(point))
        rows = ",\n".join(f"  {json.dumps(row)}" for row in value.pop("rows"))
        parts.append(f'{json.dumps(value)[:-1]}, "rows": [\n{rows}\n ]}}')
    inside = ",\n ".join(parts)
    return f'{{"machine": {json.dumps(machine)},\n "points": [\n {inside}\n]}}\n'


def read(text: str) -> tuple[list[Point], dict[str, str]]:
    """The points of a data file's text, and the machine that measured them."""
    content = json.loads(text)
    return [_point(each) for each in content["points"]], content["machine"]


def _point(value: dict[str, Any]) -> Point:
    rows = tuple(Row(**row) for row in value["rows"])
    return Point(**{**value, "image": Facts(**value["image"]), "rows": rows})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
