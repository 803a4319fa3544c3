"""Fitted scikit-learn estimators and pipelines as targets."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from vauban.contracts import Answers, Scale, Structure
from vauban.errors import BadInput, TargetError, VaubanError
from vauban.records import Floats, Records
from vauban.schema import Schema, TableSchema
from vauban.targets.additive import read_additive
from vauban.targets.booster import shortcut, summed
from vauban.targets.columns import column_names, in_order
from vauban.targets.deciding import answers_from, harmful_columns
from vauban.targets.native import Reader
from vauban.threat import Grant

BLOCK = 1024
"""Rows a call for a model whose last bits depend on the shape of the batch."""


@dataclass(frozen=True)
class EstimatorTarget:
    """A fitted classifier with scikit-learn's methods, or a regressor whose prediction is cut at the threshold.

    ``predict_proba`` of the harmful class is the score; without it ``decision_function``, whose threshold is 0 unless
    given; without that the label. Of more than two classes some are harmful: the score is the sum of their
    probabilities. An XGBoost, LightGBM or CatBoost classifier on its own is asked through its booster wherever that
    gives the same scores on the sample.

    A regressor's prediction is the score, as a margin: what it predicts must be harm, a cost or a number of claims.

    Attributes:
        estimator: fitted; a pipeline that takes the raw frame, a model of a bare matrix, or one of texts.
        schema: of the records.
        threshold: scores at or above it are blocked; NaN is 0.5 for probabilities and labels, 0 for margins.
        harmful: the value in ``classes_`` that is the harmful class, or a list, tuple or set of several.
        name: shown in reports.
        sample: real encoded records (m, ...), for finding out how the model behaves and reading its structure.
    """

    estimator: Any
    schema: Schema
    threshold: float = math.nan
    harmful: Any = 1
    name: str = "estimator"
    sample: Records | None = field(default=None, repr=False, compare=False)
    deterministic: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no fitted classifier of harmful records."""
        classes = getattr(self.estimator, "classes_", None)
        if self._regresses:
            if math.isnan(self.threshold):
                raise BadInput(
                    f"The model {self.name!r} is a regressor: give the threshold that its prediction is cut at."
                )
            return
        if classes is None:
            raise BadInput(f"The model {self.name!r} must be a fitted classifier. Got {type(self.estimator).__name__}.")
        harmful, _ = harmful_columns(self.harmful, classes, self.name)
        object.__setattr__(self, "harmful", harmful)
        if len(classes) > 2 and self.scale is Scale.MARGIN:
            raise BadInput(
                f"The model {self.name!r} tells {len(classes)} classes apart by margins, which do not add up. "
                "Give one with predict_proba, or wrap its decision in a CallableTarget."
            )
        if math.isnan(self.threshold):
            object.__setattr__(self, "threshold", 0.0 if self.scale is Scale.MARGIN else 0.5)

    @cached_property
    def _regresses(self) -> bool:
        from sklearn.base import BaseEstimator, is_regressor

        known = isinstance(self.estimator, BaseEstimator) and not hasattr(self.estimator, "classes_")
        return known and bool(is_regressor(self.estimator))

    @cached_property
    def scale(self) -> Scale:
        """What the scores are."""
        if self._regresses:
            return Scale.MARGIN
        if hasattr(self.estimator, "predict_proba"):
            return Scale.PROBABILITY
        return Scale.MARGIN if hasattr(self.estimator, "decision_function") else Scale.LABEL

    @cached_property
    def grants(self) -> frozenset[Grant]:
        """Labels; scores where there are some; structure and gradient where the model is a sum over features."""
        found = {Grant.LABEL} if self.scale is Scale.LABEL else {Grant.LABEL, Grant.SCORE}
        if self._structure is not None:
            found |= {Grant.STRUCTURE, Grant.GRADIENT}
        return frozenset(found)

    @cached_property
    def _columns(self) -> tuple[int, ...]:
        return harmful_columns(self.harmful, self.estimator.classes_, self.name)[1]

    @cached_property
    def _names(self) -> tuple[str, ...] | None:
        """The columns that the model was fitted on; None for a bare matrix."""
        return column_names(self._first_step)

    @cached_property
    def _first_step(self) -> Any:
        steps = getattr(self.estimator, "steps", None)
        return steps[0][1] if steps else self.estimator

    def _raw(self, records: Records) -> Any:
        if not isinstance(self.schema, TableSchema):
            return records
        if self._names is None:
            return self.schema.to_matrix(records)
        return in_order(self.schema.decode(records), self._names)

    def last_step(self, records: Records) -> Any:
        """Return what the last step of a pipeline receives of encoded records; of a single model, what it receives."""
        given = self._raw(records)
        for _, step in getattr(self.estimator, "steps", ())[:-1]:
            given = step.transform(given)
        return given

    def _score(self, raw: Any) -> Any:
        if self._regresses:
            return self.estimator.predict(raw)
        if self.scale is Scale.PROBABILITY:
            return summed(self.estimator.predict_proba(raw), self._columns)
        if self.scale is Scale.MARGIN:
            return self._towards_harm(self.estimator.decision_function(raw))
        harmful = self.harmful if isinstance(self.harmful, tuple) else (self.harmful,)
        return np.isin(np.asarray(self.estimator.predict(raw)), harmful).astype(np.float64)

    def _towards_harm(self, margin: Any) -> Any:
        return margin if self._columns == (1,) else -margin

    @cached_property
    def _native(self) -> Reader | None:
        """The way to the booster inside, where it gives the same scores."""
        if self.sample is None or self._regresses or not isinstance(self.schema, TableSchema):
            return None
        return shortcut(self.estimator, self.schema, self.sample, self._columns, lambda r: self._score(self._raw(r)))

    def _prepared(self, records: Records) -> Any:
        return self._raw(records) if self._native is None else self._native.prepared(records)

    def _ask(self, prepared: Any) -> Any:
        if self._native is None:
            return self._score(prepared)
        return summed(self._native.probabilities(prepared), self._columns)

    @cached_property
    def _varies_with_shape(self) -> bool:
        """Whether the same record's score has other last bits alone than in a batch."""
        if self.sample is None or len(self.sample) < 2:
            return True
        rows = self.sample[np.arange(3000) % min(len(self.sample), 65)]
        whole = np.asarray(self._ask(self._prepared(rows)))
        parts = [self._ask(self._prepared(rows[a:b])) for a, b in ((0, 1), (1, 8), (8, 65))]
        return not np.array_equal(whole[:65], np.concatenate(parts))

    def answer(self, records: Records, want: frozenset[Grant]) -> Answers:
        """Return what the model says of encoded records; TargetError if it fails or was never granted that."""
        if want - self.grants:
            raise TargetError(f"The model {self.name!r} cannot answer {', '.join(sorted(want - self.grants))}.")
        if not len(records):
            return Answers(
                np.empty(0, np.int8), np.empty(0), np.empty(records.shape) if Grant.GRADIENT in want else None
            )
        try:
            scores, seconds = self._timed(self._prepared(records), len(records))
        except VaubanError:
            raise
        except Exception as error:
            raise TargetError(f"The model {self.name!r} failed on {len(records)} records: {error}") from error
        told = answers_from(scores, len(records), self.threshold, seconds, self.name)
        if Grant.GRADIENT not in want:
            return told
        return Answers(told.decisions, told.scores, self._gradients(records), told.seconds)

    def _timed(self, prepared: Any, n: int) -> tuple[Floats, float]:
        if not self._varies_with_shape:
            started = time.perf_counter()
            return np.asarray(self._ask(prepared)), time.perf_counter() - started
        seconds, parts = 0.0, []
        for start in range(0, n, BLOCK):
            block = prepared[start : start + BLOCK]
            short = BLOCK - len(block)
            if short:  # filled up with the first row, so that every call has the same shape
                rows = np.concatenate([np.arange(len(block)), np.zeros(short, dtype=np.intp)])
                block = block.iloc[rows] if hasattr(block, "iloc") else block[rows]
            started = time.perf_counter()
            parts.append(np.asarray(self._ask(block))[: BLOCK - short])
            seconds += time.perf_counter() - started
        return np.concatenate(parts), seconds

    def _safe_margin(self, records: Records) -> Floats:
        try:
            return self._margin(records)
        except Exception as error:
            raise TargetError(f"The model {self.name!r} failed on {len(records)} records: {error}") from error

    def _margin(self, records: Records) -> Floats:
        scores = np.asarray(self._score(self._raw(records)), dtype=np.float64)
        if self.scale is Scale.PROBABILITY:
            if hasattr(self.estimator, "decision_function") and len(self.estimator.classes_) == 2:
                margin = np.asarray(self.estimator.decision_function(self._raw(records)), dtype=np.float64)
                return np.asarray(self._towards_harm(margin))
            scores = np.clip(scores, 1e-300, 1 - 1e-16)
            return np.log(scores) - np.log1p(-scores)
        return scores

    @cached_property
    def _structure(self) -> Structure | None:
        if not isinstance(self.schema, TableSchema) or self.scale is Scale.LABEL or self.sample is None:
            return None
        limit = self.threshold
        if self.scale is Scale.PROBABILITY:
            if not 0 < self.threshold < 1:
                return None
            limit = float(np.log(self.threshold) - np.log1p(-self.threshold))
        try:
            return read_additive(self._safe_margin, self.schema, self.sample[:200], limit, self.name)
        except TargetError:
            return None  # no sum of parts, or it fails, as it then will when asked: STRUCTURE is not among the grants

    def structure(self) -> Structure:
        """Return the model's parts; TargetError if its margin is no sum over features."""
        if self._structure is None:
            raise TargetError(
                f"The structure of {self.name!r} cannot be read: its margin is no sum over features. "
                "Structure is granted for linear models and scorecards only."
            )
        return self._structure

    def _gradients(self, records: Records) -> Floats:
        """Return the margin's gradient (n, d) in raw column units; NaN for listed features, which have none."""
        inside = self.structure()
        slope = np.where([t is None for t in inside.tables], inside.weights, np.nan)
        return np.tile(slope, (len(records), 1))
