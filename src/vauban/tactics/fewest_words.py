"""Fewer words: how many of an order of words are needed, and which of a set are not."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Ints
from vauban.tactics.additions import Additions
from vauban.tactics.wording import NONE


def fewest(state: Additions, order: Ints) -> Generator[Ask, Outcome, None]:
    """Find how many words off the front of each victim's order (v, w) reach the goal: doubling, then bisection."""
    low = np.zeros(len(order), dtype=np.int64)
    high = np.minimum(state.longest(order), np.where(state.size > 0, state.size - 1, order.shape[1])) + 1
    reached_any = np.zeros(len(order), dtype=bool)
    while True:
        going = np.flatnonzero(state.live & (high - low > 1))
        if not len(going):
            return
        double = np.minimum(np.maximum(2 * low, 1), high - 1)
        n = np.where(reached_any, (low + high) // 2, double)[going]
        sets = np.where(np.arange(int(n.max())) < n[:, None], order[going, : int(n.max())], NONE)
        reached, _ = yield from state.ask(going, sets)
        reached_any[going] |= reached
        high[going[reached]] = n[reached]
        low[going[~reached]] = n[~reached]


def drop(state: Additions) -> Generator[Ask, Outcome, None]:
    """Leave out each word in turn, then those together that were not needed alone, as long as that helps."""
    while True:
        before, best = state.price.copy(), state.best
        rows, column = np.nonzero((best != NONE) & (state.live & (state.size > 1))[:, None])
        if not len(rows):
            return
        sets = best[rows]
        sets[np.arange(len(rows)), column] = NONE
        reached, _ = yield from state.ask(rows, sets)
        idle = np.zeros(best.shape, dtype=bool)
        idle[rows[reached], column[reached]] = True
        rank, many = idle.cumsum(axis=1), idle.sum(axis=1)
        share = many.copy()
        while (share > 1).any():
            some = np.flatnonzero(share > 1)
            fewer = np.where(idle[some] & (rank[some] <= share[some, None]), NONE, best[some])
            reached, _ = yield from state.ask(some, fewer)
            share = share // 2
            share[some[reached]] = 0
        if not (state.price < before).any():
            return
