"""The models that are held against each other: read from files, agreed on their columns, made into targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from vauban.contracts import Target
from vauban.errors import BadInput
from vauban.project.build import word
from vauban.records import Records
from vauban.schema import Schema
from vauban.targets import BoosterTarget, EstimatorTarget, is_booster, read_model
from vauban.targets.columns import column_names


@dataclass(frozen=True, eq=False)
class Models:
    """A candidate, and the reference where there is one.

    Attributes:
        new, old: as read; None: there is none.
        names: of their files.
        thresholds: from which on each blocks; None: the reference's own, or that of its kind.
        positive: values of a label that are harmful.
    """

    new: Any = None
    old: Any = None
    names: tuple[str, str] = ("candidate", "reference")
    thresholds: tuple[float | None, float | None] = (None, None)
    positive: tuple[str, ...] = ()

    @staticmethod
    def read(
        new: Path | None,
        old: Path | None,
        thresholds: tuple[float | None, float | None],
        positive: tuple[str, ...],
        *,
        allow_pickle: bool,
    ) -> Models:
        """Return the models in files; BadInput where one cannot be read, or where they read different columns."""
        made = [None if path is None else read_model(path, allow_pickle=allow_pickle) for path in (new, old)]
        names = (new.name if new is not None else "candidate", old.name if old is not None else "reference")
        one, other = (None if m is None else _reads(m) for m in made)
        if one is not None and other is not None and set(one) != set(other):
            apart = sorted(set(one) ^ set(other))
            raise BadInput(
                f"{names[0]} and {names[1]} read different columns ({', '.join(apart[:8])}): they cannot be held "
                "against each other on the same records."
            )
        return Models(made[0], made[1], names, thresholds, positive)

    def read_of(self, raw: pd.DataFrame, aside: Sequence[str], where: str) -> pd.DataFrame:
        """Return the columns that the models read; all but those ``aside`` where they do not say.

        Raises:
            BadInput: some are missing.
        """
        wanted = next((names for m in (self.new, self.old) if m is not None and (names := _reads(m))), None)
        if wanted:
            absent = [c for c in wanted if c not in raw.columns]
            if absent:
                raise BadInput(
                    f"{where} lacks {len(absent)} of the {len(wanted)} columns that the model reads: "
                    f"{', '.join(absent[:10])}. It holds: {', '.join(map(str, raw.columns[:20]))}."
                )
            return raw[list(wanted)]
        return raw.drop(columns=[c for c in aside if c in raw.columns])

    def targets(self, schema: Schema, sample: Records) -> tuple[Target, Target | None]:
        """Return candidate and reference as targets of records of a schema."""
        new, old = self.thresholds
        reference = None if self.old is None else self._target(self.old, schema, sample, old, None, self.names[1])
        if self.new is None:
            raise BadInput("Name the model whose predictions these are: --model FILE.")
        same = new if new is not None or reference is None else float(reference.threshold)
        return self._target(self.new, schema, sample, same, None, self.names[0]), reference

    def beside(self, own: Target) -> tuple[Target, Target | None]:
        """Return candidate and reference for records of a system: without a candidate, its own model is reviewed."""
        sample = getattr(own, "sample", None)
        new, old = self.thresholds
        harmful = getattr(own, "harmful", None)
        reference = own
        if self.old is not None:
            limit = own.threshold if old is None else old
            reference = self._target(self.old, own.schema, sample, limit, harmful, self.names[1])
        elif old is not None:
            raise BadInput("--reference-threshold is for a --reference from a file.")
        if self.new is not None:
            limit = float(reference.threshold) if new is None else new
            return self._target(self.new, own.schema, sample, limit, harmful, self.names[0]), reference
        if new is not None:
            if not isinstance(own, (EstimatorTarget, BoosterTarget)):
                raise BadInput(f"The threshold of {own.name!r} cannot be moved here. Name the model's file: --model.")
            return replace(own, threshold=new), reference
        return own, None if self.old is None else reference

    def _target(
        self, model: Any, schema: Schema, sample: Records | None, limit: float | None, harmful: Any, name: str
    ) -> Target:
        value = self._harmful(model) if harmful is None else harmful
        if is_booster(model):
            return BoosterTarget(model, schema, 0.5 if limit is None else limit, value, name)
        _width(model, schema, name)
        return EstimatorTarget(model, schema, math.nan if limit is None else limit, value, name, sample)

    def _harmful(self, model: Any) -> Any:
        wanted = set(map(word, self.positive or ("1",)))
        found = [c for c in getattr(model, "classes_", ()) if word(c) in wanted]
        found = [c.item() if hasattr(c, "item") else c for c in found]
        return found[0] if len(found) == 1 else found or 1


def _first(model: Any) -> Any:
    steps = getattr(model, "steps", None)
    return steps[0][1] if steps else model


def _reads(model: Any) -> tuple[str, ...] | None:
    """Return the columns that a model was fitted on; None where it does not say."""
    if is_booster(model):
        from vauban.targets.booster import names_of

        return names_of(model) or None
    return column_names(_first(model)) or None


def _width(model: Any, schema: Schema, name: str) -> None:
    """Refuse a table with another number of columns than a model of a bare matrix was fitted on."""
    width = getattr(_first(model), "n_features_in_", None)
    held = len(schema.columns)
    if _reads(model) is None and width is not None and width != held:
        raise BadInput(
            f"The model {name!r} reads {width} columns, and the records have {held}. Name those that are no features: "
            "--label, --source, --time, --id, --score, --decision, --outcome."
        )
