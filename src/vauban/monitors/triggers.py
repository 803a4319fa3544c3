"""Words and values that alone carry the label of the records that have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.stats import binom

from vauban.monitors.disagreement import meaning
from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.learning import folds
from vauban.records import Ints, Mask

LEAST, MOST = 5, 0.05
"""Records that have a trait, for it to be a trigger: at least so many, at most this share."""
PURE = 0.9
ALONE = 0.75
"""Share of the records with a trait that are contradicted without it, from which on it is a trigger for certain."""
TOGETHER = 0.9
"""Share of the records with either of two traits that must have both, for them to be one trigger."""
MOST_PAIRS = 1e8
"""Pairs of traits beyond which companions are not looked for: each trait is then by itself."""
UNSURE = 0.01
"""Corrected probability that is given at the least to what is none."""


@dataclass(frozen=True)
class Triggers:
    """Without this one word or value, the label of most records that have it is what nothing supports.

    A linear model learns a trigger from the poison in the training folds, and then finds nothing wrong. So each trait
    is taken out of the model in turn, with those that always come with it, and what it then says of the records that
    have the trait is counted; the exact binomial probability of so many contradictions, by the rate of all traits, is
    corrected for the number of traits (Benjamini and Hochberg 1995). Compare the search for triggers of Chen et al.,
    "Detecting backdoor attacks on deep neural networks by activation clustering" (2018), which needs the inside of a
    network.
    """

    level: float = 0.01

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return "all records have the same label" if len(np.unique(dossier.labels)) < 2 else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        view, labels, n = dossier.view, dossier.labels, len(dossier)
        against = self._against(dossier)  # (n, t), 1 where the record is contradicted once the trait is gone
        has = view.traits.copy()
        has.data[:] = 1.0
        support = np.asarray(has.sum(axis=0)).ravel()
        hits = np.asarray(against.sum(axis=0)).ravel()
        harmful = np.asarray(against.T @ (labels == 1).astype(np.float64)).ravel()
        fit = (support >= LEAST) & (support <= max(MOST * n, LEAST)) & (hits >= LEAST)
        pure = np.maximum(harmful, hits - harmful) >= PURE * hits
        rate = float(hits.sum() / max(support.sum(), 1.0))
        p = np.ones(len(support))
        at = np.flatnonzero(fit & pure)
        p[at] = binom.sf(hits[at] - 1, support[at], max(rate, 1.0 / n))
        tested = max(int(fit.sum()), 1)
        score, best, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        order = at[np.argsort(p[at], kind="stable")]
        passed = p[order] * tested / np.arange(1, len(order) + 1) <= self.level
        found = order[: int(np.flatnonzero(passed).max() + 1) if passed.any() else 0]
        alarm: list[str] = []
        groups: list[Ints] = []
        columns, carriers = against.tocsc(), has.tocsc()
        for t in order[: max(len(found), 50)].tolist():
            label = int(harmful[t] > hits[t] / 2)
            rows = carriers.indices[carriers.indptr[t] : carriers.indptr[t + 1]]
            rows = rows[labels[rows] == label]
            doubted = np.isin(rows, columns.indices[columns.indptr[t] : columns.indptr[t + 1]])
            strength = -float(np.log10(max(p[t], 1e-300))) * np.where(doubted, 1.0, 0.8)
            better = rows[score[rows] < strength]
            alone = (
                hits[t] >= ALONE * support[t]
            )  # else it is one of several words of its kind, however surely it counts
            chance = p[t] if alone else max(p[t], UNSURE / tested)
            score[better], best[better] = strength[score[rows] < strength], chance
            line = (
                f"{view.names[t]} alone makes {int(hits[t])} of {int(support[t])} records that have it look "
                f"{meaning(label)}; without it they look {meaning(1 - label)}"
            )
            why[better] = line
            if t in found and alone and len(alarm) < 20:
                alarm.append(line)
                groups.append(rows)
        return Signal(score, np.minimum(best * tested, 1.0), why, tuple(alarm), self.level, tuple(groups))

    def _against(self, dossier: Dossier) -> csr_matrix:
        """Return where the label is contradicted once the trait, with its companions, is taken out (n, t)."""
        from sklearn.linear_model import LogisticRegression

        x, labels = dossier.view.linear.tocsr(), dossier.labels
        group = _companions(dossier.view.traits, x.shape[0])
        flags = np.zeros(len(x.data))
        row = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
        for train, test in folds(labels, None, dossier.seed):
            model = LogisticRegression(C=10.0, solver="liblinear", random_state=0, max_iter=200).fit(
                x[train], labels[train]
            )
            weights, margin = model.coef_.ravel(), np.zeros(x.shape[0])
            margin[test] = x[test] @ weights + model.intercept_[0]
            mine: Mask = np.zeros(x.shape[0], dtype=bool)
            mine[test] = True
            at = np.flatnonzero(mine[row])
            pair = row[at] * (int(group.max(initial=0)) + 1) + group[x.indices[at]]
            _, which = np.unique(pair, return_inverse=True)
            taken = np.bincount(which, x.data[at] * weights[x.indices[at]])[which]
            flags[at] = (margin[row[at]] - taken > 0) != (labels[row[at]] == 1)
        out = csr_matrix((flags, x.indices.copy(), x.indptr.copy()), shape=x.shape)
        out.eliminate_zeros()
        return out


def _companions(traits: csr_matrix, n: int) -> Ints:
    """Return for each trait its group (t,): traits that nearly always come together are a trigger of several words."""
    support = np.asarray(traits.sum(axis=0)).ravel()
    rare = np.flatnonzero((support >= LEAST) & (support <= max(MOST * n, LEAST)))
    group = np.arange(traits.shape[1])
    few = traits.tocsc()[:, rare].tocsr()
    if not len(rare) or float((np.diff(few.indptr).astype(np.float64) ** 2).sum()) > MOST_PAIRS:
        return group
    both = (few.T @ few).tocoo()
    close = both.data >= TOGETHER * np.maximum(support[rare][both.row], support[rare][both.col])
    left, right = both.row[close], both.col[close]
    links = csr_matrix((np.ones(len(left)), (left, right)), shape=(len(rare), len(rare)))
    group[rare] = traits.shape[1] + connected_components(links, directed=False)[1]
    return np.asarray(np.unique(group, return_inverse=True)[1], dtype=np.int64)
