"""What was answered before, victim by victim, however many questions there were."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vauban.records import Floats, Ints, Mask

Keys = NDArray[np.uint64]


@dataclass
class Memory:
    """A hash table with linear probing for each victim; all of them double when one is half full.

    Attributes:
        victims: how many there are.
        width: places a victim to begin with, a power of two.
    """

    victims: int
    width: int = 128
    _keys: Keys = field(init=False)
    _answers: Floats = field(init=False)
    _count: Ints = field(init=False)

    def __post_init__(self) -> None:
        """Start empty; the key 0 marks an empty place."""
        self._keys = np.zeros(self.victims * self.width, dtype=np.uint64)
        self._answers = np.full(self.victims * self.width, np.nan)
        self._count = np.zeros(self.victims, dtype=np.int64)

    def _places(self, rows: Ints, keys: Keys) -> Ints:
        """Return for each key (k,) its place, or the empty one where it would go."""
        last = self.width - 1
        place = ((keys >> np.uint64(1)).astype(np.int64) & last) + rows * self.width
        there = self._keys[place]
        lost = np.flatnonzero((there != keys) & (there != 0))
        while len(lost):
            at = place[lost]
            at = (at & ~last) | ((at + 1) & last)
            place[lost] = at
            there = self._keys[at]
            lost = lost[(there != keys[lost]) & (there != 0)]
        return place

    def recall(self, rows: Ints, keys: Keys) -> tuple[Mask, Floats, Ints]:
        """Return which of these keys (k,), all odd, are remembered for their victims, and their answers; NaN else.

        The last is each key's place, which spares `keep` the search for it.
        """
        place = self._places(rows, keys)
        return self._keys[place] == keys, self._answers[place], place

    def keep(self, rows: Ints, keys: Keys, answers: Floats, place: Ints) -> None:
        """Remember answers to keys (k,) that are new, each once a victim, at the places that `recall` just gave."""
        self._count += np.bincount(rows, minlength=self.victims)
        if 2 * self._count.max(initial=0) > self.width:
            while 2 * self._count.max(initial=0) > self.width:
                self._double()
            place = self._places(rows, keys)
        self._insert(rows, keys, answers, place)

    def _insert(self, rows: Ints, keys: Keys, answers: Floats, place: Ints) -> None:
        while len(rows):
            self._keys[place], self._answers[place] = keys, answers
            pushed = np.flatnonzero(self._keys[place] != keys)  # two of one victim wanted the same place
            rows, keys, answers = rows[pushed], keys[pushed], answers[pushed]
            place = self._places(rows, keys)

    def _double(self) -> None:
        taken = np.flatnonzero(self._keys)
        rows, keys, answers = taken // self.width, self._keys[taken], self._answers[taken]
        self.width *= 2
        self._keys = np.zeros(self.victims * self.width, dtype=np.uint64)
        self._answers = np.full(self.victims * self.width, np.nan)
        self._insert(rows, keys, answers, self._places(rows, keys))
