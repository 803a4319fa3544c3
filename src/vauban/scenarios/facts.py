"""From a data set's facts (who can change what, at what price) to a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vauban.schema import FORBIDDEN, Feature, Kind, Price, TableSchema, relation_in


def schema_from_facts(facts: Mapping[str, Any], train: pd.DataFrame) -> TableSchema:
    """Return the schema of a table.

    Prices of facts without a ``unit`` are per training standard deviation: the unit is then ``effort``.

    Args:
        facts: the parsed file of ``vauban.datasets`` for the table.
        train: raw training records, for standard deviations and dtypes.
    """
    unit = facts.get("unit")
    features = tuple(_feature(f, train[f["name"]], per_deviation=unit is None) for f in facts["features"])
    return TableSchema(features, unit or "effort", tuple(relation_in(r) for r in facts.get("relations", ())))


def _feature(fact: Mapping[str, Any], column: pd.Series[Any], *, per_deviation: bool) -> Feature:
    kind = Kind(fact["kind"])
    lower, upper = fact.get("bounds", (-np.inf, np.inf))
    values = tuple(fact.get("categories", ()))
    scale = float(column.std()) if per_deviation and kind in (Kind.NUMERIC, Kind.INTEGER) else 1.0
    return Feature(
        name=fact["name"],
        kind=kind,
        lower=float(lower),
        upper=float(upper),
        step=fact.get("step"),
        values=values,
        price=_price(fact, kind, len(values), scale) if fact["mutable"] else Price(),
        dtype=str(column.dtype),
        note=fact.get("note", ""),
    )


def _price(fact: Mapping[str, Any], kind: Kind, k: int, scale: float) -> Price:
    cost = fact["cost"]
    if kind is Kind.CATEGORICAL:
        matrix = fact.get("cost_matrix")
        if matrix is not None:
            return Price(moves=tuple(tuple(FORBIDDEN if c is None else float(c) for c in row) for row in matrix))
        return Price.flat(k, cost["change"], rising=fact["direction"] == "up")
    return Price(up=cost.get("up", FORBIDDEN) / scale, down=cost.get("down", FORBIDDEN) / scale)
