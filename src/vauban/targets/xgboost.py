"""XGBoost: ``xgboost.Booster``, and what is inside an ``XGBClassifier``.

Features and thresholds are float32 and a record goes left iff ``value < threshold`` (xgboost/src/common/categorical.h
and predictor); scores are float32. Nothing of that is imitated: the booster predicts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vauban.errors import BadInput
from vauban.records import Floats
from vauban.schema import Feature
from vauban.targets.native import one_or_more

OBJECTIVES = ("binary:logistic", "reg:logistic", "multi:softprob")
"""Objectives whose prediction is a probability."""


@dataclass(frozen=True)
class XgboostNative:
    """An ``xgboost.Booster``.

    Attributes:
        booster: fitted.
        classes: values that the probabilities are of.
        rounds: first and last round that is asked, (0, 0) for all.
        missing: the number that means that a value is missing.
    """

    booster: Any
    classes: tuple[Any, ...]
    rounds: tuple[int, int] = (0, 0)
    missing: float = math.nan
    suffix = ".ubj"
    of_frames = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it was trained on."""
        return tuple(self.booster.feature_names or ())

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.booster.num_features())

    def listed(self, features: Sequence[Feature]) -> Mapping[int, tuple[Any, ...]]:
        """Return the categories that the booster stores; BadInput where it has some and does not say which."""
        kinds = self.booster.feature_types or ()
        stored = self.booster.get_categories(export_to_arrow=True).to_arrow() if "c" in kinds else None
        held = {i: tuple(v.to_pylist()) for i, (_, v) in enumerate(stored or ()) if v is not None}
        for i, kind in enumerate(kinds):
            if kind == "c" and i not in held and features[i].dtype == "category":
                raise BadInput(
                    f"The booster does not say which categories the codes of {features[i].name!r} stand for. "
                    "Train it with XGBoost 3.1 or newer, on a frame."
                )
        return held

    def probabilities(self, given: Any) -> Floats:
        """Return the probabilities (n, k), float32."""
        return one_or_more(
            self.booster.inplace_predict(
                given, iteration_range=self.rounds, missing=self.missing, validate_features=False
            )
        )

    def save(self, path: Path) -> None:
        """Write the model as UBJSON."""
        self.booster.save_model(path)


def of_booster(booster: Any) -> XgboostNative:
    """Return an ``xgboost.Booster``'s prediction; BadInput unless it predicts probabilities with trees."""
    about = json.loads(booster.save_config())["learner"]
    objective, kind = about["objective"]["name"], about["gradient_booster"]["name"]
    if objective not in OBJECTIVES or kind == "gblinear":
        raise BadInput(
            f"The objective of an xgboost.Booster must be one of {', '.join(OBJECTIVES)}, and its parts trees. "
            f"Got {objective} by {kind}. Wrap its prediction in a CallableTarget."
        )
    return XgboostNative(booster, tuple(range(max(2, int(about["learner_model_param"]["num_class"])))))


def of_wrapper(model: Any) -> XgboostNative:
    """Return the prediction of a fitted ``XGBClassifier``; BadInput as ``of_booster``."""
    inside = of_booster(model.get_booster())
    best = getattr(model, "best_iteration", None) if model.early_stopping_rounds is not None else None
    rounds = (0, 0) if best is None else (0, int(best) + 1)
    return XgboostNative(inside.booster, tuple(model.classes_), rounds, float(model.missing))


def load(path: Path) -> Any:
    """Return the booster in a file."""
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(path)
    return booster
