"""Native boosters as targets, and the shorter way to the boosters inside wrappers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from vauban.contracts import Answers, Scale, Structure
from vauban.errors import BadInput, TargetError
from vauban.records import Floats, Records
from vauban.schema import Schema, TableSchema
from vauban.targets import catboost, lightgbm, xgboost
from vauban.targets.deciding import answers_from, harmful_columns, rounded
from vauban.targets.native import Native, Reader, reader
from vauban.threat import Grant

LIBRARIES: dict[str, ModuleType] = {"xgboost": xgboost, "lightgbm": lightgbm, "catboost": catboost}
FORMATS = {".ubj": xgboost, ".json": xgboost, ".txt": lightgbm, ".cbm": catboost}
"""The libraries' own file formats: they hold numbers and names, and run nothing when they are read."""


@dataclass(frozen=True)
class BoosterTarget:
    """An ``xgboost.Booster``, ``lightgbm.Booster`` or ``catboost.CatBoost``: its own prediction of probabilities.

    Columns are found by the names that the booster was trained on, or taken in the schema's order where it knows none.
    It predicts with as many rounds as its library does unasked.

    Attributes:
        booster: fitted, for two or more classes.
        schema: of the records. Columns that were of dtype category in training are so here.
        threshold: scores at or above it are blocked.
        harmful: the harmful class, or several: the score is the sum of their probabilities. Boosters of XGBoost and
            LightGBM count classes from 0.
        name: shown in reports.

    Raises:
        BadInput: it is no such booster, predicts no probabilities, or does not fit the schema.
    """

    booster: Any
    schema: Schema
    threshold: float = 0.5
    harmful: Any = 1
    name: str = "booster"
    deterministic: bool = True
    scale: Scale = Scale.PROBABILITY
    grants: frozenset[Grant] = frozenset({Grant.LABEL, Grant.SCORE})

    def __post_init__(self) -> None:
        """Refuse what is no booster of these records."""
        if not is_booster(self.booster):
            raise BadInput(
                f"The model {self.name!r} must be an xgboost.Booster, a lightgbm.Booster or a catboost.CatBoost. "
                f"Got {type(self.booster).__name__}."
            )
        harmful, _ = harmful_columns(self.harmful, self.reader.native.classes, self.name)
        object.__setattr__(self, "harmful", harmful)

    @cached_property
    def reader(self) -> Reader:
        """The booster, with the way from encoded records to it."""
        if not isinstance(self.schema, TableSchema):
            raise BadInput(f"The booster {self.name!r} needs the schema of a table. Got {type(self.schema).__name__}.")
        library = _library(self.booster)
        return reader(library.of_booster(self.booster), self.schema, self.name)

    @cached_property
    def _columns(self) -> tuple[int, ...]:
        return harmful_columns(self.harmful, self.reader.native.classes, self.name)[1]

    def answer(self, records: Records, want: frozenset[Grant]) -> Answers:
        """Return what the booster says of encoded records; TargetError if it fails or was never granted that."""
        if want - self.grants:
            raise TargetError(f"The model {self.name!r} cannot answer {', '.join(sorted(want - self.grants))}.")
        if not len(records):
            return Answers(np.empty(0, np.int8), np.empty(0))
        given = self.reader.prepared(records)
        started = time.perf_counter()
        try:
            scores = summed(self.reader.probabilities(given), self._columns)
        except Exception as error:
            raise TargetError(f"The model {self.name!r} failed on {len(records)} records: {error}") from error
        return answers_from(scores, len(records), self.threshold, time.perf_counter() - started, self.name)

    def structure(self) -> Structure:
        """Raise TargetError: a sum over trees is no sum over features."""
        raise TargetError(
            f"The structure of {self.name!r} cannot be read: structure is granted for linear models and scorecards."
        )


def is_booster(model: Any) -> bool:
    """Return whether this is a native booster, not one in a wrapper with scikit-learn's methods."""
    return _library(model) is not None and not hasattr(model, "predict_proba")


def read_booster(path: Path) -> Any:
    """Return the booster that ``Native.save`` wrote to a file."""
    return FORMATS[path.suffix.lower()].load(path)


def summed(probabilities: Any, columns: tuple[int, ...]) -> Floats:
    """Return the sum (n,) of some columns of probabilities (n, k), as float64."""
    wide = np.asarray(probabilities, dtype=np.float64)
    total = wide[:, columns[0]].copy()
    for column in columns[1:]:  # one by one: a sum along the axis goes by the layout of the batch
        total += wide[:, column]
    return np.minimum(total, 1.0) if len(columns) > 1 else total


def shortcut(
    model: Any, schema: TableSchema, sample: Records, columns: tuple[int, ...], score: Callable[[Records], Floats]
) -> Reader | None:
    """Return the native way to the booster inside a wrapper, where it gives the same scores; otherwise None.

    Args:
        model: a fitted ``XGBClassifier``, ``LGBMClassifier`` or ``CatBoostClassifier``; anything else gives None.
        schema: of the records.
        sample: real encoded records (m, d): they, and the first of them with each listed value put in, are the proof.
        columns: of the probabilities that make the score.
        score: encoded records (n, d) to what the wrapper says (n,).
    """
    library = _library(model)
    if library is None or not hasattr(model, "predict_proba") or not len(sample):
        return None
    of = library.of_booster if library is catboost else library.of_wrapper
    try:
        way = reader(of(model), schema, type(model).__name__)
    except BadInput:
        return None  # the wrapper may still take such records, and says itself if it does not
    probes = _probes(schema, sample[:200])
    told = summed(way.probabilities(way.prepared(probes)), columns)
    same = np.array_equal(rounded(told), rounded(np.asarray(score(probes), dtype=np.float64)))
    return way if same else None


def _probes(schema: TableSchema, sample: Records) -> Records:
    probes = [sample]
    for j, feature in enumerate(schema.features):
        if feature.listed:
            probe = np.repeat(sample[:1], len(feature.values), axis=0)
            probe[:, j] = np.arange(len(feature.values))
            probes.append(probe)
    return np.concatenate(probes)


def _library(model: Any) -> Any:
    roots = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    return next((module for root, module in LIBRARIES.items() if root in roots), None)


def names_of(booster: Any) -> tuple[str, ...]:
    """Return the columns that a native booster was trained on, in order; empty where it knows none."""
    return tuple(map(str, _library(booster).of_booster(booster).names))


def native_of(target: BoosterTarget) -> Native:
    """Return the booster of a target, which can save itself."""
    return target.reader.native
