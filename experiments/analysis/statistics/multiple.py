"""Correction for multiple comparisons: Holm's procedure with weights. Pure.

Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979 (section 3
has the weights). The chance of calling any true null hypothesis a difference stays at or below the level, however the
comparisons depend on each other and however many nulls are true. It makes no assumptions and is never weaker than
Bonferroni. A weight is the share of that chance that a comparison may spend at first.
"""

from __future__ import annotations

import numpy as np

from experiments.analysis.statistics.paired import Floats


def holm(p_values: Floats, weights: Floats | None = None) -> Floats:
    """Return adjusted p-values along the last axis, in the given order; reject those at or below the level."""
    shares = np.broadcast_to(np.ones_like(p_values) if weights is None else weights, p_values.shape)
    order = np.argsort(p_values / shares, axis=-1)
    p_sorted, shares_sorted = np.take_along_axis(p_values, order, -1), np.take_along_axis(shares, order, -1)
    remaining = np.flip(np.cumsum(np.flip(shares_sorted, -1), -1), -1)
    stepped = np.minimum(np.maximum.accumulate(p_sorted * remaining / shares_sorted, axis=-1), 1.0)
    adjusted = np.empty_like(stepped)
    np.put_along_axis(adjusted, order, stepped, -1)
    return adjusted
