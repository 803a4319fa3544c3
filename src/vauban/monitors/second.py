"""A second model, of another kind and without the source: what it thinks of records under review."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vauban.monitors.beside import Beside, beside
from vauban.monitors.learning import learnt
from vauban.monitors.predictions import LEARNT_FROM, Predictions
from vauban.monitors.view import View
from vauban.records import Floats, Ints, Records
from vauban.targets.leaves import leaves_of

EDGE = 1e-6


@dataclass(frozen=True, eq=False)
class Second:
    """The log-odds of harm that a second model sees: (n,) in what is reviewed, (m,) in the records kept apart.

    ``cut`` is where it would stop as many of the n as the candidate does.
    """

    harm: Floats
    apart: Floats
    cut: float
    held: Beside


@lru_cache(maxsize=2)
def second(dossier: Predictions) -> Second:
    """Return what a second model thinks: linear where the candidate is made of trees, else boosted; linear of words."""
    held = beside(dossier)
    kind = "linear" if dossier.terms.dense is None or leaves_of(dossier.candidate) is not None else "boosted"
    view, rows = View.of(held.base.records, dossier.schema), np.arange(len(held.base))

    def odds(records: Records) -> Floats:
        parts = [
            learnt(view, held.base.labels, rows, view.same(part), kind=kind, seed=dossier.seed)
            for part in _parts(records)
        ]
        p = np.clip(np.concatenate(parts) if parts else np.empty(0), EDGE, 1 - EDGE)
        return np.asarray(np.log(p) - np.log1p(-p))

    harm = odds(dossier.records)
    stopped = float(dossier.labels.mean())
    return Second(harm, odds(held.apart.records), float(np.quantile(harm, 1 - stopped)), held)


def _parts(records: Records) -> list[Records]:
    return [records[a : a + LEARNT_FROM] for a in range(0, len(records), LEARNT_FROM)]


def halves(groups: Ints, seed: int) -> Ints:
    """Return 0 or 1 a group's records (n,): groups divided by lot."""
    side = np.random.default_rng((seed, 10)).permutation(int(groups.max(initial=0)) + 1) % 2
    return np.asarray(side[groups])
