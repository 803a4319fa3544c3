"""Train on what the model finds easy to learn; hold the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.contracts import SCORE, Batch, GateContext, Labelled, Screening, Target
from vauban.records import Floats
from vauban.threat import Grant


@dataclass(frozen=True)
class TrimmedLoss:
    """Hold the records of a batch that a model, trained with the others, gets most wrong; again, until it settles.

    TRIM, Jagielski et al., "Manipulating machine learning" (S&P 2018, section 5), for classes: the loss is how far the
    score is from the label. How far is too far is read off the trusted records, class by class, so that a clean batch
    is trained on nearly whole. Poison that fits in with the rest of its kind (a campaign, a backdoor) is learnt at once
    and is easy from then on: this gate is for labels that contradict the data.

    Attributes:
        rounds: most times that a model is trained.
        lost: share of clean records of each class that may be held.
    """

    rounds: int = 3
    lost: float = 0.005

    def screen(self, batch: Batch, context: GateContext) -> Screening:
        """Return which records of a batch may be trained on."""
        train = np.ones(len(batch.data), dtype=bool)
        if not len(train):
            return Screening(train)
        for _ in range(self.rounds):
            model = context.trainer.fit(context.stored.plus(batch.data.take(train)))
            loss, usual = _loss(model, batch.data), _loss(model, context.trusted)
            held = np.zeros(len(train), dtype=bool)
            for label in (0, 1):
                known = usual[context.trusted.labels == label]
                if len(known):
                    limit = np.quantile(known, 1 - self.lost, method="higher")
                    held |= (batch.data.labels == label) & (loss > limit)
            if (train == ~held).all():
                break
            train = ~held
        return Screening(train, (f"{int((~train).sum())} of {len(train)} records do not fit in with the others",))


def _loss(model: Target, data: Labelled) -> Floats:
    """Return how far a model's scores are from the labels (n,): higher is worse."""
    told = model.answer(data.records, model.grants & SCORE)
    scores = told.scores if Grant.SCORE in model.grants else told.decisions
    return np.asarray(np.where(data.labels == 1, -1.0, 1.0) * np.asarray(scores, dtype=np.float64))
