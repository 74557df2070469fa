"""Correction for many comparisons: Holm's procedure with weights. Pure.

Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979 (section 3
has the weights). The chance that any true "no difference" is called a difference stays below the level, whatever the
dependence between the comparisons and however many of them are true; it needs no assumption and loses to Bonferroni
nowhere. A weight says which share of that chance a comparison may use up first.
"""

from __future__ import annotations

import numpy as np

from experiments.analysis.statistics.paired import Floats


def holm(p_values: Floats, weights: Floats | None = None) -> Floats:
    """Adjusted p-values along the last axis, in the order given; reject those at or below the level."""
    shares = np.broadcast_to(np.ones_like(p_values) if weights is None else weights, p_values.shape)
    order = np.argsort(p_values / shares, axis=-1)
    p_sorted, own = np.take_along_axis(p_values, order, -1), np.take_along_axis(shares, order, -1)
    left = np.flip(np.cumsum(np.flip(own, -1), -1), -1)
    stepped = np.minimum(np.maximum.accumulate(p_sorted * left / own, axis=-1), 1.0)
    adjusted = np.empty_like(stepped)
    np.put_along_axis(adjusted, order, stepped, -1)
    return adjusted
