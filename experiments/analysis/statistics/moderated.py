"""Moderated t test for few blocks: each comparison borrows from the pooled variance of similar ones. Pure.

With three blocks a variance has two degrees of freedom. That is enough for an honest interval of one comparison. But
after correction for 64 comparisons the critical value is 21 standard errors, or 62 outside the primary phase, which
hardly any effect reaches. One more degree of freedom makes that 10 and 20. Comparisons of the same phase have roughly
similar variances, so the corrected test uses

    moderated variance = (prior x pooled variance of the phase + freedom x own variance) / (prior + freedom)

with prior + freedom degrees of freedom: the moderated t of Smyth (Linear Models and Empirical Bayes Methods for
Assessing Differential Expression in Microarray Experiments, Statistical Applications in Genetics and Molecular Biology
3, 2004, equation 3.2). It differs from Smyth in two ways, because a lab has 4 to 50 comparisons and not 20,000 genes,
and 8 tasks scatter more than 1:

- The prior is not fitted but fixed at one degree of freedom, worth one block. A prior fitted to so few variances is
  overconfident: with three blocks it calls 6 % of A/A sweeps different, and up to 30 % if one comparison is noisier.
- The pooled variance is the mean, which follows the noisiest comparisons; a fitted prior's variance is lower.

Only the corrected test uses it. An interval that borrowed would contain the true value less often in the noisiest
comparison (90 % instead of 95 %) and more often in the quiet ones. So each interval uses its own comparison alone, and
no verdict contradicts it. `benchmarks/bench_coverage.py` shows that the promised 5 % holds, and what fitting does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.analysis.statistics import paired
from experiments.analysis.statistics.paired import Floats

PRIOR_FREEDOM = 1
LEAST_ALIKE = 4
"""With fewer similar comparisons, a single noisy one misleads too often."""
MOST_BLOCKS = 5
"""With more blocks, a comparison's own variance has the five degrees of freedom that the prior gives five blocks."""


def applies(blocks: int, alike: int) -> bool:
    """Whether a comparison over ``blocks`` blocks, one of ``alike`` similar ones, borrows from the others."""
    return blocks <= MOST_BLOCKS and alike >= LEAST_ALIKE


def freedom(blocks: int) -> int:
    """Return the degrees of freedom of the moderated variance."""
    return blocks - 1 + PRIOR_FREEDOM


def pooled(alike: Sequence[Floats], least: Sequence[float] | None = None) -> float:
    """Return the mean variance of several comparisons' differences, weighted by degrees of freedom.

    ``least`` has each comparison's least deviation, as in `paired.deviation`.
    """
    each = np.zeros(len(alike)) if least is None else least
    variances = [paired.deviation(sample, floor) ** 2 for sample, floor in zip(alike, each, strict=True)]
    return float(np.average(variances, weights=[len(sample) - 1 for sample in alike]))


def deviation(differences: Floats, pooled_variance: Floats | float, least: Floats | float = 0.0) -> Floats:
    """Return the moderated standard deviation of one block's difference; the last axis of ``differences`` is blocks."""
    own_freedom = differences.shape[-1] - 1
    weighted = PRIOR_FREEDOM * pooled_variance + own_freedom * paired.deviation(differences, least) ** 2
    return np.asarray(np.sqrt(weighted / (PRIOR_FREEDOM + own_freedom)))


def p_value(differences: Floats, pooled_variance: Floats | float, least: Floats | float = 0.0) -> Floats:
    """Return the two-sided p-value of the moderated t test; the last axis is blocks."""
    blocks = differences.shape[-1]
    moderated = deviation(differences, pooled_variance, least)
    return paired.p_of(differences.mean(axis=-1), moderated, blocks, freedom(blocks))
