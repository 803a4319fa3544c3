"""Hold what the last approved model says the opposite of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.contracts import SCORE, Batch, GateContext, Labelled, Screening, Target
from vauban.records import Floats
from vauban.threat import Grant


@dataclass(frozen=True)
class FrozenReference:
    """Hold records whose label the last approved model contradicts more firmly than it does that of verified records.

    The reference is frozen: a model that is rolled forward round by round learns the poison of one round and approves
    that of the next. How firmly is too firmly is read off the trusted records, class by class, so that of clean
    records about ``lost`` are held.

    Attributes:
        lost: share of clean records of each class that may be held.
    """

    lost: float = 0.005

    def screen(self, batch: Batch, context: GateContext) -> Screening:
        """Return which records of a batch may be trained on."""
        trusted = _surprise(context.approved, context.trusted)
        surprise = _surprise(context.approved, batch.data)
        held = np.zeros(len(surprise), dtype=bool)
        limits = []
        for label in (0, 1):
            known = trusted[context.trusted.labels == label]
            limit = float(np.quantile(known, 1 - self.lost, method="higher")) if len(known) else np.inf
            held |= (batch.data.labels == label) & (surprise > limit)
            limits.append(limit)
        said = ", ".join(f"{limit:.3g} for label {label}" for label, limit in enumerate(limits))
        evidence = f"{int(held.sum())} of {len(held)} records contradict the approved model by more than {said}"
        return Screening(~held, (evidence,))


def _surprise(model: Target, data: Labelled) -> Floats:
    """Return how far a model's score is from the label (n,): higher contradicts it more."""
    told = model.answer(data.records, model.grants & SCORE)
    scores = told.scores if Grant.SCORE in model.grants else told.decisions
    return np.asarray(np.where(data.labels == 1, -1.0, 1.0) * np.asarray(scores, dtype=np.float64))
