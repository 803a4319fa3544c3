"""A booster's own prediction from a matrix of numbers: no frame is built for it, and no wrapper is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vauban.errors import BadInput
from vauban.records import Floats, Records
from vauban.schema import Feature, TableSchema

SMALL = 2000
"""Rows up to which one thread is faster than starting several."""


class Native(Protocol):
    """A fitted booster, as its own library predicts with it.

    Attributes:
        classes: what it tells apart, in the order of its probabilities (k,).
        names: the columns that it was trained on, in order; empty where it was trained on a bare matrix.
        width: number of columns.
        of_frames: whether it takes only a frame with the raw values: CatBoost, with categories.
        suffix: of its own file format.
    """

    @property
    def classes(self) -> tuple[Any, ...]: ...  # noqa: D102 - see above

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def width(self) -> int: ...  # noqa: D102

    @property
    def of_frames(self) -> bool: ...  # noqa: D102

    @property
    def suffix(self) -> str: ...  # noqa: D102

    def listed(self, features: Sequence[Feature]) -> Mapping[int, tuple[Any, ...]]:
        """Return, by column, the values that the codes 0, 1, ... of a category stand for in the trees.

        Args:
            features: the feature of each of the model's columns.
        """
        ...

    def probabilities(self, given: Any) -> Floats:
        """Return the probabilities (n, k) of a matrix (n, width), or of a frame if ``of_frames``."""
        ...

    def save(self, path: Path) -> None:
        """Write the model to a file in its own format."""
        ...


def one_or_more(scores: Any) -> Floats:
    """Return probabilities (n, k) from those of a binary model's second class (n,); (n, k) ones as they are."""
    scores = np.asarray(scores)
    return scores if scores.ndim == 2 else np.column_stack((1.0 - scores, scores))


def plain(name: str) -> str:
    """Return a column's name as LightGBM stores it: without white space."""
    return re.sub(r"\s", "_", name)


@dataclass(frozen=True)
class Column:
    """Where one of the model's columns comes from: feature ``source``, and what is made of its encoded value.

    ``codes`` holds what each index of a listed feature becomes, NaN last; ``member`` is the column's place in a one-hot
    group; ``dtype`` is what a number is cast to on its way. None of them: the value as it is.
    """

    source: int
    codes: Floats | None = None
    member: int | None = None
    dtype: str | None = None

    @property
    def as_it_is(self) -> bool:
        """Whether nothing is made of the encoded value."""
        return self.codes is None and self.member is None and self.dtype is None

    def read(self, encoded: Floats) -> Floats:
        """Return what the model receives (n,) for a feature's encoded values (n,)."""
        if self.member is not None:
            return np.asarray(encoded == self.member, dtype=np.float64)
        if self.codes is not None:
            last = len(self.codes) - 1
            return np.asarray(self.codes[np.where(np.isnan(encoded), last, encoded).astype(np.intp)])
        whole = self.dtype is not None and self.dtype.startswith(("int", "uint"))
        return np.asarray(np.rint(encoded) if whole else encoded.astype(self.dtype), dtype=np.float64)


@dataclass(frozen=True)
class Reader:
    """A native booster with the way from encoded records to what it takes."""

    native: Native
    schema: TableSchema
    columns: tuple[Column, ...]

    def prepared(self, records: Records) -> Any:
        """Return what the booster takes of encoded records (n, d): a matrix (n, width), or a frame."""
        if self.native.of_frames:
            frame = self.schema.decode(records)
            return frame[list(self.native.names)] if self.native.names else frame
        out = records[:, [c.source for c in self.columns]]
        for i, column in enumerate(self.columns):
            if not column.as_it_is:
                out[:, i] = column.read(records[:, column.source])
        return np.ascontiguousarray(out)

    def probabilities(self, given: Any) -> Floats:
        """Return the probabilities (n, k) of what ``prepared`` made."""
        return self.native.probabilities(given)


def reader(native: Native, schema: TableSchema, name: str) -> Reader:
    """Return the way from encoded records to a booster.

    Raises:
        BadInput: the schema lacks columns of the model's, or holds texts where the model takes numbers.
    """
    held = [(j, i, column) for j, f in enumerate(schema.features) for i, column in enumerate(f.columns)]
    by_name = {column: (j, i) for j, i, column in held}
    if native.names:
        by_name = {**{plain(column): place for column, place in by_name.items()}, **by_name}
        absent = [n for n in native.names if n not in by_name]
        if absent:
            raise BadInput(
                f"The model {name!r} was trained on the columns {', '.join(absent)}, which its schema lacks. "
                f"It has: {', '.join(schema.columns)}."
            )
        places = [by_name[n] for n in native.names]
    elif native.width != len(held):
        raise BadInput(f"The model {name!r} takes {native.width} columns. Its schema has {len(held)}.")
    else:
        places = [(j, i) for j, i, _ in held]
    if native.of_frames:
        return Reader(native, schema, ())
    features = [schema.features[j] for j, _ in places]
    listed = native.listed(features)
    columns = tuple(_column(places[i], f, listed.get(i), name) for i, f in enumerate(features))
    return Reader(native, schema, columns)


def _column(place: tuple[int, int], feature: Feature, listed: tuple[Any, ...] | None, name: str) -> Column:
    j, member = place
    if len(feature.columns) > 1:
        return Column(j, member=member)
    if not feature.listed:
        return Column(j, dtype=None if feature.dtype.lower() == "float64" else feature.dtype.lower())
    if listed is not None:
        code = {value: float(i) for i, value in enumerate(listed)}
        return Column(j, np.array([*(code.get(v, np.nan) for v in feature.values), np.nan]))
    if not all(isinstance(v, (bool, int, float)) for v in feature.values):
        raise BadInput(
            f"The model {name!r} takes numbers in column {feature.name!r}, whose values are {feature.values[:5]}. "
            "Give the column the dtype category, as in training, or the pipeline that turns the values into numbers."
        )
    return Column(j, np.array([*feature.values, np.nan], dtype=np.float64))
