"""Retraining as most people do it: the same pipeline, fitted anew on all data; or updated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vauban.contracts import SCORE, Labelled, Target
from vauban.records import Records
from vauban.schema import Schema, TableSchema
from vauban.targets.estimator import EstimatorTarget
from vauban.targets.referring import ReferringTarget
from vauban.targets.updating import Update, check_update, updated


@dataclass(frozen=True)
class Refit:
    """Fits a clone of an estimator: what was fitted before is never changed.

    Attributes:
        estimator: an unfitted scikit-learn classifier or pipeline over raw records.
        schema: of the records.
        name: of the models.
        threshold: scores at or above it are blocked; by default the scale's middle.
        quantile: instead, the quantile of the scores of ``tuning`` at or above which is blocked.
        tuning: records on which that quantile is taken.
        refer: scores from here up to the threshold are referred to a person; None refers nothing.
        update: what ``fit`` does where it is handed a model to start from.
    """

    estimator: Any
    schema: Schema
    name: str
    threshold: float = float("nan")
    quantile: float | None = None
    tuning: Records | None = None
    refer: float | None = None
    update: Update = Update.ANEW

    def updating(self, update: Update) -> Refit:
        """Return the trainer that updates; BadInput where the estimator cannot be updated that way."""
        check_update(self.estimator, update, self.name)
        return replace(self, update=update)

    def fit(self, data: Labelled, start: Target | None = None) -> Target:
        """Return a model trained on all of the data, or ``start`` updated with them, itself unchanged."""
        from sklearn.base import clone

        table = isinstance(self.schema, TableSchema)
        raw = self.schema.decode(data.records) if table else data.records
        before = start.base if isinstance(start, ReferringTarget) else start
        if self.update is Update.ANEW or not isinstance(before, EstimatorTarget):
            fitted = clone(self.estimator).fit(raw, data.labels)
        else:
            fitted = updated(before.estimator, self.estimator, self.update, raw, data.labels)
        sample = data.records[:200] if self.tuning is None else self.tuning
        target = EstimatorTarget(fitted, self.schema, self.threshold, name=self.name, sample=sample)
        if self.quantile is not None:
            scores = np.asarray(target.answer(sample, SCORE).scores)
            target = replace(target, threshold=float(np.quantile(scores, self.quantile)))
        return target if self.refer is None else ReferringTarget(target, self.refer)
