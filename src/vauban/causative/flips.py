"""Flip labels of the stored training data: an insider, a bribed labeller, a careless one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.insider import altering
from vauban.contracts import Ask, Brief, Claim, Labelled, Move, NothingLearnt, Outcome, Tamper, no_scouting
from vauban.records import Floats, Ints, Modality, Records
from vauban.tactics.stored import Stored
from vauban.threat import Grant


@dataclass(frozen=True)
class Flips:
    """Give stored records the other class's label, in all that is stored when he comes and in every round after.

    At random (``far=False``) it is the control: a model hardly minds. Far flips choose the records whose label is the
    surest under a model of the attacker's own, of the class that does the damage he is after: those far from the
    boundary, which move it most (Biggio, Nelson and Laskov, "Support vector machines under adversarial label noise",
    2011; Xiao et al., 2012).

    Attributes:
        far: whether to choose the surest instead of any.
    """

    far: bool = True

    modalities = frozenset({Modality.TABULAR, Modality.TEXT})
    wants = frozenset({Grant.TAMPER})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        """Ask nothing: he sees the training data itself."""
        return no_scouting(NothingLearnt())

    def campaign(self, intelligence: NothingLearnt, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Flip the same share of what is stored today and of what each round adds."""
        rng = brief.rng()

        def choose(stored: Stored, count: int) -> Tamper:
            fresh = np.flatnonzero(stored.ids > last[-1])  # of what was there before he has had his share
            last.append(int(stored.ids[-1]))
            chosen = fresh[self._chosen(stored.data.take(fresh), brief, count, rng)]
            return Tamper(stored.ids[chosen], labels=(1 - stored.data.labels[chosen]).astype(np.int8))

        last = [-1]
        return altering(brief, choose)

    def dress(self, records: Records, intelligence: NothingLearnt, brief: Brief) -> Records:
        """Return the records as they are: he relies on the model being worse."""
        return records

    def _chosen(self, stored: Labelled, brief: Brief, count: int, rng: np.random.Generator) -> Ints:
        """Return positions of the records to flip."""
        if not count:
            return np.empty(0, dtype=np.int64)
        if not self.far:
            return np.sort(rng.permutation(len(stored))[:count])
        # Integrity breaks by harmful records that are called good, availability by good ones that are called harmful.
        wanted = np.flatnonzero(stored.labels == int(brief.cell.harmful))
        sure = _sureness(stored, seed=int(rng.integers(1 << 31)))[wanted]
        return np.sort(wanted[np.argsort(-sure, kind="stable")[:count]])


def _sureness(stored: Labelled, seed: int) -> Floats:
    """Return how sure a model of the attacker's own is of each label (n,), learnt from the other folds."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    model: Any
    if stored.records.ndim == 1:
        model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
    else:
        model = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    if min(np.bincount(stored.labels, minlength=2)) < 3:
        return np.zeros(len(stored))
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    probability = cross_val_predict(model, stored.records, stored.labels, cv=folds, method="predict_proba")
    return np.asarray(probability[np.arange(len(stored)), stored.labels])
