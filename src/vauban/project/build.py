"""From a ``vauban.toml`` to the system under audit: the same steps for init, check, audit and verify."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vauban.contracts import Target, Trainer
from vauban.errors import BadInput, unknown
from vauban.filters import Filter
from vauban.project.reading import moments, read_as
from vauban.project.retrain import trainer_of
from vauban.project.schema import table_schema, text_schema
from vauban.project.settings import Settings, read_settings
from vauban.project.tables import read_table
from vauban.records import with_columns
from vauban.schema import Schema
from vauban.system import HELD_OUT, SHARES, Economics, Labels, Parts, System, split
from vauban.targets import BoosterTarget, EstimatorTarget, ReferringTarget, is_booster, read_model
from vauban.threat import Budget, Cell, Grant, ThreatModel

ATTACKER = {
    Cell.EI: "whoever a harmful record is about, and can change it as vauban.toml says",
    Cell.EA: "whoever wants good records blocked, and can change them as vauban.toml says",
}


@dataclass(frozen=True)
class Project:
    """A user's model and data, as ``vauban.toml`` says; it offers what a scenario does.

    Attributes:
        settings: the file's contents.
        allow_pickle: whether the model may be a pickle, which runs the code in it.
    """

    settings: Settings
    allow_pickle: bool = False
    _model: list[Any] = field(default_factory=list, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.settings.path.stem if self.settings.path.stem != "vauban" else "your model"

    @property
    def hash(self) -> str:
        """SHA-256 of the file: a run goes on only with the one that it was started with."""
        return hashlib.sha256(self.settings.path.read_bytes()).hexdigest()

    def model(self) -> Any:
        """Return the model, read once."""
        if not self._model:
            about = self.settings.model
            path = self.settings.beside(about["file"])
            self._model.append(read_model(path, trust=about.get("trust", ()), allow_pickle=self.allow_pickle))
        return self._model[0]

    def table(self) -> tuple[pd.DataFrame, Labels, Any, dict[str, int]]:
        """Return records as the model receives them, labels, times or None, and how many were left out and why."""
        return prepared(self.settings, read_table(self.settings.beside(self.settings.data["file"])))

    def schema(self, frame: pd.DataFrame) -> Schema:
        """Return the schema of the records."""
        return text_schema(self.settings) if "text" in self.settings.data else table_schema(self.settings, frame)

    def parts(self, seed: int) -> tuple[Parts, dict[str, int]]:
        """Return the data in parts, and how many records were left out and why."""
        frame, labels, times, removed = self.table()
        shares = SHARES if self.settings.model.get("trained_on_this_file", False) else HELD_OUT
        return split(frame, labels, seed, shares, times), removed

    def target(self, parts: Parts) -> Target:
        """Return the model as a target."""
        about, model = self.settings.model, self.model()
        schema = self.schema(pd.concat([p.frame for p in (parts.train, parts.tuning, parts.known, parts.victims)]))
        harmful = about.get("harmful", 1)
        limit, refer = about.get("threshold"), about.get("refer")
        name = type(model).__name__
        if is_booster(model):
            target: Target = BoosterTarget(model, schema, 0.5 if limit is None else limit, harmful, name)
        else:
            sample = schema.encode(parts.tuning.frame)
            target = EstimatorTarget(model, schema, math.nan if limit is None else limit, harmful, name, sample)
        return target if refer is None else ReferringTarget(target, float(refer))

    def trainer(self, parts: Parts) -> Trainer:
        """Return the retraining procedure that [retrain] names; BadInput where it names none."""
        return trainer_of(self.settings, self.target(parts))

    def system(self, data: str | None = None, model: str | None = None, seed: int = 0) -> System:  # noqa: ARG002
        """Return the system under audit; ``data`` and ``model`` are those that the file names."""
        parts, removed = self.parts(self.settings_seed(seed))
        target = self.target(parts)
        about = {
            "name": self.settings.data["file"],
            "kind": str(target.schema.modality.value),
            "source": f"Your data, as {self.settings.path.name} says.",
            "removed": removed,
        }
        harmful = str(self.settings.data.get("harmful", "harmful"))
        trainer = trainer_of(self.settings, target) if self.settings.retrain else None
        return System(self.name, target, parts, self.economics(parts), about, harmful, trainer)

    def settings_seed(self, seed: int) -> int:
        """Return the seed of the split: init's, where the model was trained on a part of this file."""
        return 0 if self.settings.model.get("trained_on_this_file", False) else seed

    def economics(self, parts: Parts) -> Economics | None:
        """Return what errors cost, as [losses] says; None without it."""
        losses = self.settings.losses
        if not losses:
            return None
        frame = parts.victims.frame
        for key in ("miss_of", "block_of", "gain_of"):
            name = losses.get(key)
            if name is not None and name not in frame.columns:
                raise unknown(f"column in [losses] {key}", name, map(str, frame.columns))
            if name is not None and not pd.api.types.is_numeric_dtype(frame[name]):
                raise BadInput(f"[losses] {key} must name a column of amounts. {name!r} holds {frame[name].dtype}.")
        return Economics(**losses)

    def expectations(self, data: str) -> Mapping[str, str]:  # noqa: ARG002 - suites say what is expected
        """Return what is expected of features: nothing, until a suite or an option says so."""
        return {}

    def threats(
        self, cells: Sequence[str], grants: frozenset[Grant], budget: Budget, where: str | None
    ) -> tuple[ThreatModel, ...]:
        """Return the threat models of the named cells; BadInput for cells that are not exploratory."""
        for cell in cells:
            if cell not in list(ATTACKER):
                raise unknown("cell", cell, [c.value for c in ATTACKER])
        aim = None if where is None else Filter(where)
        said: Mapping[str, str] = self.settings.attacker
        return tuple(
            ThreatModel(cell, said.get(cell.value, who), grants, budget, where=aim)
            for cell, who in ATTACKER.items()
            if cell in cells
        )


def read_project(path: Path, *, allow_pickle: bool = False) -> Project:
    """Return the project of a ``vauban.toml``; BadInput if it cannot be read. Model and data are not yet."""
    return Project(read_settings(path), allow_pickle)


def prepared(settings: Settings, raw: pd.DataFrame) -> tuple[pd.DataFrame, Labels, Any, dict[str, int]]:
    """Return records read as the settings say, labels (n,), times (n,) or None, and counts of records left out."""
    data = settings.data
    for key in ("label", "time", "text"):
        if key in data and data[key] not in raw.columns:
            raise unknown(f"column in [data] {key}", data[key], map(str, raw.columns))
    labels, known = marked(raw[data["label"]], data.get("positive"), data.get("positive_above"))
    removed = {} if known.all() else {"the label is missing": int((~known).sum())}
    raw = raw[known].reset_index(drop=True)
    frame = raw.drop(columns=data["label"])
    for name, about in settings.columns.items():
        if "read_as" in about and name in frame.columns:
            frame[name] = read_as(frame[name], about["read_as"])
        elif name in frame.columns and about.get("use", True):
            frame[name] = settled(frame[name])
    times = None
    if "time" in data:
        found = moments(raw[data["time"]])
        if found.isna().any():
            raise BadInput(
                f"[data] time: {int(found.isna().sum())} of {len(found)} values of {data['time']!r} are no times. "
                "Correct them, or delete the line: the records are then divided at random."
            )
        times = found.to_numpy()
    if "text" in data:
        frame = with_columns(frame, {data["text"]: frame[data["text"]].fillna("").astype("str").astype(object)})
    return frame, labels[known], times, removed


def marked(column: pd.Series[Any], positive: Any, above: float | None) -> tuple[Labels, Any]:
    """Return labels (n,), 1 = harmful, and where there is one (n,).

    Raises:
        BadInput: neither a value nor a bound says what is harmful, or no record is.
    """
    known = column.notna().to_numpy()
    if (positive is None) == (above is None):
        raise BadInput("[data] must say what is harmful: positive (a value, or a list) or positive_above (a number).")
    if above is not None:
        if not pd.api.types.is_numeric_dtype(column):
            raise BadInput(f"[data] positive_above needs a label of numbers. {column.name!r} holds {column.dtype}.")
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan) > above, dtype=np.int8), known
    wanted = set(map(word, positive if isinstance(positive, (list, tuple)) else [positive]))
    words = column.map(word)
    seen = sorted(set(words[known]))
    strange = sorted(wanted - set(seen))
    if strange:
        raise BadInput(
            f"The harmful value {strange[0]!r} never occurs in the label {column.name!r}. "
            f"It holds: {', '.join(seen[:8])}."
        )
    return np.asarray(words.isin(wanted) & known, dtype=np.int8), known


def word(value: Any) -> str:
    """Return a label as text: 1, 1.0 and "1" are the same, and so are True and "True"."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def settled(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with one type of values: what is mixed becomes text, as a file holds it."""
    if column.dtype != object:
        return column
    kinds = {type(v) for v in column.dropna().unique()[:1000].tolist()}
    return column if len(kinds) <= 1 else column.where(column.isna(), column.astype("str"))
