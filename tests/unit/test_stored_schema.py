"""A schema stored as JSON is the same schema when it is read again."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.errors import BadInput
from vauban.schema import FORBIDDEN, Feature, Kind, Price, TableSchema, TextSchema, from_stored, to_stored

PRICES = st.floats(0, 1e6) | st.just(FORBIDDEN)
NUMBERS = st.floats(-1e9, 1e9)
WORDS = st.text(max_size=8)


@st.composite
def features(draw: st.DrawFn, name: str) -> Feature:
    kind = draw(st.sampled_from(list(Kind)))
    note = draw(WORDS)
    if kind in (Kind.NUMERIC, Kind.INTEGER):
        low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
        high += 2000  # room for a multiple of any step
        return Feature(
            name,
            kind,
            draw(st.sampled_from([low, -math.inf])),
            draw(st.sampled_from([high, math.inf])),
            draw(st.none() | st.floats(1e-3, 1e3)),
            price=Price(draw(PRICES), draw(PRICES)),
            dtype=draw(
                st.sampled_from(["float64", "float32"] if kind is Kind.NUMERIC else ["float64", "int64", "Int64"])
            ),
            note=note,
        )
    values: tuple[Any, ...] = (False, True)
    if kind is not Kind.BOOLEAN:
        one = st.lists(WORDS, min_size=1, max_size=4, unique=True) | st.lists(
            st.integers(), min_size=1, max_size=4, unique=True
        )
        values = tuple(draw(one))
    k = len(values)
    price = Price(draw(PRICES), draw(PRICES)) if kind is Kind.ORDINAL else Price()
    if draw(st.booleans()):
        price = Price(moves=tuple(tuple(draw(PRICES) for _ in range(k)) for _ in range(k)))
    columns = tuple(f"{name}-{i}" for i in range(k)) if k > 1 and draw(st.booleans()) else ()
    return Feature(name, kind, values=values, price=price, columns=columns, dtype="object", note=note)


@st.composite
def tables(draw: st.DrawFn) -> TableSchema:
    names = draw(st.lists(st.text("abcdé '\"", min_size=1, max_size=5), min_size=1, max_size=4, unique=True))
    return TableSchema(tuple(draw(features(name)) for name in names), draw(WORDS))


TEXTS = st.builds(
    TextSchema,
    longest=st.none() | st.integers(1, 500),
    added=PRICES,
    removed=PRICES,
    changed=PRICES,
    character=st.floats(0, 9),
    payload=st.lists(st.sampled_from([r"\d+", "https?://", "[£$]"]), max_size=3).map(tuple),
    column=WORDS,
    unit=WORDS,
)


@settings(max_examples=150, deadline=None)
@given(tables() | TEXTS)
def test_the_same_schema_comes_back(schema: TableSchema | TextSchema) -> None:
    text = json.dumps(to_stored(schema), allow_nan=False)
    assert from_stored(json.loads(text)) == schema


def test_the_same_prices_come_back() -> None:
    schema = TableSchema(
        (
            Feature("x", Kind.NUMERIC, 0, 10, 0.1, price=Price(1 / 3, FORBIDDEN)),
            Feature("c", Kind.CATEGORICAL, values=("a", "b"), price=Price(moves=((0, FORBIDDEN), (0.7, 0)))),
        )
    )
    read = from_stored(json.loads(json.dumps(to_stored(schema))))
    before, after = np.array([[1.0, 1], [1.0, 0], [5.0, 0]]), np.array([[2.0, 0], [1.0, 1], [4.0, 0]])
    assert read.cost(before, after).tolist() == schema.cost(before, after).tolist() == [1 / 3 + 0.7, math.inf, math.inf]


STORED = to_stored(TableSchema((Feature("x", Kind.NUMERIC, price=Price(1, 1)),)))


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"kind": "messages"},
        {"kind": "table"},
        {**STORED, "features": [{}]},
        {**STORED, "features": [{**STORED["features"][0], "kind": "colour"}]},
        {**STORED, "features": [{**STORED["features"][0], "price": None}]},
        {**STORED, "features": [{**STORED["features"][0], "price": {"up": "much", "down": 1, "moves": None}}]},
        {**STORED, "features": [{**STORED["features"][0], "price": {"up": -1, "down": 1, "moves": None}}]},
        {**STORED, "features": [{**STORED["features"][0], "lower": 5, "upper": 1}]},
        {**STORED, "features": 3},
        3,
        None,
    ],
    ids=str,
)
def test_what_is_no_schema(damaged: Any) -> None:
    with pytest.raises(BadInput):
        from_stored(damaged)
