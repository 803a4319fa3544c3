"""Which stored records mislead a model of one's own the most when they are flipped or deleted.

First-order influence on a logistic regression (Koh and Liang, "Understanding black-box predictions via influence
functions", ICML 2017, section 2.1), estimated again after every batch of changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from vauban.records import Floats, Ints, Mask
from vauban.tactics.logistic import fit, pull, rising

PENALTY = 1e-3
"""Of the attacker's own model."""
BATCHES = 12
"""Times that the influence is estimated again."""
SHARPNESS = (0.0, 1.0, 4.0)
"""Losses that are raised: 0 is the log-loss; others are sigmoids of so many margins, the error in the limit. A few
records that are very wrong raise the log-loss, all of them a little a flat sigmoid: neither need turn decisions."""


@dataclass(frozen=True)
class Lesson:
    """What his own model is trained on, and what it is to get wrong.

    Attributes:
        x: stored records (n, p), see `vauban.tactics.logistic.Columns`.
        y: (n,) labels as they are stored now.
        truth: (n,) labels as they came.
        hurt: (n,) records that are to be decided otherwise.
        may: (n,) records that may be changed.
    """

    x: Floats
    y: Floats
    truth: Floats
    hurt: Mask
    may: Mask

    def fitted(self, y: Floats, left: Mask | None = None) -> Floats:
        """Return the weights (p,) learnt from labels y (n,), of the records that are left (n,)."""
        return fit(self.x, y, PENALTY) if left is None else fit(self.x[left], y[left], PENALTY)


Wrong = Callable[[Lesson, Floats], float]
"""Says how wrong weights (p,) get a lesson: what an attacker believes that the owner's model will suffer."""


def at_half(lesson: Lesson, w: Floats) -> float:
    """Return the share of what is to be hurt that is decided otherwise, by a model that blocks at a half."""
    return at_cut(lesson, w, 0.0)


def at_cut(lesson: Lesson, w: Floats, cut: float) -> float:
    """Return the same, by a model that blocks above a margin."""
    return _otherwise(lesson, lesson.x @ w, cut)


def at_share(lesson: Lesson, w: Floats, share: float) -> float:
    """Return the same, by a model that blocks this share of all records whatever it has learnt."""
    margin = lesson.x @ w
    return _otherwise(lesson, margin, float(np.quantile(margin, 1 - share)))


def _otherwise(lesson: Lesson, margin: Floats, limit: float) -> float:
    wrong = (margin > limit) != (lesson.truth > 0)
    return float(wrong[lesson.hurt].mean()) if lesson.hurt.any() else 0.0


def flips(lesson: Lesson, count: int, wrong: Wrong) -> Ints:
    """Return positions of at most ``count`` labels to flip: the best of several ways on his own model."""
    w, everything = lesson.fitted(lesson.y), np.ones(len(lesson.y), dtype=bool)
    ways = [_surest(lesson, count, w), *(_greedy(lesson, count, lesson.hurt, sharp, w) for sharp in SHARPNESS)]
    ways.append(_greedy(lesson, count, everything, 0.0, w))

    def reached(chosen: Ints) -> float:
        y = lesson.y.copy()
        y[chosen] = 1 - y[chosen]
        return wrong(lesson, lesson.fitted(y))

    return np.sort(max(ways, key=reached))


def deletions(lesson: Lesson, count: int, wrong: Wrong) -> Ints:
    """Return positions of at most ``count`` records to delete: the best of several ways on his own model."""
    w = lesson.fitted(lesson.y)
    ways = [_greedy(lesson, count, lesson.hurt, sharp, w, delete=True) for sharp in SHARPNESS]

    def reached(chosen: Ints) -> float:
        left = np.ones(len(lesson.y), dtype=bool)
        left[chosen] = False
        return wrong(lesson, lesson.fitted(lesson.y, left))

    return np.sort(max(ways, key=reached))


def _surest(lesson: Lesson, count: int, w: Floats) -> Ints:
    """Return those that lie farthest on the right side of his own boundary, among what is to be hurt."""
    margin = (lesson.x @ w) * (2 * lesson.y - 1)
    return _top(margin, lesson.may & lesson.hurt if (lesson.may & lesson.hurt).any() else lesson.may, count)


def _greedy(lesson: Lesson, count: int, hurt: Mask, sharp: float, w: Floats, *, delete: bool = False) -> Ints:
    """Return those whose change raises a loss of ``hurt`` most, batch after batch, starting from weights w (p,)."""
    x, y, may, left = lesson.x, lesson.y.copy(), lesson.may.copy(), np.ones(len(lesson.y), dtype=bool)
    chosen: list[Ints] = []
    for size in np.diff(np.linspace(0, count, BATCHES + 1).round().astype(int)).tolist():
        if not size or not may.any():
            continue
        if chosen:
            w = fit(x[left], y[left], PENALTY, w)
        v = pull(x[left], w, PENALTY, rising(x[hurt], lesson.truth[hurt], w, sharp))
        # By how much the gradient of a record's own loss changes, along v: it is x times what is to the left of it.
        change = expit(x @ w) - y if delete else 1 - 2 * y
        top = _top(change * (x @ v), may, size)
        may[top] = False
        if delete:
            left[top] = False
        else:
            y[top] = 1 - y[top]
        chosen.append(top)
    return np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int64)


def _top(worth: Floats, may: Mask, count: int) -> Ints:
    at = np.flatnonzero(may)
    return at[np.argsort(-worth[at], kind="stable")[:count]]
