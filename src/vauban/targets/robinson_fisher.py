"""The filter that SpamBayes and others are: word probabilities after Robinson, combined after Fisher.

G. Robinson, "A statistical approach to the spam problem" (Linux Journal 107, 2003); the constants are SpamBayes' own:
strength 0.45 of the assumed probability 0.5, at most 150 words that are at least 0.1 away from 0.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import HashingVectorizer

UNSURE, SPAM = 0.15, 0.9
"""Scores from which a message is unsure, and spam."""

_WORDS = r"(?u)\S{3,40}"


class RobinsonFisher(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A filter that learns message by message, and can unlearn.

    Args:
        strength: how many messages the assumed probability of a word counts as.
        assumed: probability of a word never seen.
        least: distance from 0.5 below which a word says nothing.
        most: words of a message that count, those furthest from 0.5.
    """

    def __init__(self, strength: float = 0.45, assumed: float = 0.5, least: float = 0.1, most: int = 150) -> None:
        self.strength = strength
        self.assumed = assumed
        self.least = least
        self.most = most

    def fit(self, texts: Iterable[str], labels: Any) -> RobinsonFisher:
        """Learn messages (n,) with labels (n,), 1 = spam, from nothing."""
        self.classes_ = np.array([0, 1])
        self.counts_ = np.zeros((2, 1 << 20))
        self.messages_ = np.zeros(2)
        return self.partial_fit(texts, labels)

    def partial_fit(self, texts: Iterable[str], labels: Any, classes: Any = None) -> RobinsonFisher:  # noqa: ARG002
        """Learn more messages (n,) with labels (n,)."""
        if not hasattr(self, "counts_"):
            return self.fit(texts, labels)
        return self._count(texts, labels, 1)

    def unlearn(self, texts: Iterable[str], labels: Any) -> RobinsonFisher:
        """Forget messages (n,) that were learnt with these labels (n,)."""
        return self._count(texts, labels, -1)

    def _count(self, texts: Iterable[str], labels: Any, sign: int) -> RobinsonFisher:
        words, labels = self._words(texts), np.asarray(labels)
        for label in (0, 1):
            rows = np.flatnonzero(labels == label)
            self.counts_[label] += sign * np.asarray(words[rows].sum(axis=0)).ravel()
            self.messages_[label] += sign * len(rows)
        return self

    def _words(self, texts: Iterable[str]) -> Any:
        # A word is the hash of it: what was never seen needs no place of its own, and learning needs no vocabulary.
        made = HashingVectorizer(token_pattern=_WORDS, n_features=1 << 20, binary=True, norm=None, alternate_sign=False)
        return made.transform(list(texts))

    def probabilities(self) -> NDArray[np.float64]:
        """Return how likely a message with each word is to be spam."""
        good, bad = self.counts_ / np.maximum(self.messages_, 1)[:, None]
        seen = self.counts_.sum(axis=0)
        with np.errstate(invalid="ignore"):
            raw = np.where(seen > 0, bad / (good + bad), self.assumed)
        mixed = (self.strength * self.assumed + seen * raw) / (self.strength + seen)
        return np.asarray(mixed)

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Return the filter's indicator (n, 2): 0 is surely good, 1 surely spam, 0.5 unsure. It is no probability."""
        words = self._words(texts).tocsr()
        n = words.shape[0]
        row = np.repeat(np.arange(n), np.diff(words.indptr))
        p = self.probabilities()[words.indices]
        strength = np.abs(p - 0.5)
        order = np.lexsort((words.indices, -strength, row))
        rank = np.arange(len(row)) - words.indptr[:-1][row[order]]
        kept = order[(rank < self.most) & (strength[order] >= self.least)]
        count = np.bincount(row[kept], minlength=n)
        spam = gammaincc(np.maximum(count, 1), -np.bincount(row[kept], np.log(p[kept]), minlength=n))
        ham = gammaincc(np.maximum(count, 1), -np.bincount(row[kept], np.log1p(-p[kept]), minlength=n))
        score = np.where(count > 0, (spam - ham + 1) / 2, 0.5)
        return np.stack([1 - score, score], axis=1)

    def predict(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """Return 1 where the indicator is above one half (n,)."""
        return (self.predict_proba(texts)[:, 1] > 0.5).astype(np.int64)
