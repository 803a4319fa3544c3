"""A first schema from a frame alone: kinds and bounds as seen, everything mutable at one price. Edit it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from vauban.errors import BadInput, unknown
from vauban.schema.feature import Feature, Kind, Price
from vauban.schema.table import TableSchema

MOST_VALUES = 50
"""A column of texts with more different values than this is taken for names or ids: immutable."""


def infer_schema(frame: pd.DataFrame, immutable: Iterable[str] = ()) -> TableSchema:
    """Return a schema of a raw frame's columns.

    Whole numbers are integers, other numbers a continuum, between the least and the greatest seen; texts and categories
    are categorical, true / false boolean. A number costs 1 per standard deviation either way, any other move 1: the
    unit is ``effort``. Who can change what at what price is not to be found in data: overlay it by ``priced``.

    Raises:
        BadInput: a name in ``immutable`` is no column, or a column is of a kind that no schema can hold.
    """
    fixed = set(immutable)
    for name in fixed - set(frame.columns):
        raise unknown("column", name, map(str, frame.columns))
    return TableSchema(tuple(_feature(str(c), frame[c], mutable=c not in fixed) for c in frame.columns))


def _feature(name: str, column: pd.Series[Any], *, mutable: bool) -> Feature:
    dtype = str(column.dtype)
    if pd.api.types.is_bool_dtype(column):
        return Feature(name, Kind.BOOLEAN, price=Price.flat(2, 1.0) if mutable else Price(), dtype=dtype)
    if pd.api.types.is_numeric_dtype(column):
        return _number(name, column, dtype, mutable=mutable)
    values = column.dropna().unique().tolist()
    if not all(isinstance(v, (str, bool)) for v in values):
        raise BadInput(f"The column {name!r} ({dtype}) is neither numbers, texts nor true / false. Convert it first.")
    listed = tuple(sorted(values, key=str))
    price = Price.flat(len(listed), 1.0) if mutable and 1 < len(listed) <= MOST_VALUES else Price()
    return Feature(name, Kind.CATEGORICAL, values=listed or ("",), price=price, dtype=dtype)


def _number(name: str, column: pd.Series[Any], dtype: str, *, mutable: bool) -> Feature:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = numbers[~np.isnan(numbers)]
    if not np.isfinite(numbers).all():
        raise BadInput(f"The column {name!r} holds infinite numbers. Replace them first.")
    if not len(numbers):
        return Feature(name, Kind.NUMERIC, dtype=dtype)
    whole = bool((numbers == np.round(numbers)).all())
    deviation = float(numbers.std())
    price = Price(1 / deviation, 1 / deviation) if mutable and deviation > 0 else Price()
    kind = Kind.INTEGER if whole else Kind.NUMERIC
    return Feature(name, kind, float(numbers.min()), float(numbers.max()), price=price, dtype=dtype)
