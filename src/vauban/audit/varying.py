"""Models that answer differently each time: recognise them, and confirm what was found by asking again.

One answer of such a model is luck. The cheapest records that were seen to flip are a shortlist; each is asked about
afresh, and counts if it flips more often than not beyond doubt. These questions are the audit's own, apart from those
of the attacker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import SCORE, Answers
from vauban.metrics.intervals import wilson
from vauban.records import Floats, Ints, Mask, Records, fingerprints, frozen
from vauban.system import System

SHORTLIST = 5
"""Candidates a victim that are kept, the cheapest."""
AFRESH = 20
"""Fresh questions about each candidate that is confirmed or not."""
SAMPLE, REPEATS = 300, 3
"""Records that are asked about so many times to recognise such a model."""


def varies(system: System) -> bool:
    """Return whether the model answers a sample of records differently when asked again, or says so of itself."""
    target = system.target
    if not target.deterministic:
        return True
    sample = frozen(target.schema.encode(system.parts.victims.frame.iloc[:SAMPLE]))
    first, *others = (target.answer(sample, target.grants & SCORE) for _ in range(REPEATS))
    return any(_differ(first, other) for other in others)


def _differ(one: Answers, other: Answers) -> bool:
    if one.scores is None or other.scores is None:
        return bool((one.decisions != other.decisions).any())
    return bool((one.scores != other.scores).any())


def least(n: int) -> int:
    """Return how many of n fresh answers must agree so that the 95 % Wilson interval lies above one half."""
    return next(k for k in range(n + 1) if k == n or wilson(k, n).low > 0.5)


@dataclass(frozen=True)
class Confirmed:
    """What asking afresh said of victims (n,): which candidate holds (-1: none), how often it flipped, questions."""

    rank: Ints
    share: Floats
    asked: Ints


class Shortlist:
    """The cheapest different candidates of each victim (N, k), in order of cost."""

    def __init__(self, victims: Records, size: int = SHORTLIST) -> None:
        shape = (len(victims), size)
        self.cost = np.full(shape, np.inf)
        self.at = np.zeros(shape, dtype=np.int64)
        self.records = np.repeat(victims[:, None], size, axis=1)
        self._keys = np.zeros(shape, dtype=np.uint64)

    def add(self, whose: Ints, records: Records, cost: Floats, ordinal: Ints) -> None:
        """Take in candidates (n, ...): of the same record of a victim, the first is kept."""
        if not len(whose):
            return
        size = self.cost.shape[1]
        old = np.unique(whose)
        owner = np.concatenate([np.repeat(old, size), whose])
        every = np.concatenate([self.records[old].reshape(-1, *records.shape[1:]), records])
        costs = np.concatenate([self.cost[old].ravel(), cost])
        at = np.concatenate([self.at[old].ravel(), ordinal])
        keys = np.concatenate([self._keys[old].ravel(), fingerprints(records)])
        order = np.lexsort((at, keys, owner))
        new = np.r_[True, (owner[order][1:] != owner[order][:-1]) | (keys[order][1:] != keys[order][:-1])]
        order = order[new & np.isfinite(costs[order])]
        order = order[np.lexsort((at[order], costs[order], owner[order]))]
        starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
        order, rank = order[rank < size], rank[rank < size]
        self.cost[old] = np.inf
        who = owner[order]
        self.cost[who, rank], self.at[who, rank] = costs[order], at[order]
        self.records[who, rank], self._keys[who, rank] = every[order], keys[order]

    def confirm(self, flips: Callable[[Records, Ints], Mask]) -> Confirmed:
        """Ask afresh about candidates, the cheapest first, until one of each victim holds.

        Args:
            flips: says of records (n, ...), asked about on so many occasions (n,), which flip.
        """
        n, size = self.cost.shape
        rank, share, asked = np.full(n, -1), np.full(n, np.nan), np.zeros(n, dtype=np.int64)
        enough = least(AFRESH)
        for at in range(size):
            open_ = np.flatnonzero((rank < 0) & np.isfinite(self.cost[:, at]))
            if not len(open_):
                break
            rows = np.repeat(open_, AFRESH)
            turn = np.tile(np.arange(AFRESH), len(open_)) + at * AFRESH
            told = flips(self.records[rows, at], (rows << 32) | turn).reshape(len(open_), AFRESH).sum(axis=1)
            asked[open_] += AFRESH
            held = told >= enough
            rank[open_[held]], share[open_[held]] = at, told[held] / AFRESH
        return Confirmed(rank, share, asked)


def occasional(keys: NDArray[np.uint64], occasion: Ints) -> NDArray[np.uint64]:
    """Return keys of records asked about on an occasion (n,) each: another one is another question."""
    odd = np.uint64(0x9E3779B97F4A7C15)
    mixed = (keys ^ (occasion.astype(np.uint64) * odd)) * odd
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
