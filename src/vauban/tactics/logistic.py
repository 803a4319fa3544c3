"""A logistic regression of the attacker's own, and how a record in its training set moves what it gets wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from vauban.records import Floats, Records
from vauban.schema import Schema, TableSchema
from vauban.tactics.message_substitute import Words

STEPS = 12
"""Newton steps from cold; from the last solution a few do."""
MOST_WORDS = 300
"""Words of messages that it weighs: what a second derivative of all pairs can still hold."""
LENGTH = 4.0
"""Length of a message's columns: the longer, the less its weights are shrunk."""


@dataclass(frozen=True)
class Columns:
    """How records of a table become numbers of one scale: standardised, categories one column each, a constant last.

    Attributes:
        schema: of the records.
        centre, spread: (d,) of the features that are numbers; 0 and 1 for the others.
    """

    schema: TableSchema
    centre: Floats
    spread: Floats

    @staticmethod
    def of(schema: TableSchema, records: Records) -> Columns:
        """Return the columns of a schema, scaled as these records (n, d) are, n of 1 or more."""
        number = np.array([not f.listed or f.kind == "ordinal" for f in schema.features])
        gone = np.isnan(records)
        count = np.maximum((~gone).sum(axis=0), 1)
        centre = np.where(gone, 0.0, records).sum(axis=0) / count
        spread = np.sqrt((np.where(gone, 0.0, records - centre) ** 2).sum(axis=0) / count)
        return Columns(schema, np.where(number, centre, 0.0), np.where(number & (spread > 0), spread, 1.0))

    def matrix(self, records: Records) -> Floats:
        """Return records (n, d) as numbers (n, p)."""
        scaled = np.nan_to_num((records - self.centre) / self.spread)
        blocks = []
        for j, f in enumerate(self.schema.features):
            if f.listed and f.kind != "ordinal":
                blocks.append((records[:, j, None] == np.arange(len(f.values) or 2)).astype(np.float64))
            else:
                blocks.append(scaled[:, j, None])
        return np.concatenate([*blocks, np.ones((len(records), 1))], axis=1)

    def feature_of(self) -> tuple[tuple[int, int], ...]:
        """Return (feature, column) of each feature that is a number."""
        pairs, column = [], 0
        for j, f in enumerate(self.schema.features):
            several = f.listed and f.kind != "ordinal"
            if not several:
                pairs.append((j, column))
            column += (len(f.values) or 2) if several else 1
        return tuple(pairs)


@dataclass(frozen=True)
class WordColumns:
    """How messages become numbers: the words that tell the classes apart best, by rarity, and a constant last."""

    words: Words

    @staticmethod
    def of(records: Records, labels: Floats) -> WordColumns:
        """Return the columns of messages (n,) with labels (n,)."""
        words = Words.of(records)
        if not words.listed:
            return WordColumns(words)
        present = words.present(records)
        bad = np.asarray(present[labels == 1].sum(axis=0)).ravel() / max(int((labels == 1).sum()), 1)
        good = np.asarray(present[labels == 0].sum(axis=0)).ravel() / max(int((labels == 0).sum()), 1)
        apart = np.abs(bad - good) / np.sqrt(bad + good + 1 / len(records))
        best = np.sort(np.argsort(-apart, kind="stable")[:MOST_WORDS])
        return WordColumns(Words(tuple(words.listed[i] for i in best), words.rarity[best], words.usual))

    def matrix(self, records: Records) -> Floats:
        """Return messages (n,) as numbers (n, p)."""
        constant = np.ones((len(records), 1))
        if not self.words.listed:
            return constant
        return np.concatenate([LENGTH * self.words.columns(records, normal=True).toarray(), constant], axis=1)


def columns_of(schema: Schema, records: Records, labels: Floats) -> Columns | WordColumns:
    """Return how records of a schema become numbers."""
    return Columns.of(schema, records) if isinstance(schema, TableSchema) else WordColumns.of(records, labels)


def fit(x: Floats, y: Floats, penalty: float, start: Floats | None = None) -> Floats:
    """Return the weights (p,) of a logistic regression of labels y (n,) on x (n, p), by Newton's method.

    Minimises the mean log-loss + penalty / 2 * |weights|^2; the constant is penalised like the others.
    """
    w = np.zeros(x.shape[1]) if start is None else start
    for _ in range(STEPS if start is None else 4):
        step = np.linalg.solve(hessian(x, w, penalty), x.T @ (expit(x @ w) - y) / len(y) + penalty * w)
        w = w - step
        if np.abs(step).max(initial=0.0) < 1e-8:
            break
    return w


def hessian(x: Floats, w: Floats, penalty: float) -> Floats:
    """Return the second derivative (p, p) of what `fit` minimises."""
    p = expit(x @ w)
    return np.asarray((x.T * (p * (1 - p) / len(x))) @ x + penalty * np.eye(x.shape[1]))


def loss(x: Floats, y: Floats, w: Floats, sharp: float = 0.0) -> float:
    """Return the mean log-loss of labels y (n,) on x (n, p); ``sharp``: see `rising`."""
    z = x @ w
    if sharp:
        return float(expit((1 - 2 * y) * sharp * z).mean())
    return float((np.logaddexp(0.0, z) - y * z).mean())


def rising(x: Floats, y: Floats, w: Floats, sharp: float = 0.0) -> Floats:
    """Return the gradient (p,), with respect to the weights, of the mean loss of labels y (n,) on x (n, p).

    ``sharp`` 0 is the log-loss; others are the sigmoid of so many margins, which is the error in the limit.
    """
    margin = x @ w
    if not sharp:
        return np.asarray(x.T @ (expit(margin) - y) / max(len(y), 1))
    p = expit(sharp * margin)
    return np.asarray(x.T @ ((1 - 2 * y) * sharp * p * (1 - p)) / max(len(y), 1))


def pull(x: Floats, w: Floats, penalty: float, harm: Floats) -> Floats:
    """Return the direction v (p,) with ``d loss / d record = -v . d gradient of the record's own loss``.

    Args:
        x: the training records (n, p).
        w: weights fitted to them.
        penalty: as fitted.
        harm: (p,) gradient, with respect to the weights, of the loss that the attacker wants to raise.
    """
    return np.asarray(np.linalg.solve(hessian(x, w, penalty), harm) / len(x))


def uphill(points: Floats, labels: Floats, w: Floats, v: Floats) -> Floats:
    """Return the gradient (m, p) of the attacker's loss with respect to training records ``points`` (m, p).

    The implicit gradient of Koh and Liang, "Understanding black-box predictions via influence functions" (ICML 2017,
    section 2.2), for logistic regression.
    """
    p = expit(points @ w)
    return np.asarray(-((p - labels)[:, None] * v + (p * (1 - p) * (points @ v))[:, None] * w))
