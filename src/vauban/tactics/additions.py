"""Adding words to a cohort's messages: what may still be asked, what was, and the cheapest addition that worked."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import LABEL, SCORE, Ask, Brief, Cohort, Outcome
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import FORBIDDEN, TextSchema
from vauban.tactics.wording import NONE, WordList
from vauban.threat import Grant


def with_words(texts: Records, words: WordList, sets: Ints) -> Records:
    """Return messages (n,) with a set of words (n, k) behind each."""
    return np.asarray(texts + words.added(sets), dtype=object)


class Additions:
    """A cohort's state while words are added: sets asked about, the best of each victim, who can still be asked.

    Attributes:
        best: (v, k) cheapest set of words that reached the goal for each victim, padded with `NONE`.
        price: (v,) what it costs; infinite where none has.
        live: (v,) who can still be asked about.
        room: (v,) characters that can be added to each message.
    """

    def __init__(self, cohort: Cohort, words: WordList, schema: TextSchema, brief: Brief) -> None:
        n = len(cohort)
        self.cohort, self.words, self.brief, self.schema = cohort, words, brief, schema
        self.best = np.full((n, 0), NONE, dtype=np.int64)
        self.price = np.full(n, np.inf)
        self.room = schema.room(cohort.records)
        self.live = np.full(n, schema.added < FORBIDDEN and schema.character < FORBIDDEN and len(words) > 0)
        self._want = SCORE if Grant.SCORE in brief.grants else LABEL
        self._asked = np.empty(0, dtype=np.uint64)

    @property
    def size(self) -> Ints:
        """Words in each victim's best set (v,); 0 where none has worked."""
        return np.asarray((self.best != NONE).sum(axis=1), dtype=np.int64)

    def fits(self, victims: Ints, sets: Ints) -> Mask:
        """Return which sets (r, k) these victims (r,) may add: room, the budget's cost, cheaper than their best."""
        price = self.words.price(sets, self.schema)
        most = np.inf if self.brief.budget.cost is None else self.brief.budget.cost
        fits = (price <= most) & (price < self.price[victims]) & (price < FORBIDDEN)
        return np.asarray(fits & (self.words.room(sets) <= self.room[victims]) & self.live[victims])

    def longest(self, order: Ints) -> Ints:
        """Return how many words off the front of each victim's order (v, w) fit together (v,)."""
        fit = self.words.lengths[order].cumsum(axis=1) <= self.room[:, None]
        most = np.inf if self.brief.budget.cost is None else self.brief.budget.cost
        each = self.words.counts[order].cumsum(axis=1) * self.schema.added
        if self.schema.character:
            each = each + self.words.lengths[order].cumsum(axis=1) * self.schema.character
        return np.asarray((fit & (each <= most)).sum(axis=1), dtype=np.int64)

    def ask(self, victims: Ints, sets: Ints) -> Generator[Ask, Outcome, tuple[Mask, Floats]]:
        """Ask about sets of words (r, k) for victims (r,): those that can help and have not been asked.

        Returns:
            (r,) where the goal was reached, and (r,) the progress; NaN where it was not asked, not answered, or where
            scores are not granted.
        """
        reached, progress = np.zeros(len(victims), dtype=bool), np.full(len(victims), np.nan)
        rows = np.flatnonzero(self.fits(victims, sets))
        rows = rows[self._new(victims[rows], sets[rows])]
        if not len(rows):
            return reached, progress
        who, what = victims[rows], sets[rows]
        outcome = yield Ask(with_words(self.cohort.records[who], self.words, what), self.cohort.ids[who], self._want)
        reached[rows] = self.brief.reached(outcome.decisions)
        if outcome.scores is not None:
            progress[rows[outcome.answered]] = self.brief.progress(outcome.scores[outcome.answered])
        self.live[who[~outcome.answered]] = False
        self.live &= outcome.remaining[self.cohort.ids] > 0
        self._keep(victims[reached], sets[reached])
        return reached, progress

    def _new(self, victims: Ints, sets: Ints) -> Ints:
        """Return the rows that were not asked before, in order, and remember them."""
        keys = self.words.keys(sets) ^ _scrambled(victims)
        at = np.searchsorted(self._asked, keys)
        old = np.zeros(len(keys), dtype=bool)
        inside = at < len(self._asked)
        old[inside] = self._asked[at[inside]] == keys[inside]
        rows = np.flatnonzero(~old)
        unique, first = np.unique(keys[rows], return_index=True)
        self._asked = np.insert(self._asked, np.searchsorted(self._asked, unique), unique)
        return np.asarray(rows[np.sort(first)], dtype=np.int64)

    def _keep(self, victims: Ints, sets: Ints) -> None:
        """Remember each victim's cheapest set among these, which have all reached the goal."""
        if not len(victims):
            return
        price = self.words.price(sets, self.schema)
        order = np.lexsort((np.arange(len(victims)), price, victims))
        first = order[np.flatnonzero(np.r_[True, np.diff(victims[order]) != 0])]
        first = first[price[first] < self.price[victims[first]]]
        wider = max(self.best.shape[1], sets.shape[1])
        best = np.full((len(self.best), wider), NONE, dtype=np.int64)
        best[:, : self.best.shape[1]] = self.best
        best[victims[first]] = NONE
        best[victims[first], : sets.shape[1]] = sets[first]
        self.best = packed(best)
        self.price[victims[first]] = price[first]


def packed(sets: Ints) -> Ints:
    """Return sets (n, k) with each row's words at its front, in order, and no column that nobody needs."""
    order = np.argsort(sets == NONE, axis=1, kind="stable")
    tight = np.take_along_axis(sets, order, axis=1)
    return tight[:, : int((tight != NONE).sum(axis=1).max(initial=0))]


def _scrambled(victims: Ints) -> NDArray[np.uint64]:
    mixed = (victims.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
