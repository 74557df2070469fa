"""The report's pictures: each module draws one, from the same frames and analysis that the tables are made from.

They face the page and notebooks. Pictures are inline SVG (altair and vl-convert), need no network and no script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.analysis import cells
from experiments.analysis.findings import Analysis
from experiments.report.plots import data, effects, order, parts, spread
from experiments.report.plots.style import Figure

if TYPE_CHECKING:
    import pandas as pd


def figures(tasks: pd.DataFrame, analysis: Analysis) -> tuple[Figure, ...]:
    """Every picture for which there is something to draw; ``tasks`` has the columns of `columns.COLUMNS`."""
    measured = cells.measured(tasks[list(data.COLUMNS)])
    drawn = (
        effects.figure(analysis),
        spread.figure(measured, analysis),
        parts.timelines(measured, analysis),
        parts.one_round(measured, analysis),
        order.figure(measured, analysis),
    )
    return tuple(figure for figure in drawn if figure.panels)
