"""Training data as they lie in the store: each record under an id that stays its own, whatever is deleted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vauban.contracts import Labelled, Tamper
from vauban.errors import ContractViolation
from vauban.records import Ints, Mask, Records


@dataclass(frozen=True)
class Stored:
    """What is trained on, as it is now. The owner has one; an insider keeps another of what he has seen.

    Attributes:
        data: the records and their labels.
        ids: (n,) ascending.
        truth: (n,) the label that each came with.
        aimed: (n,) which lie in the slice that the attacker aims at.
        poison: (n,) which he sent or altered.
        given: ids given out so far, those of deleted records too.
    """

    data: Labelled
    ids: Ints
    truth: Ints
    aimed: Mask
    poison: Mask
    given: int

    @staticmethod
    def of(data: Labelled, aimed: Mask) -> Stored:
        """Return untouched data, with ids from 0."""
        n = len(data)
        return Stored(data, np.arange(n), data.labels.astype(np.int64), aimed, np.zeros(n, dtype=bool), n)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.ids)

    def part(self, which: Mask | Ints) -> Stored:
        """Return some of them, under their ids."""
        return Stored(
            self.data.take(which), self.ids[which], self.truth[which], self.aimed[which], self.poison[which], self.given
        )

    def plus(self, data: Labelled, aimed: Mask, poison: Mask) -> Stored:
        """Return these with others behind them, under the next ids."""
        return Stored(
            self.data.plus(data),
            np.concatenate([self.ids, np.arange(self.given, self.given + len(data))]),
            np.concatenate([self.truth, data.labels.astype(np.int64)]),
            np.concatenate([self.aimed, aimed]),
            np.concatenate([self.poison, poison]),
            self.given + len(data),
        )

    def without(self, gone: Mask) -> Stored:
        """Return these without some of them (n,)."""
        return self.part(~gone)

    def tampered(self, change: Tamper) -> Stored:
        """Return the data after a change, which passes over what is gone; ContractViolation if nobody can make it."""
        ids = np.asarray(change.ids, dtype=np.int64)
        strange = (ids < 0) | (ids >= self.given)
        if strange.any():
            raise ContractViolation(
                f"He alters the record {ids[strange][0]}, and only {self.given} were stored: 0 to {self.given - 1}."
            )
        there = np.isin(ids, self.ids)
        at = np.searchsorted(self.ids, ids[there])
        if change.delete == (change.records is not None or change.labels is not None):
            raise ContractViolation("A tampering names new records or new labels, or deletes; not both, not neither.")
        if change.delete:
            return self._without(at)
        records, labels, poison = self.data.records, self.data.labels, self.poison.copy()
        if change.records is not None:
            records = _placed(records, at, change.records, there)
        if change.labels is not None:
            labels = _placed(labels, at, change.labels, there)
        poison[at] = True
        return replace(self, data=Labelled(records, labels), poison=poison)

    def _without(self, at: Ints) -> Stored:
        left = np.ones(len(self), dtype=bool)
        left[at] = False
        if min(np.bincount(self.data.labels[left], minlength=2)) == 0:
            raise ContractViolation(
                f"He deletes {int((~left).sum())} of {len(self)} records, and one class is gone: nobody trains on that."
            )
        return self.part(left)


def _placed(values: Records, at: Ints, new: Records, there: Mask) -> Records:
    if len(new) != len(there):
        raise ContractViolation(f"A tampering of {len(there)} records names {len(new)} new values; they are as many.")
    out = values.copy()
    out[at] = new[there]
    return out
