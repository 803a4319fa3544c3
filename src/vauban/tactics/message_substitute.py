"""A model of the model, for messages: a sum over words, fitted on an attacker's labels and on the answers he got.

What labels teach is one more column of what answers teach (see `table_substitute`), so that answers outweigh it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from vauban.contracts import Decisions
from vauban.records import Floats, Ints, Mask, Records
from vauban.tactics.choice import FEWEST, best, losses, nearness
from vauban.tactics.evidence import Answered
from vauban.threat import Decision

MOST_WORDS = 20_000
WORD = r"\w+"
_WORD = re.compile(WORD)
REMEMBERED = 20_000
"""Messages whose words are kept in memory."""
HEEDED = 10.0
"""Scale of the column of what labels teach: the larger, the less its weight is shrunk, unlike those of the words."""


@dataclass(frozen=True)
class Words:
    """The words that an attacker knows, and messages as columns of them.

    Attributes:
        listed: the words, sorted.
        rarity: (w,) inverse document frequency of each among his messages.
        usual: mean number of different words in his messages.
    """

    listed: tuple[str, ...]
    rarity: Floats
    usual: float

    @staticmethod
    def of(records: Records) -> Words:
        """Return the words of messages, those in most messages first if there are too many."""
        counter = CountVectorizer(token_pattern=WORD, binary=True, max_features=MOST_WORDS, dtype=np.float64)
        try:
            counts = counter.fit_transform(records)
        except ValueError:  # no message holds a word
            return Words((), np.empty(0), 1.0)
        held = np.asarray(counts.sum(axis=0)).ravel()
        rarity = np.log((1 + len(records)) / (1 + held)) + 1
        return Words(tuple(counter.get_feature_names_out()), rarity, max(float(held.sum()) / len(records), 1.0))

    @cached_property
    def _at(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.listed)}

    @cached_property
    def _read(self) -> dict[str, list[int]]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    def _held(self, text: str) -> list[int]:
        """Return the positions of the words that a message holds; messages are read over and over, so remembered."""
        held = self._read.get(text)
        if held is None:
            held = sorted({self._at[w] for w in set(_WORD.findall(text.lower())) if w in self._at})
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            self._read[text] = held
        return held

    def present(self, records: Records) -> sparse.csr_matrix:
        """Return which of the words (n, w) each message holds, 0 or 1."""
        held = [self._held(text) for text in records]
        ends = np.cumsum([0, *map(len, held)])
        at = np.fromiter(chain.from_iterable(held), dtype=np.int64, count=int(ends[-1]))
        return sparse.csr_matrix((np.ones(len(at)), at, ends), shape=(len(held), len(self.listed)))

    def columns(self, records: Records, *, normal: bool) -> sparse.csr_matrix:
        """Return columns (n, w): presence, in units of a usual message; or rarities, of length 1 a message."""
        present = self.present(records)
        if not normal:
            return present / np.sqrt(self.usual)
        weighted = present @ sparse.diags(self.rarity)
        length = np.sqrt(present @ self.rarity**2)
        return sparse.csr_matrix(sparse.diags(1 / np.where(length > 0, length, 1.0)) @ weighted)


@dataclass(frozen=True)
class Recipe:
    """How a substitute is made: what labels teach as it is, or a sum over words that heeds it, or does not."""

    answers: bool = True
    normal: bool = False
    strength: float = 1.0
    heeds: bool = True


RECIPES = (
    Recipe(answers=False),
    Recipe(normal=True, strength=1.0),
    Recipe(normal=False, strength=1.0),
    Recipe(normal=True, strength=100.0),
    Recipe(normal=False, strength=100.0),
    Recipe(normal=True, strength=100.0, heeds=False),
    Recipe(normal=False, strength=100.0, heeds=False),
)
"""The first stands until answers show another to be better."""


@dataclass(frozen=True)
class MessageSubstitute:
    """Margins of messages; 0 and above is blocked.

    Attributes:
        words: see `Words`.
        weights: (w,) of the columns.
        normal: which columns, see `Words.columns`.
        offset: added to every margin.
        prior: what labels alone teach, or None where it is not heeded; ``heed`` is its weight.
    """

    words: Words
    weights: Floats
    normal: bool = True
    offset: float = -1.0
    prior: MessageSubstitute | None = None
    heed: float = 0.0

    def margin(self, records: Records) -> Floats:
        """Return margins (n,) of messages (n,): higher is more harmful."""
        total = self.words.columns(records, normal=self.normal) @ self.weights + self.offset
        return np.asarray(total if self.prior is None else total + self.heed * self.prior.margin(records))

    def decide(self, records: Records) -> Decisions:
        """Return BLOCK where the margin is 0 or more, else PASS (n,)."""
        return np.where(self.margin(records) >= 0, np.int8(Decision.BLOCK), np.int8(Decision.PASS))

    def word_weights(self, records: Records) -> Floats:
        """Return by how much each word (w,) moves the margin of a message of usual length, among messages (n,)."""
        if not len(records):
            return np.zeros(len(self.words.listed))
        if self.normal:
            present = self.words.present(records)
            lengths = np.sqrt(present @ self.words.rarity**2)
            column = self.words.rarity / (float(np.median(lengths)) or 1.0)
        else:
            column = np.full(len(self.words.listed), 1 / np.sqrt(self.words.usual))
        own: Floats = self.weights * column
        return own if self.prior is None else own + self.heed * self.prior.word_weights(records)


def learn_labels(words: Words, records: Records, labels: Mask | None, seed: int, most: int = 5000) -> MessageSubstitute:
    """Return what labels alone teach: it blocks as large a share of his messages as is harmful."""
    blank = MessageSubstitute(words, np.zeros(len(words.listed)))
    if labels is None or not len(labels) or not words.listed:
        return blank
    chosen: Ints = np.random.default_rng(seed).permutation(len(labels))[:most]
    records, labels = records[chosen], labels[chosen]
    if labels.all() or not labels.any():
        return replace(blank, offset=1.0 if labels.all() else -1.0)
    model = LogisticRegression(C=10.0, solver="liblinear", random_state=0).fit(
        words.columns(records, normal=True), labels
    )
    out = MessageSubstitute(words, model.coef_[0], offset=0.0)
    return replace(out, offset=-float(np.quantile(out.margin(records), 1 - labels.mean())))


def fit(recipe: Recipe, data: Answered, words: Words, prior: MessageSubstitute) -> MessageSubstitute:
    """Return the substitute of one recipe, fitted on answers; what labels teach where those are all of one side."""
    if not recipe.answers or not data.torn:
        return _yielding(data, prior)
    columns = words.columns(data.records, normal=recipe.normal)
    heeded = prior if recipe.heeds else None
    if heeded is not None:
        columns = sparse.hstack([columns, sparse.csr_matrix(HEEDED * heeded.margin(data.records)[:, None])]).tocsr()
    if data.margins is None:
        model = LogisticRegression(C=recipe.strength, solver="liblinear", random_state=0).fit(columns, data.blocked)
        weights, offset = model.coef_[0], float(model.intercept_[0])
    else:
        model = Ridge(alpha=0.1 / recipe.strength).fit(columns, data.margins, sample_weight=nearness(data.margins))
        weights, offset = model.coef_, float(model.intercept_)
    heed = 0.0 if heeded is None else HEEDED * float(weights[-1])
    return MessageSubstitute(words, weights[: len(words.listed)], recipe.normal, offset, heeded, heed)


def _yielding(data: Answered, prior: MessageSubstitute) -> MessageSubstitute:
    if len(data) < FEWEST or data.torn:
        return prior
    margins = prior.margin(data.records)
    if data.blocked.all():
        return replace(prior, offset=prior.offset + max(0.0, -float(margins.min())))
    return replace(prior, offset=prior.offset - max(0.0, float(np.nextafter(margins.max(), np.inf))))


def best_recipe(data: Answered, words: Words, prior: MessageSubstitute) -> Recipe:
    """Return the recipe that cross-validation on the answers prefers; what labels teach, where they cannot tell."""
    if len(data) < FEWEST or not data.torn or not words.listed:
        return RECIPES[0]
    return RECIPES[best([_losses(recipe, data, words, prior) for recipe in RECIPES])]


def _losses(recipe: Recipe, data: Answered, words: Words, prior: MessageSubstitute) -> Floats:
    def refitted(part: Answered) -> Callable[[Records], Floats]:
        return fit(recipe, part, words, prior).margin

    return losses(data, refitted)
