"""Values that are more frequent among what is under review than among the verified records."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.stats import binom

from vauban.monitors.dossier import Dossier
from vauban.monitors.view import View
from vauban.records import Floats, Ints, Mask, Records

VERIFIED = 100
"""Verified records from which on they tell how frequent a value is."""
LEVEL = 0.05
"""Corrected probability from which down a value is more frequent than among the verified records."""


@lru_cache(maxsize=4)
def grown(dossier: Dossier) -> Mask:
    """Return which traits of a table's sections have grown (t,); none where few records are verified."""
    view, trusted, n = dossier.view, dossier.trusted, len(dossier)
    if trusted is None or len(trusted) < VERIFIED:
        return np.zeros(len(view.sections(slice(0, 1))[1]), dtype=bool)
    return more_frequent(counted(view), n, counted(view, trusted.records), len(trusted))


def more_frequent(here: Floats, n: int, there: Floats, m: int, level: float = LEVEL) -> Mask:
    """Return which values are more frequent ``here`` (t,), in n records, than ``there`` (t,), in m.

    Given how often a value occurs in both, how often it does here is binomial (Fisher's argument); corrected for the
    number of values (Bonferroni).
    """
    return np.asarray(binom.sf(here - 1, here + there, n / (n + m)) * len(there) <= level)


def counted(view: View, records: Records | None = None) -> Floats:
    """Return how many of the records, the view's own or others, have each trait of its sections (t,)."""
    return np.asarray(sum(np.asarray(traits.sum(axis=0)).ravel() for traits in view.section_blocks(records)))


def having(view: View, traits: Ints, records: Records | None = None) -> Mask:
    """Return which of the records (n), the view's own or others, have these traits (k,) of its sections, (n, k)."""
    return np.concatenate([held[:, traits].toarray() > 0 for held in view.section_blocks(records)])


def swollen(dossier: Dossier) -> Mask:
    """Return which records (n,) have a value that has grown."""
    traits = np.flatnonzero(grown(dossier))
    return np.asarray(having(dossier.view, traits).any(axis=1))
