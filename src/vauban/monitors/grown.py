"""Values that are more frequent among what is under review than among the verified records."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import binom

from vauban.monitors.dossier import Dossier
from vauban.monitors.view import View
from vauban.records import Floats, Ints, Mask, Records

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
    return more_frequent(counted(view, dossier.records), n, counted(view, trusted.records), len(trusted))


def more_frequent(here: Floats, n: int, there: Floats, m: int, level: float = LEVEL) -> Mask:
    """Return which values are more frequent ``here`` (t,), in n records, than ``there`` (t,), in m.

    Given how often a value occurs in both, how often it does here is binomial (Fisher's argument); corrected for the
    number of values (Bonferroni).
    """
    return np.asarray(binom.sf(here - 1, here + there, n / (n + m)) * len(there) <= level)


def counted(view: View, records: Records) -> Floats:
    """Return how many of the records (n, d) have each trait of a view's sections (t,)."""
    return np.asarray(sum(np.asarray(traits.sum(axis=0)).ravel() for traits in _traits(view, records)))


def having(view: View, records: Records, traits: Ints) -> Mask:
    """Return which of the records (n, d) have these traits (k,) of a view's sections, (n, k)."""
    return np.concatenate([held[:, traits].toarray() > 0 for held in _traits(view, records)])


def swollen(dossier: Dossier) -> Mask:
    """Return which records (n,) have a value that has grown."""
    traits = np.flatnonzero(grown(dossier))
    return np.asarray(having(dossier.view, dossier.records, traits).any(axis=1))


def _traits(view: View, records: Records) -> Iterator[csr_matrix]:
    for start in range(0, len(records), BLOCK):
        yield view.same(records[start : start + BLOCK]).sections()[0]
