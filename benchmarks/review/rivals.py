"""What others would look at first, by the labels alone: they know neither verified records nor an approved model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vauban.monitors.dossier import Dossier
from vauban.monitors.learning import out_of_fold
from vauban.records import Floats


def cleanlab(dossier: Dossier, seed: int) -> Floats:
    """Return cleanlab's label quality (Northcutt et al. 2021), turned round, of the learner that suits the records."""
    from cleanlab.rank import get_label_quality_scores

    learner = "linear" if dossier.view.dense is None else "boosted"
    harm = out_of_fold(dossier.view, dossier.labels, None, kind=learner, seed=seed)
    probabilities = np.stack([1 - harm, harm], axis=1)
    quality = get_label_quality_scores(dossier.labels.astype(int), probabilities, method="self_confidence")
    return np.asarray(-quality)


def data_oob(dossier: Dossier, seed: int) -> Floats:
    """Return Data-OOB (Kwon and Zou 2023), turned round: how often learners that did not see a record get it wrong."""
    view, labels = dossier.view, dossier.labels
    rng = np.random.default_rng((seed, 6))
    wrong, seen = np.zeros(len(labels)), np.zeros(len(labels))
    for _ in range(BAGS):
        drawn = rng.integers(len(labels), size=len(labels))
        out = np.setdiff1d(np.arange(len(labels)), drawn)
        said = (
            _weak(dossier, int(rng.integers(1 << 31))).fit(_rows(view, drawn), labels[drawn]).predict(_rows(view, out))
        )
        wrong[out] += said != labels[out]
        seen[out] += 1
    return np.asarray(wrong / np.maximum(seen, 1))


BAGS = 50


def _rows(view: Any, rows: Any) -> Any:
    return view.linear[rows] if view.dense is None else view.dense[rows]


def _weak(dossier: Dossier, seed: int) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    if dossier.view.dense is None:
        from sklearn.linear_model import SGDClassifier

        return SGDClassifier(loss="log_loss", random_state=seed, max_iter=20, tol=1e-3)
    fill = FunctionTransformer(np.nan_to_num)
    return make_pipeline(fill, DecisionTreeClassifier(random_state=seed))


RIVALS: Mapping[str, Callable[[Dossier, int], Floats]] = {"cleanlab": cleanlab, "Data-OOB": data_oob}
