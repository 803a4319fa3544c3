"""The review as a gate of the retraining loop: a person looks at what stands out before it is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.contracts import Batch, GateContext, Screening
from vauban.errors import BudgetSpent
from vauban.monitors.dossier import Dossier
from vauban.records import Ints, Mask
from vauban.review.examine import examine, order_of
from vauban.review.ranking import RANDOM

SURE = 4
"""Records of a family that were called poison from which on all of it is held, if none was called honest."""


@dataclass(frozen=True)
class Review:
    """Hold what a person calls poison, and the families of which he saw enough; take out what of it is stored already.

    The detectors look at the batch, at the latest of what is stored, and at what he called poison in earlier rounds; he
    reads in the order of `Ranking`, which learns from all that he said. Where nobody reviews, nothing is held.

    Attributes:
        stored: most stored records that are looked at beside the batch, the latest.
    """

    stored: int = 2000

    def screen(self, batch: Batch, context: GateContext) -> Screening:
        """Return which records of a batch may be trained on, and which of the stored ones are to go."""
        n, m, reviewer = len(batch.data), len(context.stored), context.reviewer
        if reviewer is None or not n:
            return Screening(np.ones(n, dtype=bool))
        late = np.arange(max(m - self.stored, 0), m)
        called = reviewer.called()
        beside = len(late) + n  # rows: what is stored, the batch, what he called poison before
        whole = context.stored.take(late).plus(batch.data).plus(called)
        sources = np.full(len(whole), "stored", dtype=object)
        sources[len(late) : beside] = batch.sources
        trusted, approved, seed = context.trusted, context.approved, int(context.seed[0])
        dossier = Dossier(whole.records, whole.labels, context.schema, sources, None, trusted, approved, seed)
        order = order_of(dossier, examine(dossier).signals, dossier.seed)
        for row in np.flatnonzero(reviewer.cleared()[late]).tolist():
            order.tell(row, RANDOM, poison=False)
        for row in range(beside, len(whole)):
            order.tell(row, RANDOM, poison=True)
        said = dict.fromkeys(range(beside, len(whole)), True)
        looked = 0
        while (look := order.next()) is not None:
            stored = look.row < len(late)
            try:
                poison = reviewer.look(int(late[look.row]) if stored else look.row - len(late), stored=stored)
            except BudgetSpent:
                break
            looked += 1
            said[look.row] = poison
            order.tell(look.row, look.reason, poison)
        bad = _held(dossier.family * 2 + dossier.labels, said)
        remove = np.zeros(m, dtype=bool)
        remove[late] = bad[: len(late)]
        held = bad[len(late) : beside]
        found = sum(said.values()) - len(called)
        evidence = (
            f"{looked} records were looked at, {found} called poison; with their families {int(held.sum())} are held "
            f"and {int(remove.sum())} taken out of what is stored"
        )
        return Screening(~held, (evidence,), remove)


def _held(kin: Ints, said: dict[int, bool]) -> Mask:
    """Return what is poison (n,) by what was said of some rows: these, and families of which enough are."""
    bad = np.zeros(len(kin), dtype=bool)
    rows, poison = np.array(list(said), dtype=np.int64), np.array(list(said.values()), dtype=bool)
    names, counts = np.unique(kin[rows[poison]], return_counts=True)
    bad |= np.isin(kin, np.setdiff1d(names[counts >= SURE], kin[rows[~poison]]))
    bad[rows] = poison
    return bad
