"""Values that are more frequent among what is under review than among the verified records."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.stats import binom

from vauban.monitors.dossier import Dossier
from vauban.records import Floats, Mask

VERIFIED = 100
"""Verified records from which on they tell how frequent a value is."""
LEVEL = 0.05
"""Corrected probability from which down a value is more frequent than among the verified records."""
BLOCK = 8192
"""Records whose traits are held at a time."""


@lru_cache(maxsize=4)
def grown(dossier: Dossier) -> Mask:
    """Return which traits of a table's sections have grown (t,); none where few records are verified."""
    view, trusted, n = dossier.view, dossier.trusted, len(dossier)
    if trusted is None or len(trusted) < VERIFIED:
        return np.zeros(len(view.sections(slice(0, 1))[1]), dtype=bool)
    there = np.asarray(view.same(trusted.records).sections()[0].sum(axis=0)).ravel()
    here = np.sum([np.asarray(view.sections(rows)[0].sum(axis=0)).ravel() for rows in blocks(n)], axis=0)
    return more_frequent(here, n, there, len(trusted))


def more_frequent(here: Floats, n: int, there: Floats, m: int) -> Mask:
    """Return which values are more frequent ``here`` (t,), in n records, than ``there`` (t,), in m.

    Given how often a value occurs in both, how often it does here is binomial (Fisher's argument); corrected for the
    number of values (Bonferroni).
    """
    return np.asarray(binom.sf(here - 1, here + there, n / (n + m)) * len(there) <= LEVEL)


def swollen(dossier: Dossier) -> Mask:
    """Return which records (n,) have a value that has grown."""
    traits = grown(dossier)
    if not traits.any():
        return np.zeros(len(dossier), dtype=bool)
    parts = [dossier.view.sections(rows)[0][:, traits].sum(axis=1) for rows in blocks(len(dossier))]
    return np.asarray(np.concatenate(parts)).ravel() > 0


def blocks(n: int) -> list[slice]:
    """Return the rows of n records, as many at a time as have their traits held."""
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
