"""Intervals: Wilson for shares, bootstrap for ratios of paired costs; quantiles that know infinity; exact tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from vauban.records import Floats, Mask
from vauban.results import Rate

LEVEL = 0.95


def wilson(successes: int, n: int, level: float = LEVEL) -> Rate:
    """Return a share with its score interval (Wilson, JASA 22, 1927); all NaN for n = 0."""
    if n == 0:
        return Rate(math.nan, math.nan, math.nan, 0)
    return Rate(successes / n, *_score(successes / n, n, level), n)


def weighted(which: Mask, weights: Floats, level: float = LEVEL) -> Rate:
    """Return the share of weight (money, say) that some of n records have, with its score interval.

    n counts there as Kish's effective number (sum of weights squared over sum of squares), which is n where all weights
    are equal. NaN where there is no weight at all.
    """
    total = float(weights.sum())
    if not total:
        return Rate(math.nan, math.nan, math.nan, len(weights))
    share = min(float(weights[which].sum()) / total, 1.0)
    return Rate(share, *_score(share, total**2 / float((weights**2).sum()), level), len(weights))


def _score(p: float, n: float, level: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return 0.0 if p == 0 else max(0.0, centre - half), 1.0 if p == 1 else min(1.0, centre + half)


def combined(rates: Sequence[Rate], weights: Sequence[float]) -> Rate:
    """Return the weighted sum of independent shares with its interval: an error rate of classes, a loss in money.

    The interval is that of recovered variances (Zou and Donner, Statistics in Medicine 27, 2008). ``n`` is that of all
    shares together; NaN where a share with a weight has no n. Weights are 0 or more.
    """
    used = [(rate, weight) for rate, weight in zip(rates, weights, strict=True) if weight]
    value = sum(weight * rate.value for rate, weight in used)
    below = math.sqrt(sum((weight * (rate.value - rate.low)) ** 2 for rate, weight in used))
    above = math.sqrt(sum((weight * (rate.high - rate.value)) ** 2 for rate, weight in used))
    return Rate(value, value - below, value + above, sum(rate.n for rate in rates))


def quantile(values: Floats, q: float) -> float:
    """Return the q-quantile of values of which some are infinite, as one of the values: the smallest with share >= q.

    An interpolated quantile between a finite value and infinity would be neither. NaN for no values.
    """
    if not len(values):
        return math.nan
    return float(np.sort(values)[max(0, math.ceil(q * len(values)) - 1)])


def paired_median_ratio(ours: Floats, theirs: Floats, *, seed: int = 0, resamples: int = 2000) -> Rate:
    """Return the median of ours / theirs over the pairs where both are finite, with a percentile bootstrap interval.

    Equal zeros are a ratio of 1. NaN where there is no such pair.
    """
    both = np.isfinite(ours) & np.isfinite(theirs)
    a, b = ours[both], theirs[both]
    n = len(a)
    if not n:
        return Rate(math.nan, math.nan, math.nan, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((a == 0) & (b == 0), 1.0, a / b)
    rng = np.random.default_rng(seed)
    medians = np.median(ratio[rng.integers(0, n, (resamples, n))], axis=1)
    low, high = np.quantile(medians, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Rate(float(np.median(ratio)), float(low), float(high), n)


def differs(successes: int, n: int, control_successes: int, control_n: int) -> float:
    """Return the one-sided p-value that a share is above the control's (Fisher's exact test); 1 where either n is 0."""
    from scipy.stats import fisher_exact

    if not n or not control_n:
        return 1.0
    table = [[successes, n - successes], [control_successes, control_n - control_successes]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def paired_differs(ours: Mask, theirs: Mask) -> float:
    """Return the one-sided p-value that we succeed more often on the same victims (n,): McNemar's test, exact.

    Of the victims on which just one side succeeds, half would be ours by chance (McNemar, Psychometrika 12, 1947).
    """
    return more_often(int((ours & ~theirs).sum()), int((theirs & ~ours).sum()))


def more_often(won: int, lost: int) -> float:
    """Return the one-sided p-value that one side wins more often than the other (exact sign test); 1 without any."""
    from scipy.stats import binomtest

    return float(binomtest(won, won + lost, alternative="greater").pvalue) if won + lost else 1.0
