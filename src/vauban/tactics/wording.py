"""Words that can be added to messages: where an attacker finds them, and what adding them makes of a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from vauban.records import Floats, Ints, Records, messages
from vauban.schema import TextSchema

WORD = r"[^\W_]+(?:['’][^\W_]+)*"
"""A word: letters and digits, apostrophes inside. ``home.later.ok`` is three words, and is paid for as three."""

SHORTEST, LONGEST = 2, 24
"""Characters of a word worth adding: many filters do not see one letter, and longer runs are no words."""

NONE = -1
"""Stands in a set of words where there is none, so that sets of several sizes share a matrix."""


@dataclass(frozen=True)
class WordList:
    """Words that an attacker may add, by position; a *set* of them is a row of positions, padded with `NONE`.

    An entry may be a passage of several words, and is paid for as so many.
    """

    words: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.words)

    @cached_property
    def spaced(self) -> Records:
        """Each word with a space before it (w + 1,); the last is empty: what `NONE` adds."""
        return messages([*(f" {word}" for word in self.words), ""])

    @cached_property
    def lengths(self) -> Ints:
        """Characters that each word adds, its space included (w + 1,)."""
        return np.fromiter(map(len, self.spaced), dtype=np.int64, count=len(self.spaced))

    @cached_property
    def counts(self) -> Ints:
        """Words of each entry (w + 1,); the last has none."""
        return np.fromiter((len(entry.split()) for entry in self.spaced), dtype=np.int64, count=len(self.spaced))

    @cached_property
    def _marks(self) -> NDArray[np.uint64]:
        marks = np.random.default_rng(0).integers(1, 2**63, size=len(self.spaced), dtype=np.uint64)
        marks[NONE] = 0
        return marks

    def added(self, sets: Ints) -> Records:
        """Return what each set of words (n, k) puts behind a message (n,)."""
        if not sets.size:
            return messages([""] * len(sets))
        return np.asarray(self.spaced[sets].sum(axis=1), dtype=object)

    def room(self, sets: Ints) -> Ints:
        """Return the characters that each set adds (n,)."""
        return np.asarray(self.lengths[sets].sum(axis=1), dtype=np.int64)

    def price(self, sets: Ints, schema: TextSchema) -> Floats:
        """Return what adding each set costs under the schema (n,)."""
        price = self.counts[sets].sum(axis=1) * schema.added
        if schema.character:
            price = price + self.room(sets) * schema.character
        return np.asarray(price, dtype=np.float64)

    def keys(self, sets: Ints) -> NDArray[np.uint64]:
        """Return a key of each set (n,), whatever the order of its words; a word that occurs twice counts twice."""
        return np.asarray(self._marks[sets].sum(axis=1, dtype=np.uint64))


def vocabulary(texts: Records) -> WordList:
    """Return every word of these messages, lower case, in alphabetical order."""
    counter = _counter(texts)
    return WordList(() if counter is None else tuple(counter.get_feature_names_out()))


def by_frequency_ratio(
    texts: Records, labels: NDArray[np.int8] | None, towards: int, most: int
) -> tuple[WordList, Floats]:
    """Return the words of one class, those that are most its own first, and the log of their frequency ratio.

    The ratio is of the shares of messages of each class that hold the word, one message added to each count (Lowd and
    Meek, "Good word attacks on statistical spam filters", CEAS 2005, section 4: passive attack by frequency ratio).
    Without labels, the words that most messages hold, with the log of that count.

    Args:
        texts: (m,) messages that the attacker knows.
        labels: (m,) 1 = harmful, or None.
        towards: the class whose words are wanted.
        most: how many words at most; only those with a ratio above 1.

    Returns:
        The words, and their log ratios (w,).
    """
    counter = _counter(texts)
    if counter is None:
        return WordList(()), np.empty(0)
    held = counter.transform(texts)
    names: Sequence[str] = counter.get_feature_names_out()
    if labels is None:
        ratio = np.log(_messages_with(held))
    else:
        ours = labels == towards
        own, other = _messages_with(held[ours]), _messages_with(held[~ours])
        ratio = np.log((own + 1) / (ours.sum() + 2)) - np.log((other + 1) / ((~ours).sum() + 2))
    order = np.argsort(-ratio, kind="stable")
    order = order[ratio[order] > 0][:most]
    return WordList(tuple(str(names[j]) for j in order)), ratio[order]


def _messages_with(held: Any) -> Floats:
    return np.asarray(held.sum(axis=0), dtype=np.float64).ravel()


def _counter(texts: Records) -> CountVectorizer | None:
    """Return a counter of words in messages, fitted; None if there is no word in them."""
    counter = CountVectorizer(binary=True, token_pattern=WORD, dtype=np.int32)
    analyse = counter.build_analyzer()
    words = {word for text in texts for word in analyse(text) if SHORTEST <= len(word) <= LONGEST}
    return counter.set_params(vocabulary=sorted(words)) if words else None
