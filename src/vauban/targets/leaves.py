"""The leaf of every tree that a record ends in: the output configuration of a tree ensemble."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import Target
from vauban.errors import TargetError
from vauban.records import Ints, Records
from vauban.targets.booster import BoosterTarget
from vauban.targets.estimator import EstimatorTarget

Leaves: TypeAlias = NDArray[np.int32]
"""(n, t): which leaf of each tree a record ends in; numbers of different trees mean different leaves."""
ROWS = 50_000
"""Rows that are sent through the trees at a time."""


def leaves_of(target: Target) -> Callable[[Records, Ints | None], Leaves] | None:
    """Return the way from encoded records, and the trees wanted (None: all), to leaves; None for what is no ensemble.

    scikit-learn's forests and boosting, XGBoost, LightGBM and CatBoost, alone or at the end of a pipeline. Histogram
    boosting that splits on categories itself is not read.
    """
    if isinstance(target, BoosterTarget):
        given: Callable[[Records], Any] = target.reader.prepared
        model = target.booster
    elif isinstance(target, EstimatorTarget):
        steps = getattr(target.estimator, "steps", None)
        model = target.estimator if steps is None else steps[-1][1]
        given = target.last_step
    else:
        return None
    walk = _walk(model)
    if walk is None:
        return None

    def leaves(records: Records, trees: Ints | None = None) -> Leaves:
        try:
            parts = [walk(given(records[a : a + ROWS]), trees) for a in range(0, len(records), ROWS)]
        except (ValueError, TypeError) as error:
            raise TargetError(f"The trees of {target.name!r} failed on {len(records)} records: {error}") from error
        return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.int32)

    return leaves


def _walk(model: Any) -> Callable[[Any, Ints | None], Leaves] | None:
    kind = f"{type(model).__module__.partition('.')[0]}.{type(model).__name__}"
    if kind.startswith("sklearn.HistGradientBoosting"):
        nodes = [tree.nodes for group in model._predictors for tree in group]
        if getattr(model, "is_categorical_", None) is not None or any(n["is_categorical"].any() for n in nodes):
            return None
        return lambda given, trees: _descended(nodes, np.asarray(given, dtype=np.float64), trees)
    ask = _asked(model, kind)
    if ask is None:
        return None

    def walk(given: Any, trees: Ints | None) -> Leaves:
        found = np.asarray(ask(given))
        found = found.reshape(len(found), -1).astype(np.int32)
        return found if trees is None else found[:, trees[trees < found.shape[1]]]

    return walk


def _asked(model: Any, kind: str) -> Callable[[Any], Any] | None:
    """Return how each library is asked for leaves."""
    if kind.startswith("lightgbm."):
        return lambda given: model.predict(given, pred_leaf=True)
    if kind.startswith("catboost."):
        return lambda given: model.calc_leaf_indexes(given)
    if kind == "xgboost.Booster":
        from xgboost import DMatrix

        return lambda given: model.predict(DMatrix(given, feature_names=model.feature_names), pred_leaf=True)
    if hasattr(model, "apply") and hasattr(model, "predict_proba"):
        return lambda given: model.apply(given)
    return None


def _descended(nodes: list[Any], values: NDArray[np.float64], trees: Ints | None) -> Leaves:
    """Return the leaves of histogram boosting, whose trees keep raw thresholds: left is at or below."""
    wanted = range(len(nodes)) if trees is None else [t for t in trees.tolist() if t < len(nodes)]
    columns = np.asfortranarray(values)
    flat, n = columns.ravel(order="F"), len(values)
    offset = np.arange(n)
    out = np.empty((n, len(wanted)), dtype=np.int32)
    for k, t in enumerate(wanted):
        tree = nodes[t]
        feature, limit = tree["feature_idx"].astype(np.int64) * n, tree["num_threshold"]
        left, right = tree["left"].astype(np.int32), tree["right"].astype(np.int32)
        gone_left, leaf = tree["missing_go_to_left"].astype(bool), tree["is_leaf"].astype(bool)
        itself = np.arange(len(tree), dtype=np.int32)
        left, right = np.where(leaf, itself, left), np.where(leaf, itself, right)  # who has arrived stays
        at = np.zeros(n, dtype=np.int32)
        for _ in range(int(tree["depth"].max())):
            value = flat[feature[at] + offset]
            goes_left = (value <= limit[at]) | (np.isnan(value) & gone_left[at])
            at = np.where(goes_left, left[at], right[at])
        out[:, k] = at
    return out
