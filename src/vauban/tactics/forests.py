"""Ask a forest of the attacker's own, again and again, of few records at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from vauban.records import Floats, Records


def mean_of_trees(forest: Any, records: Records) -> Floats:
    """Return what a fitted scikit-learn random forest says of records (n, d).

    To the bit what its own predict_proba, or predict, says; without the checks that these make for every tree anew,
    which take longer than the trees where records are few.

    Returns:
        (n, k) probabilities of the classes, or (n, 1) predictions of a regressor.
    """
    columns = np.asarray(records, dtype=np.float32, order="C")
    trees = forest.estimators_
    total = trees[0].tree_.predict(columns)
    for tree in trees[1:]:
        total += tree.tree_.predict(columns)
    total /= len(trees)
    return np.asarray(total)
