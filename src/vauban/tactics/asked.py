"""What was asked before, victim by victim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vauban.records import Floats, Ints, Mask

_LARGEST = 1 << 17


@dataclass
class Asked:
    """A bit a record asked about, addressed by its hash: never forgets, and now and then takes a new record for an old.

    That happens to one record in sixteen at most, once a victim's questions are all used, and costs but another try.

    Attributes:
        seen: (n, size) bits of each victim.
        odd: (m,) multipliers of the hash, one a feature.
    """

    seen: NDArray[np.bool_]
    odd: NDArray[np.uint64]

    @staticmethod
    def nothing(victims: int, features: int, queries: int) -> Asked:
        """Return an empty memory for these many victims, mutable features and questions a victim."""
        size = min(_LARGEST, 1 << max(6, (16 * queries - 1).bit_length()))
        odd = np.random.default_rng(0).integers(0, 2**63, size=features, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        return Asked(np.zeros((victims, size), dtype=np.bool_), odd)

    def add(self, victims: Ints, values: Floats) -> Mask:
        """Note records, (n,) owners and (n, m) values, and return which were new: repeats within the call are not."""
        slots = self._slots(victims, values)
        first = np.zeros(len(slots), dtype=np.bool_)
        first[np.unique(slots, return_index=True)[1]] = True
        flat = self.seen.reshape(-1)
        new = first & ~flat[slots]
        flat[slots] = True
        return np.asarray(new)

    def add_some(self, victims: Ints, values: Floats, wanted: Mask, most: int) -> Ints:
        """Note each victim's first ``most`` wanted records that are new, and return their rows.

        Args:
            victims: (n,) each once.
            values: (n * k, m), k records for each victim in turn.
            wanted: (n * k,) which of them to consider.
            most: records a victim.
        """
        if not len(victims):
            return np.zeros(0, dtype=np.int64)
        new, slots = self._new(victims, values, wanted)
        new &= np.cumsum(new, axis=1) <= most
        rows = np.flatnonzero(new)
        self.seen.reshape(-1)[slots[rows]] = True
        return rows

    def new_first(self, victims: Ints, values: Floats, wanted: Mask) -> Ints:
        """Return all rows, each victim's wanted ones that are new before his others; of equal ones only the first is.

        Args:
            victims: (n,) each once.
            values: (n * k, m), k records for each victim in turn.
            wanted: (n * k,) which of them to consider.
        """
        if not len(victims):
            return np.zeros(0, dtype=np.int64)
        new, _ = self._new(victims, values, wanted)
        order = np.argsort(~new, axis=1, kind="stable")
        return np.asarray((order + np.arange(len(order))[:, None] * new.shape[1]).reshape(-1))

    def _new(self, victims: Ints, values: Floats, wanted: Mask) -> tuple[Mask, Ints]:
        """Return which wanted records are new (n, k), of equal ones the first only, and the slots of all (n * k,)."""
        slots = self._slots(np.repeat(victims, len(values) // len(victims)), values)
        new = (wanted & ~self.seen.reshape(-1)[slots]).reshape(len(victims), -1)
        grouped = np.where(new, slots.reshape(new.shape), -1)
        for back in range(1, new.shape[1]):
            new[:, back:] &= grouped[:, back:] != grouped[:, :-back]
        return new, slots

    def _slots(self, victims: Ints, values: Floats) -> Ints:
        keys = np.zeros(len(values), dtype=np.uint64)
        for j, odd in enumerate(self.odd):
            keys += (values[:, j] + 0.0).view(np.uint64) * odd
        keys ^= keys >> np.uint64(32)
        keys *= np.uint64(0x9E3779B97F4A7C15)
        size = self.seen.shape[1]
        return np.asarray((keys >> np.uint64(65 - size.bit_length())).astype(np.int64) + victims * size)
