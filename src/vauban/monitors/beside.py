"""What predictions are held against: verified or training records, and how far chance goes among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom

from vauban.contracts import SCORE, Labelled
from vauban.monitors.predictions import Predictions, above
from vauban.records import Floats, Ints, Records
from vauban.threat import Decision

LEAST = 40
"""Records that are worth holding others against."""
TOPS = (0, 1, 3, 9, 29)
"""How many of the verified records may lie beyond what is looked at."""


@dataclass(frozen=True, eq=False)
class Beside:
    """Records to learn from, and verified ones that nobody learnt from, with what the candidate decides of these.

    Attributes:
        base: labelled records.
        whose: in words.
        apart: verified records that neither the candidate nor a second model has seen; empty where there are none.
        decided: (m,) of those apart, 1 = does not pass.
        height: (m,) how far their scores are above the threshold; None where there are no scores.
        base_decided, base_height: the same of the base.
    """

    base: Labelled
    whose: str
    apart: Labelled
    decided: NDArray[np.int8]
    height: Floats | None
    base_decided: NDArray[np.int8]
    base_height: Floats | None


def unfit_beside(dossier: Predictions) -> str | None:
    """Return why there is nothing to hold predictions against, or None."""
    found = dossier.training if dossier.training is not None else dossier.trusted
    if found is None or len(found) < 2 * LEAST:
        return f"there are neither training data (--training) nor {2 * LEAST} verified records (--trusted-rows)"
    return None if len(np.unique(found.labels)) == 2 else "all records to hold them against have the same label"


@lru_cache(maxsize=2)
def beside(dossier: Predictions) -> Beside:
    """Return what predictions are held against: every other verified record is kept apart where nothing else is known.

    Only verified records tell what chance brings: training data have been seen by the model under review.
    """
    training, trusted = dossier.training, dossier.trusted
    if training is not None:
        base, whose, apart = training, "the training data", trusted
    else:
        assert trusted is not None  # noqa: S101 - callers look first
        odd = np.arange(len(trusted)) % 2 == 1
        base, whose, apart = trusted.take(~odd), "the verified records", trusted.take(odd)
    if apart is None:
        apart = base.take(np.zeros(len(base), dtype=bool))
    return Beside(base, whose, apart, *_said(dossier, apart.records), *_said(dossier, base.records))


def _said(dossier: Predictions, records: Records) -> tuple[NDArray[np.int8], Floats | None]:
    """Return what the candidate decides of records (m,), and how far their scores are above its threshold."""
    model = dossier.candidate
    told = model.answer(records, model.grants & SCORE)
    blocked = np.asarray(told.decisions != Decision.PASS, dtype=np.int8)
    if told.scores is None or dossier.scores is None:
        return blocked, None
    return blocked, above(told.scores, dossier.threshold, dossier.scale)


@dataclass(frozen=True)
class Surplus:
    """How many of n records lie beyond what verified ones do, how many chance would bring, and how likely that is."""

    count: int
    n: int
    expected: float
    chance: float


def surplus(found: Floats, known: Floats, tops: Sequence[int] = TOPS) -> Surplus:
    """Return whether more of ``found`` (n,) lie far out than exchangeable ``known`` values (m,) allow.

    Beyond the (j + 1)-th highest of m lies a beta-binomial number of n others, whatever the distribution is: the exact
    test behind split conformal prediction (Vovk et al. 2005), at several heights, each corrected for all.
    """
    best = Surplus(0, len(found), 0.0, 1.0)
    ordered = np.sort(known)[::-1]
    used = [j for j in tops if j < len(ordered)]
    for j in used:
        count = int((found > ordered[j]).sum())
        chance = float(betabinom.sf(count - 1, len(found), j + 1, len(known) - j)) * len(used) if count else 1.0
        if chance < best.chance:
            best = Surplus(count, len(found), len(found) * (j + 1) / (len(known) + 1), chance)
    return best


def beyond(found: Floats, known: Floats) -> Floats:
    """Return p-values (n,): the share of known values (m,) at least as high; of ``found`` where there are none."""
    reference = np.sort(known if len(known) else found)
    above_ = len(reference) - np.searchsorted(reference, found, side="left")
    return np.minimum((1 + above_) / (1 + len(reference)), 1.0)


def drawn(n: int, most: int, seed: int) -> Ints:
    """Return so many of n rows, drawn by lot, in order; all where there are no more."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng((seed, 9)).permutation(n)[:most])
