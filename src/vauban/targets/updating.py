"""Update a fitted model instead of fitting it anew: warm start, or a batch at a time."""

from __future__ import annotations

from copy import deepcopy
from enum import StrEnum
from typing import Any

from vauban.errors import BadInput

MORE = 0.2
"""Trees that a warm start adds to an ensemble, as a share of those that it was made with."""


class Update(StrEnum):
    """How a model is trained again: from scratch, going on from what it is, or with the latest batch alone."""

    ANEW = "anew"
    WARM = "warm"
    PARTIAL = "partial"


def check_update(estimator: Any, update: Update, name: str) -> None:
    """Raise BadInput unless an estimator, or the last step of a pipeline, can be updated that way."""
    last = _last(estimator)
    if update is Update.WARM and "warm_start" not in last.get_params():
        raise BadInput(
            f"The model {name!r} cannot be updated by a warm start: {type(last).__name__} has no such parameter. "
            "Choose --retrain full or window."
        )
    if update is Update.PARTIAL and not hasattr(last, "partial_fit"):
        raise BadInput(
            f"The model {name!r} cannot be trained a batch at a time: {type(last).__name__} has no partial_fit. "
            "Choose --retrain full, warm or window, or --model naive-bayes."
        )


def updated(fitted: Any, unfitted: Any, update: Update, records: Any, labels: Any) -> Any:
    """Return a copy of a fitted estimator, updated; what prepares records for its last step stays as it was fitted.

    So a filter of messages learns no word that its first training did not have.

    Args:
        fitted: what is deployed; it is not changed.
        unfitted: what it was cloned from: how many trees it started with.
        update: WARM or PARTIAL.
        records: raw, n of them: all that is stored, or the latest batch.
        labels: (n,).
    """
    model = deepcopy(fitted)
    last = _last(model)
    ready = model[:-1].transform(records) if last is not model and len(model) > 1 else records
    if update is Update.PARTIAL:
        last.partial_fit(ready, labels)
        return model
    last.set_params(warm_start=True, **_more_trees(last, _last(unfitted)))
    last.fit(ready, labels)
    return model


def _last(estimator: Any) -> Any:
    """Return the last step of a pipeline, or the estimator itself."""
    from sklearn.pipeline import Pipeline

    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def _more_trees(fitted: Any, unfitted: Any) -> dict[str, int]:
    """Return the parameter that has to grow for a warm start to do anything, if there is one."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    boosted = isinstance(fitted, HistGradientBoostingClassifier)
    key = "max_iter" if boosted else "n_estimators"
    first = unfitted.get_params().get(key)
    if first is None or (key == "n_estimators" and not hasattr(fitted, "estimators_")):
        return {}
    now = fitted.n_iter_ if boosted else getattr(fitted, key)
    return {key: int(now) + max(1, round(MORE * first))}
