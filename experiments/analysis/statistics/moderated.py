"""Test of one among many alike comparisons over few blocks: its spread leans on the spread of the others. Pure.

Over three blocks a spread is known with two degrees of freedom. Taken alone that is an honest interval, but the far
tail that a correction for 64 comparisons asks for lies at 21 standard errors, or outside the primary phase at 62, where
hardly any effect is. One degree more makes that 10 and 20. Comparisons of the same phase tell each other roughly how
large a spread is, so the corrected test uses

    moderated variance = (prior x variance pooled over all that are alike + freedom x own variance) / (prior + freedom)

with prior + freedom degrees of freedom: the moderated t of Smyth (Linear Models and Empirical Bayes Methods for
Assessing Differential Expression in Microarray Experiments, Statistical Applications in Genetics and Molecular Biology
3, 2004, equation 3.2). Two things are not as there, for a lab has 4 to 50 comparisons and not 20,000 genes, and 8 tasks
scatter more than 1:

- The prior is not fitted but fixed at one degree of freedom, worth one block. Fitted to so few spreads it is far too
  sure: over three blocks 6 % of A/A sweeps are then called different, and up to 30 % where one comparison is noisier.
- The variance pooled is the mean, which follows the noisiest comparisons, and not a fitted prior's, which is below it.

It serves the corrected test alone. An interval that leant on others would hold the truth less often in the noisiest
comparison (90 % instead of 95 %) and more often in the calm ones, so each interval rests on its own comparison, and no
verdict is given against it. `benchmarks/bench_coverage.py` shows that the promised 5 % is kept, and what fitting does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.analysis.statistics import paired
from experiments.analysis.statistics.paired import Floats

PRIOR_FREEDOM = 1
LEAST_ALIKE = 4
"""Among fewer, a single noisy comparison misleads too often."""
MOST_BLOCKS = 5
"""With more, a comparison's own spread has the five degrees of freedom that the prior would make of five blocks."""


def applies(blocks: int, alike: int) -> bool:
    """Whether a comparison over so many blocks, one of so many that are alike, leans on the others."""
    return blocks <= MOST_BLOCKS and alike >= LEAST_ALIKE


def freedom(blocks: int) -> int:
    """Degrees of freedom of the moderated variance."""
    return blocks - 1 + PRIOR_FREEDOM


def pooled(alike: Sequence[Floats]) -> float:
    """The mean of the variances of several comparisons' differences, each by its degrees of freedom."""
    return float(np.average([one.var(ddof=1) for one in alike], weights=[len(one) - 1 for one in alike]))


def deviation(differences: Floats, pooled_variance: Floats | float) -> Floats:
    """Standard deviation of one block's difference, from the last axis and the variance of all that are alike."""
    own_freedom = differences.shape[-1] - 1
    own = differences.var(axis=-1, ddof=1)
    return np.asarray(np.sqrt((PRIOR_FREEDOM * pooled_variance + own_freedom * own) / (PRIOR_FREEDOM + own_freedom)))


def p_value(differences: Floats, pooled_variance: Floats | float) -> Floats:
    """Two-sided p of the moderated t test; the last axis are the blocks."""
    blocks = differences.shape[-1]
    return paired.p_of(differences.mean(axis=-1), deviation(differences, pooled_variance), blocks, freedom(blocks))
