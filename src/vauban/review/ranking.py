"""In which order a person looks: queues kept apart by reason, taken from by what the verdicts so far say of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, diags

from vauban.records import Floats, Ints, Mask

RANDOM, ALIKE, ALL, AGREED, FAMILY = "random", "alike", "all-reasons", "labels", "family"
"""Queues that no detector fills: drawn by lot; most like what was found so far; what all reasons say together; what
all who judge labels agree on; the other members of the family in which something was found."""
JUDGES = ("label", "label-by-source", "label-by-batch", "approved", "trusted", "neighbours")
"""Detectors whose score is how far a record's label is from what somebody expects, from 0 to 1. Where labels are turned
at random their mean is right more often than each of them."""
UNIFORM = 0.05
"""Share of what is looked at that is drawn by lot: it says how much is left (zero hits in n: below 3 / n)."""
PRIOR, WEIGHT = (0.5, 1.0), 3.0
"""Hits and misses that every queue starts with; and how many verdicts its own probabilities are worth."""
DEPTH = 60
"""Records at the head of a queue whose probabilities say what it promises."""
DISCOUNT = 0.99
"""How much an old verdict counts for, a verdict later: what a queue had to offer comes to an end."""
NEAR = 12
"""A verdict counts for every queue in which the record was among the next so many."""
MOST_KIN = 300
"""Records of a family beyond which a verdict on one says nothing of the others."""
LARGE = 6
"""Records of a family from which on it takes two honest ones for the others to come last."""
ENOUGH = 4
"""Verdicts of each kind from which on records like the found ones have a queue of their own."""


class Look(NamedTuple):
    """A record to look at (its row), and the queue that it is taken from."""

    row: int
    reason: str


@dataclass
class Ranking:
    """An order that learns: Thompson sampling over queues (Thompson 1933; Russo et al. 2018, section 3).

    What comes next depends on the signals, the seed and the verdicts in their order, and on nothing else.

    Attributes:
        scores: by reason, (n,) higher is more suspicious, -inf where it has no opinion.
        chances: by reason, (n,) p-values: what a queue promises before anybody looked.
        near: (n, f) rows of unit length by which records are alike; None: there is no such queue.
        family: (n,) of which family each is; None: every record is by itself. Once a member is found to be poison, the
            others follow at once; once one is honest (two, of a large family), they come last.
        seed: of the lots.
    """

    scores: Mapping[str, Floats]
    chances: Mapping[str, Floats] | None = None
    near: csr_matrix | None = None
    family: Ints | None = None
    seed: int = 0
    _orders: dict[str, Ints] = field(init=False)
    _at: dict[str, int] = field(init=False)
    _hits: dict[str, list[float]] = field(init=False)
    _seen: Mask = field(init=False)
    _poison: list[int] = field(init=False, default_factory=list)
    _honest: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Sort every queue."""
        n = len(next(iter(self.scores.values()), () if self.family is None else self.family))
        self._orders = {}
        scores = dict(self.scores)
        if len(scores) > 1:
            scores[ALL] = together(list(scores.values()))
        judged = [score for name, score in self.scores.items() if name in JUDGES]
        if len(judged) > 1:
            scores[AGREED] = np.mean(judged, axis=0)
        for name, score in scores.items():
            rows = np.argsort(-score, kind="stable")
            self._orders[name] = rows[np.isfinite(score[rows])]
        self._orders[RANDOM] = np.random.default_rng((self.seed, 4)).permutation(n)
        self._at = dict.fromkeys(self._orders, 0)
        self._hits = {name: self._promise(name) for name in self._orders if name != RANDOM}
        self._seen = np.zeros(n, dtype=bool)
        self._rests = np.zeros(n, dtype=bool)
        self._told: dict[int, list[int]] = {}
        self._follow: list[int] = []

    def _promise(self, name: str) -> list[float]:
        """Return the hits and misses that a queue's own probabilities stand for: false discoveries at its head."""
        if self.chances is None or name not in self.chances or not len(self._orders[name]):
            return [0.0, 0.0]
        p = self.chances[name]
        head = self._orders[name][:DEPTH]
        limit = float(np.median(p[head]))
        rate = min(len(p) * limit / max(int((p <= limit).sum()), 1), 1.0)
        return [WEIGHT * (1 - rate), WEIGHT * rate]

    def next(self) -> Look | None:
        """Return what to look at now; None when everything was looked at."""
        if self._seen.all():
            return None
        while self._follow:
            row = self._follow.pop(0)
            if not self._seen[row] and not self._rests[row]:
                return Look(row, FAMILY)
        rng = np.random.default_rng((self.seed, 5, int(self._seen.sum())))  # the same whoever asks, and when
        if rng.uniform() < UNIFORM:
            return Look(self._top(RANDOM, 1)[0], RANDOM)
        best, found = -1.0, RANDOM
        for name, (hits, misses) in self._hits.items():
            drawn = float(rng.beta(PRIOR[0] + hits, PRIOR[1] + misses))
            if drawn > best and len(self._top(name, 1)):
                best, found = drawn, name
        if not len(self._top(found, 1)):  # all that is left is what rests
            self._rests[:] = False
            self._at = dict.fromkeys(self._orders, 0)
        return Look(self._top(found, 1)[0], found)

    def pass_over(self, row: int) -> None:
        """Go on without a verdict on a record."""
        self._seen[row] = True

    def tell(self, row: int, reason: str, poison: bool) -> None:
        """Take a verdict in: that of the queue that it came from, and of every queue in which it was about to come."""
        # An honest record that was drawn by lot, or out of a family, says nothing of what a queue has next.
        if reason not in (RANDOM, FAMILY) or poison:
            for name, counts in self._hits.items():
                if name == reason or row in self._top(name, NEAR):
                    counts[0] = counts[0] * DISCOUNT + poison
                    counts[1] = counts[1] * DISCOUNT + (not poison)
        self._seen[row] = True
        self._tell_kin(row, reason, poison)
        (self._poison if poison else self._honest).append(row)
        told = len(self._poison) + len(self._honest)
        ready = self.near is not None and min(len(self._poison), len(self._honest)) >= ENOUGH
        if ready and (told % 5 == 0 or ALIKE not in self._orders):
            self._orders[ALIKE] = np.argsort(-self._alike(), kind="stable")
            self._at[ALIKE] = 0
            self._hits.setdefault(ALIKE, [0.0, 0.0])

    def _tell_kin(self, row: int, reason: str, poison: bool) -> None:
        if self.family is None:
            return
        whole = self.family == self.family[row]
        kin = np.flatnonzero(whole & ~self._seen)
        if len(kin) > MOST_KIN:  # no campaign, but a chain of what is a little alike
            return
        told = self._told.setdefault(int(self.family[row]), [0, 0])
        told[poison] += 1
        honest, bad = told
        # Who looks may err, and copies may be made of an honest record: a large family needs two words more.
        self._rests[kin] = honest - bad >= (2 if int(whole.sum()) >= LARGE else 1)
        if poison and reason != FAMILY:
            self._follow = [*kin.tolist(), *self._follow]

    def _top(self, name: str, most: int) -> list[int]:
        order, at = self._orders[name], self._at[name]
        while at < len(order) and (self._seen[order[at]] or self._rests[order[at]]):
            at += 1
        self._at[name] = at
        found: list[int] = []
        while at < len(order) and len(found) < most:
            if not self._seen[order[at]] and not self._rests[order[at]]:
                found.append(int(order[at]))
            at += 1
        return found

    def _alike(self) -> Floats:
        """Return how much more each record is like those found than like the honest ones that were looked at (n,)."""
        from sklearn.linear_model import LogisticRegression

        assert self.near is not None  # noqa: S101 - callers look first
        rows = np.array(self._poison + self._honest)
        truth = np.arange(len(rows)) < len(self._poison)
        # Not fitted closely: whoever looks may err, and a few wrong words would else lead far away.
        model = LogisticRegression(C=1.0, solver="liblinear", random_state=0, class_weight="balanced")
        model.fit(self.near[rows], truth)
        return np.asarray(self.near @ model.coef_.ravel())


def together(scores: Sequence[Floats]) -> Floats:
    """Return what all reasons say together (n,): Fisher's sum of the logarithms of ranks, where there is an opinion."""
    total = np.zeros(len(scores[0]))
    for score in scores:
        known = np.flatnonzero(np.isfinite(score))
        rank = np.argsort(np.argsort(-score[known], kind="stable"), kind="stable")
        total[known] -= np.log((rank + 1) / (len(known) + 1))
    return total


def told_apart(near: csr_matrix, signals: Sequence[Floats]) -> csr_matrix:
    """Return rows by which records are alike: their traits, and how suspicious each reason finds them (as ranks)."""
    from scipy.sparse import hstack

    columns = []
    for score in signals:
        rank = np.empty(len(score))
        rank[np.argsort(score, kind="stable")] = np.arange(len(score)) / max(len(score), 1)
        columns.append(np.where(np.isfinite(score), rank, 0.0))
    length = np.sqrt(np.asarray(near.multiply(near).sum(axis=1)).ravel())
    unit = diags(1 / np.maximum(length, 1e-12)) @ near
    if not columns:
        return unit.tocsr()
    return hstack([unit, csr_matrix(np.stack(columns, axis=1))], format="csr")
