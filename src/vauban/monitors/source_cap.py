"""No source may be more than a share of what a round trains on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.contracts import Batch, GateContext, Screening


@dataclass(frozen=True)
class SourceCap:
    """Hold what a source sends beyond its share of a round; which of its records is drawn by lot.

    Bounds what any one account can do to a model (Kloft and Laskov, JMLR 13, 2012, section 4: bounded influence); it
    stops nobody who holds many accounts.

    Attributes:
        share: of a round's records that one source may be.
        least: records that any source may send.
    """

    share: float = 0.01
    least: int = 3

    def screen(self, batch: Batch, context: GateContext) -> Screening:
        """Return which records of a batch may be trained on."""
        cap = max(self.least, int(self.share * len(batch.data)))
        order = np.random.default_rng((*context.seed, batch.round)).permutation(len(batch.data))
        _, source = np.unique(batch.sources, return_inverse=True)
        rank = np.empty(len(order), dtype=np.int64)
        seen: dict[int, int] = {}
        for i in order.tolist():
            rank[i] = seen.get(int(source[i]), 0)
            seen[int(source[i])] = int(rank[i]) + 1
        train = rank < cap
        over = sum(1 for n in seen.values() if n > cap)
        return Screening(train, (f"{over} sources sent more than {cap} records in this round",))
