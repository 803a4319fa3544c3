"""CatBoost: ``catboost.CatBoost`` and ``CatBoostClassifier``, which predict in the same way.

Numbers are float32 and a record goes right iff ``value > border``. Categories are hashed from the raw values, so a
model that has some takes a frame; it refuses missing ones, which CatBoost wants written out as a text of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vauban.errors import BadInput
from vauban.records import Floats
from vauban.schema import Feature
from vauban.targets.native import SMALL

OBJECTIVES = ("Logloss", "CrossEntropy", "MultiClass")
"""Objectives whose prediction is a probability; those of MultiClassOneVsAll need not add up to one."""


@dataclass(frozen=True)
class CatboostNative:
    """A ``catboost.CatBoost``.

    Attributes:
        booster: fitted.
        classes: values that the probabilities are of.
    """

    booster: Any
    classes: tuple[Any, ...]
    suffix = ".cbm"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it was trained on; empty where CatBoost numbered them."""
        return column_names(self.booster) or ()

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.booster.feature_names_)

    @property
    def of_frames(self) -> bool:
        """Whether it has categories."""
        return bool(self.booster.get_cat_feature_indices())

    def listed(self, features: Sequence[Feature]) -> Mapping[int, tuple[Any, ...]]:  # noqa: ARG002 - as the protocol
        """Return nothing: no code stands for a category."""
        return {}

    def probabilities(self, given: Any) -> Floats:
        """Return the probabilities (n, k)."""
        threads = 1 if len(given) <= SMALL else -1
        asked = given.astype(np.float32) if isinstance(given, np.ndarray) else given
        told = self.booster.predict(asked, prediction_type="Probability", thread_count=threads)
        return np.asarray(told, dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write the model in CatBoost's binary format."""
        self.booster.save_model(str(path))


def column_names(model: Any) -> tuple[str, ...] | None:
    """Return the names of a model's columns; None where it was trained on a bare matrix and CatBoost numbered them."""
    names = tuple(model.feature_names_)
    return None if names == tuple(map(str, range(len(names)))) else names


def of_booster(booster: Any) -> CatboostNative:
    """Return a fitted ``catboost.CatBoost``'s prediction; BadInput unless it predicts probabilities."""
    if not booster.is_fitted():
        raise BadInput("The CatBoost model is not fitted. Fit it, or load it from its file.")
    objective = booster.get_all_params()["loss_function"]
    if objective not in OBJECTIVES:
        raise BadInput(
            f"The loss function of a catboost.CatBoost must be one of {', '.join(OBJECTIVES)}. Got {objective}. "
            "Wrap its prediction in a CallableTarget."
        )
    return CatboostNative(booster, tuple(booster.classes_))


def load(path: Path) -> Any:
    """Return the model in a file."""
    import catboost

    return catboost.CatBoost().load_model(str(path))
