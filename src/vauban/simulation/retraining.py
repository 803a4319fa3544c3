"""What the model is trained on again, and whether from scratch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Labelled, Target, Trainer
from vauban.errors import BadInput
from vauban.records import Mask
from vauban.tactics.stored import Stored
from vauban.targets.refit import Refit
from vauban.targets.updating import Update


@dataclass(frozen=True)
class Retraining:
    """A way of training again.

    Attributes:
        name: what users call it.
        title: in words.
        update: how the trainer goes on.
        rows: which stored records (n,) it is trained on, from the store, how many it began with, and how many are new.
    """

    name: str
    title: str
    update: Update
    rows: Callable[[Stored, int, int], Mask]

    def trainer(self, trainer: Trainer) -> Trainer:
        """Return the trainer that does it; BadInput where it cannot."""
        if self.update is Update.ANEW:
            return trainer
        if not isinstance(trainer, Refit):
            raise BadInput(
                f"Only models that are fitted again by vauban can be updated ({self.name}); this system brings its own "
                "way of training. Choose --retrain full or window."
            )
        return trainer.updating(self.update)

    def fit(self, trainer: Trainer, store: Stored, first: int, fresh: int, deployed: Target) -> Target:
        """Return the next model; ``deployed`` where there is nothing new to train on, or one class alone."""
        data: Labelled = store.data.take(self.rows(store, first, fresh))
        if self.update is Update.ANEW:
            return trainer.fit(data)
        return trainer.fit(data, deployed) if len(data) else deployed


def _all(store: Stored, first: int, fresh: int) -> Mask:  # noqa: ARG001 - nothing is left out
    return np.ones(len(store), dtype=bool)


def _latest(store: Stored, first: int, fresh: int) -> Mask:  # noqa: ARG001 - as many as there were at first
    return np.arange(len(store)) >= len(store) - first


def _fresh(store: Stored, first: int, fresh: int) -> Mask:  # noqa: ARG001 - only what is new
    return np.arange(len(store)) >= len(store) - fresh


RETRAINING: Mapping[str, Retraining] = {
    r.name: r
    for r in (
        Retraining("full", "from scratch, on all that is stored", Update.ANEW, _all),
        Retraining("window", "from scratch, on the latest, as many as there were at first", Update.ANEW, _latest),
        Retraining("warm", "going on from the deployed model, on all that is stored", Update.WARM, _all),
        Retraining("partial", "the deployed model learns the latest batch besides", Update.PARTIAL, _fresh),
    )
}
"""By name."""
