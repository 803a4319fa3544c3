"""The training data as they are stored: records keep their numbers for good, whatever is removed between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vauban.contracts import Labelled, Tamper
from vauban.errors import ContractViolation
from vauban.records import Ints, Mask, frozen


@dataclass(frozen=True, eq=False)
class Stored:
    """What the model is trained on.

    Attributes:
        data: the records (n), with labels.
        ids: (n,) their numbers, rising; one that was removed is never given again.
        his: (n,) which of them the attacker sent or altered.
        given: how many numbers were given so far.
    """

    data: Labelled
    ids: Ints
    his: Mask
    given: int

    @classmethod
    def of(cls, data: Labelled) -> Stored:
        """Return the first training data, of which nothing is his."""
        return cls(data, np.arange(len(data)), np.zeros(len(data), dtype=bool), len(data))

    def plus(self, batch: Labelled, his: Mask, kept: Mask) -> Stored:
        """Return these and what was kept of a batch behind them; all of the batch gets numbers, kept or not."""
        ids = self.given + np.flatnonzero(kept)
        whole = self.data.plus(batch.take(kept))
        his = np.concatenate([self.his, his[kept]])
        return Stored(whole, np.concatenate([self.ids, ids]), his, self.given + len(batch))

    def without(self, gone: Mask) -> Stored:
        """Return these without some of them (n,)."""
        return Stored(self.data.take(~gone), self.ids[~gone], self.his[~gone], self.given)

    def altered(self, change: Tamper) -> tuple[Stored, int]:
        """Return these after a tampering, and how many records it touched; what was removed before is passed over.

        Raises:
            ContractViolation: it names a number that was never given, or the same number twice.
        """
        asked = np.asarray(change.ids, dtype=np.int64)
        if len(asked) and (asked.min() < 0 or asked.max() >= self.given):
            raise ContractViolation(f"He alters records {asked.min()} to {asked.max()}, but {self.given} were stored.")
        if len(np.unique(asked)) < len(asked):
            raise ContractViolation("He alters the same record twice in one move.")
        there = np.isin(asked, self.ids)
        rows = np.searchsorted(self.ids, asked[there])
        if change.records is None and change.labels is None:
            gone = np.zeros(len(self.ids), dtype=bool)
            gone[rows] = True
            return self.without(gone), len(rows)
        records, labels, his = self.data.records.copy(), self.data.labels.copy(), self.his.copy()
        if change.records is not None:
            records[rows] = change.records[there]
        if change.labels is not None:
            labels[rows] = change.labels[there]
        his[rows] = True
        return replace(self, data=Labelled(frozen(records), frozen(labels)), his=his), len(rows)
