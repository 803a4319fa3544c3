"""A simulated reviewer: how long he looks in a round, how often he errs, and what he remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from vauban.contracts import Batch, Labelled
from vauban.errors import BudgetSpent
from vauban.records import Ints, Mask
from vauban.tactics.stored import Stored


class Reviewers(NamedTuple):
    """Who reviews for gates that ask a person.

    Attributes:
        looks: records that he looks at in a round without finding anything. What he calls poison earns him another
            look: nobody goes home while nearly all that he is shown is planted.
        sensitivity: share of the attacker's records that he recognises.
        specificity: share of the others that he leaves alone.
    """

    looks: int = 20
    sensitivity: float = 1.0
    specificity: float = 1.0


@dataclass
class Desk:
    """A reviewer at work, round by round, with ``first`` records stored before.

    He errs on a record, and not on a question: asked twice he says the same. What he takes for poison is what an
    attacker sent or altered, and nothing else: a record with a wrong label that nobody planted is an honest mistake.
    """

    who: Reviewers
    seed: tuple[int, ...]
    first: int
    looked: int = 0
    found: int = 0
    _said: dict[int, bool] = field(default_factory=dict)
    _poison: list[Labelled] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Number what is stored at first."""
        self._arrival, self._seen = np.arange(self.first), self.first

    def open(self, batch: Batch, his: Mask, store: Stored) -> None:
        """Begin a round.

        Args:
            batch: what was collected (n).
            his: (n,) which of it the attacker sent.
            store: what is stored before the batch.
        """
        self.looked, self.found, self._batch, self._store = 0, 0, batch, store
        # What arrives is numbered before anybody says whether it is stored: by that he knows it again.
        self._fresh = np.arange(self._seen, self._seen + len(his))
        self._seen += len(his)
        self._numbers = np.concatenate([self._arrival[store.ids], self._fresh])
        chance = np.random.default_rng(self.seed).uniform(size=self._seen)[self._numbers]
        truth = np.concatenate([store.poison, his])
        self._truth = np.where(truth, chance < self.who.sensitivity, chance >= self.who.specificity)
        self._before = self._poison[0].take(np.arange(0)) if self._poison else batch.data.take(np.arange(0))
        for data in self._poison:
            self._before = self._before.plus(data)

    def close(self, kept: Mask) -> None:
        """End a round: what was kept of the batch (n,) is stored under the next ids."""
        self._arrival = np.concatenate([self._arrival, self._fresh[kept]])

    def seat(self, rows: Ints) -> _Seat:
        """Return him for a gate that sees only these rows of the batch."""
        return _Seat(self, rows)

    def says(self, row: int) -> bool:
        """Return what he says of a record (stored ones first, then the batch); BudgetSpent when his time is over."""
        number = int(self._numbers[row])
        if number not in self._said:
            if self.looked - self.found >= self.who.looks:
                raise BudgetSpent("The reviewer has no time left in this round.")
            self.looked += 1
            self._said[number] = bool(self._truth[row])
            self.found += self._said[number]
            if self._said[number]:
                stored = len(self._store.ids)
                data, at = (self._store.data, row) if row < stored else (self._batch.data, row - stored)
                self._poison.append(data.take(np.array([at])))
        return self._said[number]

    def called(self) -> Labelled:
        """Return what he called poison in earlier rounds."""
        return self._before

    def cleared(self) -> Mask:
        """Return which of the stored records he found honest in earlier rounds (m,)."""
        honest = [number for number, poison in self._said.items() if not poison]
        return np.isin(self._arrival[self._store.ids], honest)

    @property
    def stored(self) -> int:
        """How many records are stored before the batch."""
        return len(self._store.ids)


@dataclass(frozen=True)
class _Seat:
    desk: Desk
    rows: Ints

    def look(self, row: int, *, stored: bool = False) -> bool:
        """Return what he says of a row of the batch that the gate sees, or of a stored one."""
        return self.desk.says(row if stored else self.desk.stored + int(self.rows[row]))

    def called(self) -> Labelled:
        """Return what he called poison in earlier rounds."""
        return self.desk.called()

    def cleared(self) -> Mask:
        """Return which of the stored records he found honest in earlier rounds."""
        return self.desk.cleared()
