"""One random stream a victim, drawn for many victims at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import Cohort
from vauban.records import Floats, Ints

_WEYL = np.uint64(0x9E3779B97F4A7C15)
_ONE, _TWO = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass
class Streams:
    """Streams of uniform numbers keyed by each victim's own generator: no victim's depends on the others'.

    Counter-based (the SplitMix64 finaliser of Steele, Lea and Flood, OOPSLA 2014, over a Weyl sequence), since a
    generator a victim would cost a call a victim and round.

    Attributes:
        keys: (n,) where each stream starts.
        drawn: (n,) words drawn from each so far.
    """

    keys: NDArray[np.uint64]
    drawn: NDArray[np.uint64]

    @staticmethod
    def of(cohort: Cohort) -> Streams:
        """Return the streams of a cohort's victims, from their start."""
        keys = [cohort.rng(i).integers(0, 2**63, dtype=np.uint64) for i in range(len(cohort))]
        return Streams(np.array(keys, dtype=np.uint64), np.zeros(len(cohort), dtype=np.uint64))

    def uniform(self, victims: Ints, count: int) -> Floats:
        """Draw ``count`` numbers from [0, 1), on a grid of 2^-32, for each of these victims, each once: (n, count)."""
        words = (count + 1) // 2
        at = self.drawn[victims][:, None] + np.arange(1, words + 1, dtype=np.uint64)
        bits: NDArray[np.uint64] = np.asarray(self.keys[victims][:, None] + at * _WEYL, dtype=np.uint64)
        self.drawn[victims] += np.uint64(words)
        bits ^= bits >> np.uint64(30)
        bits *= _ONE
        bits ^= bits >> np.uint64(27)
        bits *= _TWO
        bits ^= bits >> np.uint64(31)
        return np.asarray(bits.astype("<u8", copy=False).view("<u4")[:, :count] * 2.0**-32)
