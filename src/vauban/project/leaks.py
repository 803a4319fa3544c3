"""Columns that give the label away: what is known only once it is known who was harmful."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vauban.project.guess import plain_values
from vauban.project.names import LATER, suggests
from vauban.records import Floats, Mask
from vauban.system import Labels

GIVES_AWAY = 0.99
"""Area under the ROC curve, out of sample, over which one column alone is too good to be true."""
SUSPECT = 0.6
"""The same, for one whose name says that it is known only later."""
ROWS = 6000
PURE = 0.995
"""Share of harmful records in a group that no honest column has, where harmful ones are in the minority."""


def leak(column: pd.Series[Any], labels: Labels) -> tuple[bool, str] | None:
    """Return whether a column gives the label away for certain, and why it is thought so; None if it does not.

    It is judged by a small tree on that column alone, fitted on one half of the records and asked about the other.
    """
    from sklearn.metrics import roc_auc_score

    rows = np.random.default_rng(0).permutation(len(labels))[:ROWS]
    half = len(rows) // 2
    fit, ask = rows[:half], rows[half:]
    if min(len(np.unique(labels[fit])), len(np.unique(labels[ask]))) < 2 or min(labels.sum(), (1 - labels).sum()) < 20:
        return None
    coded = _coded(column, fit, labels)
    if np.ptp(coded[fit]) == 0:
        return None
    scores = _asked(coded, fit, ask, labels)
    area = float(roc_auc_score(labels[ask], scores))
    later = suggests(str(column.name), LATER)
    if area >= GIVES_AWAY:
        return True, f"it alone tells harmful records from others with an AUC of {area:.3f} (n = {len(ask)}, held out)"
    if later is not None and area >= SUSPECT:
        said = f"its name ({later!r}) says what is known only later"
        return True, f"{said}, and it alone tells harmful records from others with an AUC of {area:.3f}"
    group = _pure_group(scores, labels[ask])
    if group is None:
        return None
    said = f"{group[0]} of {group[1]} held-out records in one range of it are harmful, {labels.mean():.0%} of all"
    return False, said


def _coded(column: pd.Series[Any], fit: Any, labels: Labels) -> Floats:
    """Return a column as numbers: texts by how many records of each are harmful among those fitted on."""
    column = plain_values(column)
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isfinite(numbers), numbers, -1e30)
    codes, _ = pd.factorize(column.astype("str").where(column.notna(), "missing"))
    n = np.bincount(codes[fit], minlength=codes.max() + 1)
    harmful = np.bincount(codes[fit], weights=labels[fit], minlength=codes.max() + 1)
    return np.asarray(((harmful + labels.mean()) / (n + 1))[codes], dtype=np.float64)


def _asked(coded: Floats, fit: Any, ask: Any, labels: Labels) -> Floats:
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=16, min_samples_leaf=10, random_state=0)
    tree.fit(coded[fit, None], labels[fit])
    return np.asarray(tree.predict_proba(coded[ask, None])[:, 1])


def _pure_group(scores: Floats, labels: Labels) -> tuple[int, int] | None:
    """Return how many of how many are harmful in the group of highest scores, if it is pure, large and surprising."""
    inside: Mask = scores >= PURE
    harmful, n = int(labels[inside].sum()), int(inside.sum())
    if labels.mean() > 0.4 or n < 30 or harmful < PURE * n or harmful < 0.1 * labels.sum():
        return None
    return harmful, n
