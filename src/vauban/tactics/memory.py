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
        self._keys = np.zeros((self.victims, self.width), dtype=np.uint64)
        self._answers = np.full((self.victims, self.width), np.nan)
        self._count = np.zeros(self.victims, dtype=np.int64)

    def _places(self, rows: Ints, keys: Keys) -> Ints:
        """Return for each key (k,) its place, or the empty one where it would go."""
        place = (keys >> np.uint64(1)).astype(np.int64) & (self.width - 1)
        there = self._keys[rows, place]
        lost = np.flatnonzero((there != keys) & (there != 0))
        while len(lost):
            place[lost] = (place[lost] + 1) & (self.width - 1)
            there = self._keys[rows[lost], place[lost]]
            lost = lost[(there != keys[lost]) & (there != 0)]
        return place

    def recall(self, rows: Ints, keys: Keys) -> tuple[Mask, Floats]:
        """Return which of these keys (k,), all odd, are remembered for their victims, and their answers; NaN else."""
        place = self._places(rows, keys)
        known = self._keys[rows, place] == keys
        return known, self._answers[rows, place]

    def keep(self, rows: Ints, keys: Keys, answers: Floats) -> None:
        """Remember answers to keys (k,) that are new, each once a victim."""
        self._count += np.bincount(rows, minlength=self.victims)
        while 2 * self._count.max(initial=0) > self.width:
            self._double()
        self._insert(rows, keys, answers)

    def _insert(self, rows: Ints, keys: Keys, answers: Floats) -> None:
        while len(rows):
            place = self._places(rows, keys)
            self._keys[rows, place] = keys
            self._answers[rows, place] = answers
            pushed = np.flatnonzero(self._keys[rows, place] != keys)  # two of one victim wanted the same place
            rows, keys, answers = rows[pushed], keys[pushed], answers[pushed]

    def _double(self) -> None:
        rows, place = np.nonzero(self._keys)
        keys, answers = self._keys[rows, place], self._answers[rows, place]
        self.width *= 2
        self._keys = np.zeros((self.victims, self.width), dtype=np.uint64)
        self._answers = np.full((self.victims, self.width), np.nan)
        self._insert(rows, keys, answers)
