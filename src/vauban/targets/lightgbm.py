"""LightGBM: ``lightgbm.Booster``, and what is inside an ``LGBMClassifier``.

Thresholds are float64 and a record goes left iff ``value <= threshold`` (LightGBM/include/LightGBM/tree.h): records are
handed over as float64, as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vauban.errors import BadInput
from vauban.records import Floats
from vauban.schema import Feature
from vauban.targets.native import SMALL, one_or_more

OBJECTIVES = ("binary", "cross_entropy", "multiclass")
"""Objectives whose prediction is a probability; those of multiclassova need not add up to one."""


@dataclass(frozen=True)
class LightgbmNative:
    """A ``lightgbm.Booster``.

    Attributes:
        booster: fitted.
        classes: values that the probabilities are of.
    """

    booster: Any
    classes: tuple[Any, ...]
    suffix = ".txt"
    of_frames = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it was trained on, white space replaced; empty where LightGBM named them."""
        names = tuple(self.booster.feature_name())
        return () if names == tuple(f"Column_{i}" for i in range(len(names))) else names

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.booster.num_feature())

    def listed(self, features: Sequence[Feature]) -> Mapping[int, tuple[Any, ...]]:
        """Return the categories that the booster stores: in the order of the columns that were of dtype category."""
        stored = self.booster.pandas_categorical or []
        typed = [i for i, f in enumerate(features) if f.dtype == "category" and len(f.columns) == 1]
        if len(typed) != len(stored):
            raise BadInput(
                f"The booster was trained on {len(stored)} columns of dtype category. Its schema has {len(typed)}: "
                f"{', '.join(features[i].name for i in typed) or 'none'}."
            )
        return {i: tuple(values) for i, values in zip(typed, stored, strict=True)}

    def probabilities(self, given: Any) -> Floats:
        """Return the probabilities (n, k)."""
        threads = {"num_threads": 1} if len(given) <= SMALL else {}
        return one_or_more(self.booster.predict(given, **threads))

    def save(self, path: Path) -> None:
        """Write the model as LightGBM's text."""
        self.booster.save_model(path)


def of_booster(booster: Any) -> LightgbmNative:
    """Return a ``lightgbm.Booster``'s prediction; BadInput unless it predicts probabilities."""
    found = re.search(r"^objective=(\S+)", booster.model_to_string(num_iteration=1), flags=re.M)
    objective = found.group(1) if found else "an objective of its own"
    if objective not in OBJECTIVES:
        raise BadInput(
            f"The objective of a lightgbm.Booster must be one of {', '.join(OBJECTIVES)}. Got {objective}. "
            "Wrap its prediction in a CallableTarget."
        )
    return LightgbmNative(booster, tuple(range(max(2, int(booster.num_model_per_iteration())))))


def of_wrapper(model: Any) -> LightgbmNative:
    """Return the prediction of a fitted ``LGBMClassifier``; BadInput as ``of_booster``."""
    return LightgbmNative(of_booster(model.booster_).booster, tuple(model.classes_))


def load(path: Path) -> Any:
    """Return the booster in a file."""
    import lightgbm

    return lightgbm.Booster(model_file=path)
