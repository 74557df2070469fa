"""The report's plots: each module draws one kind, from the same frames and analysis as the tables.

For the page and notebooks. Plots are inline SVG (altair and vl-convert) and need no network and no script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.analysis import cells
from experiments.analysis.findings import Analysis
from experiments.report.plots import data, effects, order, parts, spread, why
from experiments.report.plots.style import Figure

if TYPE_CHECKING:
    import pandas as pd


def figures(tasks: pd.DataFrame, analysis: Analysis) -> tuple[Figure, ...]:
    """Every figure that has something to draw; ``tasks`` has the columns of `columns.COLUMNS`."""
    measured = cells.measured(tasks[list(data.COLUMNS)])
    explained = why.figure(analysis)
    candidates = (
        effects.figure(analysis),
        spread.figure(measured, analysis),
        explained if explained.panels else parts.timelines(measured, analysis),
        parts.one_round(measured, analysis),
        order.figure(measured, analysis),
    )
    return tuple(figure for figure in candidates if figure.panels)
