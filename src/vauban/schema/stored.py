"""A schema as plain JSON values and back: run folders hold it, so that anybody can check a success."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from vauban.errors import BadInput
from vauban.schema.feature import FORBIDDEN, Feature, Kind, Price
from vauban.schema.stored_relations import relation_in, relation_out
from vauban.schema.table import TableSchema
from vauban.schema.text import TextSchema

_TEXT = ("longest", "added", "removed", "changed", "character", "payload", "column", "unit")


def to_stored(schema: TableSchema | TextSchema) -> dict[str, Any]:
    """Return a schema as JSON values; FORBIDDEN prices and missing bounds are null."""
    if isinstance(schema, TextSchema):
        return {"kind": "messages", **{name: _finite(getattr(schema, name)) for name in _TEXT}}
    return {
        "kind": "table",
        "unit": schema.unit,
        "features": [_feature_out(f) for f in schema.features],
        "relations": [relation_out(r) for r in schema.relations],
    }


def from_stored(stored: Mapping[str, Any]) -> TableSchema | TextSchema:
    """Return the schema that ``to_stored`` made these of; BadInput if they are none."""
    try:
        if stored["kind"] == "messages":
            given = {name: stored[name] for name in _TEXT}
            for price in ("added", "removed", "changed", "character"):
                given[price] = _price(given[price])
            return TextSchema(**{**given, "payload": tuple(given["payload"])})
        features = tuple(_feature_in(f) for f in stored["features"])
        return TableSchema(features, stored["unit"], tuple(relation_in(r) for r in stored.get("relations", ())))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"The stored schema is damaged: {type(error).__name__} at {error}.") from error


def _finite(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _price(value: float | None) -> float:
    return FORBIDDEN if value is None else float(value)


def _feature_out(f: Feature) -> dict[str, Any]:
    return {
        "name": f.name,
        "kind": f.kind.value,
        "lower": _finite(f.lower),
        "upper": _finite(f.upper),
        "step": f.step,
        "values": list(f.values),
        "columns": list(f.columns),
        "dtype": f.dtype,
        "note": f.note,
        "price": {"up": _finite(f.price.up), "down": _finite(f.price.down), "moves": _finite(f.price.moves)},
    }


def _feature_in(stored: Mapping[str, Any]) -> Feature:
    moves = stored["price"]["moves"]
    return Feature(
        name=stored["name"],
        kind=Kind(stored["kind"]),
        lower=-math.inf if stored["lower"] is None else stored["lower"],
        upper=math.inf if stored["upper"] is None else stored["upper"],
        step=stored["step"],
        values=tuple(stored["values"]),
        columns=tuple(stored["columns"]),
        dtype=stored["dtype"],
        note=stored["note"],
        price=Price(
            _price(stored["price"]["up"]),
            _price(stored["price"]["down"]),
            None if moves is None else tuple(tuple(_price(c) for c in row) for row in moves),
        ),
    )
