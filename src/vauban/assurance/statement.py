"""What a number of tries without (or with few) failures says: exact bounds, valid wherever the trying stops."""

from __future__ import annotations

from scipy.stats import beta

from vauban.results import Rate

LEVEL = 0.95


def exact(failures: int, n: int, alpha: float = 1 - LEVEL) -> Rate:
    """Return a share with its exact two-sided interval (Clopper and Pearson, Biometrika 26, 1934).

    Each end is exceeded with probability at most ``alpha / 2``; 0 to 1 for n = 0.
    """
    if n == 0:
        return Rate(float("nan"), 0.0, 1.0, 0)
    low = 0.0 if failures == 0 else float(beta.ppf(alpha / 2, failures, n - failures + 1))
    high = 1.0 if failures == n else float(beta.ppf(1 - alpha / 2, failures + 1, n - failures))
    return Rate(failures / n, low, high, n)


def at_look(failures: int, n: int, look: int, alpha: float = 1 - LEVEL) -> Rate:
    """Return the interval at the ``look``-th look, 1, 2, ..., at a growing number of tries.

    The looks share ``alpha`` as the terms of a sum that ends at 1 (6 / (pi k)^2), so that with probability 1 - alpha
    the truth lies in all of these intervals: it may be stopped at any of them, for whatever reason.
    """
    return exact(failures, n, alpha * 6 / (3.141592653589793 * look) ** 2)


def looks(most: int, first: int = 200) -> list[int]:
    """Return at how many tries to look: ``first``, twice as many, ..., ``most``."""
    out = []
    while first < most:
        out.append(first)
        first *= 2
    return [*out, most] if most > 0 else []
