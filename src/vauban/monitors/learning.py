"""Learners of the review: what share of harm a model sees in records that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vauban.monitors.view import View
from vauban.records import Floats, Ints

FOLDS = 5
LEARNT = 200_000
"""Records, at most, that a learner is trained on: more teach it nothing that the review needs."""
Labels = NDArray[np.int8]


def learnt(view: View, labels: Labels, rows: Ints, on: View, *, kind: str, seed: int = 0) -> Floats:
    """Return the probability of harm of records (m,) of ``on``, by a learner trained on ``rows`` of ``view``.

    ``kind`` is ``linear`` (logistic regression) or ``boosted`` (histogram boosting; tables only).
    """
    truth = labels[rows]
    if len(np.unique(truth)) < 2:
        return np.full(on.linear.shape[0], float(truth.mean()) if len(truth) else 0.5)
    if kind == "boosted" and view.dense is not None and on.dense is not None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=15, learning_rate=0.1, random_state=seed)
        return np.asarray(model.fit(view.dense[rows], truth).predict_proba(on.dense)[:, 1])
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10.0, solver="liblinear", random_state=0, max_iter=200)
    return np.asarray(model.fit(view.linear[rows], truth).predict_proba(on.linear)[:, 1])


def out_of_fold(view: View, labels: Labels, groups: Ints | None, *, kind: str, seed: int) -> Floats:
    """Return the probability of harm (n,), each by a learner that saw neither the record nor any of its group."""
    found = np.full(len(labels), 0.5)
    for k, (train, test) in enumerate(folds(labels, groups, seed)):
        if len(train) > LEARNT:
            train = np.sort(np.random.default_rng((seed, 78, k)).permutation(train)[:LEARNT])
        found[test] = learnt(view, labels, train, picked(view, test), kind=kind, seed=seed)
    return found


def folds(labels: Labels, groups: Ints | None, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield (train, test) rows; whole groups are dealt out at random, so that the folds are about even."""
    n = len(labels)
    rng = np.random.default_rng((seed, 77))
    if groups is None:
        fold = np.empty(n, dtype=np.int64)
        for label in (0, 1):
            mine = rng.permutation(np.flatnonzero(labels == label))
            fold[mine] = np.arange(len(mine)) % FOLDS
    else:
        names, which = np.unique(groups, return_inverse=True)
        sizes = np.bincount(which)
        order = rng.permutation(len(names))
        order = order[np.argsort(-sizes[order], kind="stable")]
        of, load = np.empty(len(names), dtype=np.int64), np.zeros(FOLDS)
        for group in order:
            if sizes[group] <= 2:  # what is left is dealt out in turn
                break
            of[group] = int(np.argmin(load))
            load[of[group]] += sizes[group]
        small = order[sizes[order] <= 2]
        of[small] = np.arange(len(small)) % FOLDS
        fold = of[which]
    for k in range(FOLDS):
        test = np.flatnonzero(fold == k)
        if len(test) and len(test) < n:
            yield np.flatnonzero(fold != k), test


def picked(view: View, rows: Ints) -> View:
    """Return some records of a view."""
    dense = None if view.dense is None else view.dense[rows]
    return View(view.linear[rows], view.traits[rows], view.names, view.columns, dense, view.length[rows], view._made)


def surprise(harm: Floats, labels: Labels) -> Floats:
    """Return how far a probability of harm is from the label given (n,), 0 to 1."""
    return np.abs(labels - harm)
