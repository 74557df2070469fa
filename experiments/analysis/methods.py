"""The methods of an analysis in brief, each with its source, for sceptical readers. Values only."""

from __future__ import annotations

from experiments.analysis.findings import Method

_ALWAYS = (
    Method(
        name="Percentiles: linear interpolation between order statistics (type 7)",
        source="Hyndman and Fan, Sample Quantiles in Statistical Packages, The American Statistician 50, 1996",
    ),
    Method(
        name="Order of the rounds: randomised complete blocks",
        source="Fisher, The Design of Experiments, 1935",
    ),
    Method(
        name="Unit of observation: the block, as the ratio of its two rounds' medians; never the single task",
        source="Hurlbert, Pseudoreplication and the Design of Ecological Field Experiments, Ecological Monographs 54, "
        "1984",
    ),
    Method(
        name="Tasks that never booted: slower than every task of their round that did; a round in which they are half "
        "or more has no median",
        source="Klein and Moeschberger, Survival Analysis, 2nd edition, 2003",
    ),
    Method(
        name="Share of tasks that booted: exact interval; Fisher's exact test, with Holm's correction over treatments "
        "that had failures, and a permutation of whole blocks",
        source="Clopper and Pearson, Biometrika 26, 1934; Fisher, The Design of Experiments, 1935; Tarone, Biometrics "
        "46, 1990",
    ),
    Method(
        name="Interval: Student's t on the logarithms of the blocks' ratios",
        source="Student, The Probable Error of a Mean, Biometrika 6, 1908",
    ),
    Method(
        name="Interval of the seconds saved: the joint confidence distribution of a block's two logarithms, so that it "
        "excludes 0 if and only if the ratio's excludes 1",
        source="Weerahandi, Generalized Confidence Intervals, Journal of the American Statistical Association 88, "
        "1993; Krishnamoorthy and Mathew, Journal of Statistical Planning and Inference 115, 2003",
    ),
    Method(
        name="Effect over all task counts: mean of each block's counts; whether they agree: t test of their slopes",
        source="Matthews, Altman, Campbell and Royston, Analysis of Serial Measurements in Medical Research, BMJ 300, "
        "1990",
    ),
    Method(
        name="Slowest tasks: the round's last task, and its 95th percentile from 20 tasks on, with the block as unit; "
        "as deployed, without a verdict",
        source="Hyndman and Fan, Sample Quantiles in Statistical Packages, The American Statistician 50, 1996",
    ),
    Method(
        name="Correction for multiple comparisons: Holm's procedure, three quarters of the error for the primary phase",
        source="Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, "
        "1979",
    ),
    Method(
        name="Corrected test below 6 blocks: moderated t, with one degree of freedom from the variance pooled over the "
        "phase; constants by simulation (benchmarks/bench_coverage.py)",
        source="Smyth, Linear Models and Empirical Bayes Methods for Assessing Differential Expression in Microarray "
        "Experiments, Statistical Applications in Genetics and Molecular Biology 3, 2004",
    ),
    Method(
        name="Permutation test: labels exchanged within blocks, in all ways or in 19,999 random ones",
        source="Fisher, The Design of Experiments, 1935; Phipson and Smyth, Permutation P-values Should Never Be Zero, "
        "Statistical Applications in Genetics and Molecular Biology 9, 2010",
    ),
    Method(
        name="No difference larger than a margin: the whole interval lies within it (two one-sided tests)",
        source="Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987",
    ),
    Method(
        name="Smallest detectable difference: 80 % power of the corrected t test, over the uncertainty of the spread",
        source="Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd edition, 1988; O'Hagan, Stevens and "
        "Campbell, Assurance in Clinical Trial Design, Pharmaceutical Statistics 4, 2005",
    ),
    Method(
        name="Trend over time: a line through the blocks' means, centred by task count, with Holm's correction",
        source="Matthews, Altman, Campbell and Royston, Analysis of Serial Measurements in Medical Research, BMJ 300, "
        "1990",
    ),
    Method(
        name="Trend over task counts: the mean of the blocks' slopes, with Holm's correction",
        source="Matthews, Altman, Campbell and Royston, Analysis of Serial Measurements in Medical Research, BMJ 300, "
        "1990",
    ),
    Method(
        name="Outliers: generalised extreme Studentised deviate test, corrected over treatments; shown, never dropped",
        source="Rosner, Percentage Points for a Generalized ESD Many-Outlier Procedure, Technometrics 25, 1983",
    ),
    Method(
        name="Carry-over: the order of a treatment and its control, drawn again",
        source="Fisher, The Design of Experiments, 1935; Grizzle, The Two-Period Change-over Design, Biometrics 21, "
        "1965",
    ),
    Method(
        name="Two kinds of rounds: a second value that explains more than it would of normal values, by simulation",
        source="McLachlan, On Bootstrapping the Likelihood Ratio Test Statistic for the Number of Components in a "
        "Normal Mixture, Applied Statistics 36, 1987",
    ),
    Method(
        name="Two clusters among the tasks of rounds: a mixture of two normal distributions, better by 10 on the "
        "Bayesian information criterion, with a gap",
        source="Schwarz, Annals of Statistics 6, 1978; Ashman, Bird and Zepf, Astronomical Journal 108, 1994",
    ),
)
_STOPPED = Method(
    name="Stopping rule: add blocks until the intervals are narrow enough; intervals and tests are corrected for it",
    source="Chow and Robbins, Annals of Mathematical Statistics 36, 1965; Starr, the same 37, 1966; constants by "
    "simulation (benchmarks/bench_coverage.py)",
)


def methods(*, stopped: bool) -> tuple[Method, ...]:
    """Return the methods used; ``stopped``: the sweep had a stopping rule."""
    return (*_ALWAYS, _STOPPED) if stopped else _ALWAYS
