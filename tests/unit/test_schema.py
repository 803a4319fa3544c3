"""The schema of tables against a slow reference, on schemas and records that Hypothesis makes."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vauban.errors import BadInput
from vauban.schema import FORBIDDEN, Feature, Kind, Price, TableSchema, from_stored, to_stored
from vauban.schema.feature import ON_GRID

settings.register_profile("schema", deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("schema")

prices = st.one_of(st.just(FORBIDDEN), st.floats(0.001, 1000))


@st.composite
def numbers(draw, name):
    kind = draw(st.sampled_from([Kind.NUMERIC, Kind.INTEGER]))
    step = draw(st.sampled_from([None, 0.1, 0.25, 1.0, 7.0])) if kind is Kind.NUMERIC else None
    low = draw(st.one_of(st.just(-math.inf), st.integers(-50, 50).map(float), st.floats(-50, 50)))
    width = draw(st.one_of(st.just(math.inf), st.floats(14, 200)))
    price = Price(draw(prices), draw(prices))
    return Feature(name, kind, low, math.inf if math.isinf(low) else low + width, step, price=price)


@st.composite
def listed(draw, name):
    kind = draw(st.sampled_from([Kind.ORDINAL, Kind.CATEGORICAL, Kind.BOOLEAN]))
    k = 2 if kind is Kind.BOOLEAN else draw(st.integers(1, 5))
    values = (False, True) if kind is Kind.BOOLEAN else tuple(f"{name} {i}" for i in range(k))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    costs = np.where(rng.random((k, k)) < 0.3, FORBIDDEN, rng.uniform(0.1, 9, (k, k)))
    np.fill_diagonal(costs, 0)
    matrix = Price(moves=tuple(map(tuple, costs.tolist())))
    ranks = Price(draw(prices), draw(prices))
    price = matrix if kind is Kind.CATEGORICAL or draw(st.booleans()) else ranks
    if kind is not Kind.BOOLEAN and k > 1 and draw(st.booleans()):
        return Feature(
            name, kind, values=values, price=price, columns=tuple(f"{name}_{i}" for i in range(k)), dtype="int64"
        )
    dtype = draw(st.sampled_from(["object", "category", *([] if kind is Kind.BOOLEAN else ["str"])]))
    return Feature(name, kind, values=values, price=price, dtype=dtype)


@st.composite
def schemas(draw):
    d = draw(st.integers(1, 5))
    return TableSchema(tuple(draw(st.one_of(numbers(f"f{j}"), listed(f"f{j}"))) for j in range(d)))


STRANGE = (math.nan, math.inf, -math.inf, -1.0, 0.5, 5.0, 1e6, -1e6, -0.0)


def values(feature, rng, rows, *, wild):
    """Values of a feature (rows,): on the grid and within the bounds, unless wild."""
    if feature.listed:
        drawn = rng.integers(0, len(feature.values), rows).astype(float)
    else:
        low = max(feature.lower, -60.0)
        high = min(feature.upper, 60.0 if math.isinf(feature.lower) else low + 200)
        drawn = rng.choice([rng.uniform(low, high), low, high], rows)
        if feature.step:
            first, last = math.ceil(low / feature.step), math.floor(high / feature.step)
            drawn = rng.integers(first, last + 1, rows) * feature.step
    strange = rng.choice([*STRANGE, rng.normal(0, 100)], rows)
    return np.where(wild & (rng.random(rows) < 0.4), strange, drawn)


@st.composite
def cases(draw, *, wild_before=False, wild_after=False, rows=8):
    """A schema, records before (with missing values) and after."""
    schema = draw(schemas())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    before = np.column_stack([values(f, rng, rows, wild=wild_before and not f.listed) for f in schema.features])
    before[np.isinf(before)] = 1e7
    after = np.column_stack([values(f, rng, rows, wild=wild_after) for f in schema.features])
    single = np.array([len(f.columns) == 1 for f in schema.features])
    before[(rng.random(before.shape) < 0.1) & single] = np.nan
    before[:, ~single] = np.nan_to_num(before[:, ~single])
    return schema, before, np.where(rng.random(before.shape) < 0.5, before, after)


def slow_cost(schema, before, after):
    """The cost of one change, feature by feature, in plain Python."""
    total = 0.0
    for f, was, now in zip(schema.features, before.tolist(), after.tolist(), strict=True):
        if was == now or (math.isnan(was) and math.isnan(now)):
            continue
        if math.isnan(was) or math.isnan(now) or math.isinf(now):
            return FORBIDDEN
        if f.listed and (now != int(now) or not 0 <= now < len(f.values)):
            return FORBIDDEN
        if f.price.moves is not None:
            total += f.price.moves[int(was)][int(now)]
            continue
        slack = ON_GRID * f.step if f.step else 0.0
        if now < f.lower - slack or now > f.upper + slack:
            return FORBIDDEN
        if f.step and abs(now / f.step - round(now / f.step)) > ON_GRID:
            return FORBIDDEN
        total += (now - was) * f.price.up if now > was else (was - now) * f.price.down
    return total


@given(cases(wild_before=True, wild_after=True))
def test_cost_agrees_with_a_slow_reference(case):
    schema, before, after = case
    expected = np.array([slow_cost(schema, b, a) for b, a in zip(before, after, strict=True)])
    np.testing.assert_allclose(schema.cost(before, after), expected, rtol=1e-12)


@given(cases(wild_after=True))
def test_costs_add_up_to_cost(case):
    schema, before, after = case
    cost, parts = schema.cost(before, after), schema.costs(before, after)
    assert parts.shape == (len(before), len(schema.mutable))
    fixed = schema.fixed
    same = (before[:, fixed] == after[:, fixed]) | (np.isnan(before[:, fixed]) & np.isnan(after[:, fixed]))
    possible = same.all(axis=1)
    np.testing.assert_allclose(parts.sum(axis=1)[possible], cost[possible], rtol=1e-12)


@given(cases(wild_before=True, wild_after=True))
def test_cost_is_never_negative_and_zero_only_for_no_change(case):
    schema, before, after = case
    cost = schema.cost(before, after)
    assert not np.isnan(cost).any()
    assert (cost >= 0).all()
    same = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
    tiny = np.nan_to_num(np.abs(after - before), nan=1.0).max(axis=1) < 1e-300
    np.testing.assert_array_equal((cost == 0) & ~tiny, same & ~tiny)
    assert (schema.cost(before, before) == 0).all()


@given(cases(wild_before=True, wild_after=True))
def test_repaired_records_are_always_possible(case):
    schema, before, after = case
    repaired = schema.repair(before, after)
    assert (schema.cost(before, repaired) < FORBIDDEN).all()


@given(cases(wild_before=True, wild_after=True))
def test_repairing_twice_changes_nothing(case):
    schema, before, after = case
    once = schema.repair(before, after)
    np.testing.assert_array_equal(schema.repair(before, once), once)


@given(cases(wild_after=True))
def test_repair_leaves_what_is_possible_as_it_is(case):
    schema, before, after = case
    possible = schema.cost(before, after) < FORBIDDEN
    np.testing.assert_allclose(schema.repair(before, after)[possible], after[possible], rtol=0, atol=2 * ON_GRID * 7)


@given(cases(wild_before=True, wild_after=True))
def test_what_is_immutable_or_missing_never_changes(case):
    schema, before, after = case
    repaired = schema.repair(before, after)
    np.testing.assert_array_equal(repaired[:, schema.fixed], before[:, schema.fixed])
    np.testing.assert_array_equal(np.isnan(repaired), np.isnan(before))


@given(cases(wild_before=True, wild_after=True))
def test_repair_does_not_write_into_what_it_is_given(case):
    schema, before, after = case
    before.flags.writeable = after.flags.writeable = False
    schema.repair(before, after)
    schema.cost(before, after)
    schema.span(before)


@given(cases(wild_before=True))
def test_ends_of_the_span_are_possible_and_nothing_beyond_is(case):
    schema, before, _ = case
    low, high = schema.span(before)
    n = schema.numbers
    for end, beyond in ((low, -1.0), (high, 1.0)):
        finite = np.where(np.isfinite(end) | np.isnan(end), end, before)
        assert (schema.cost(before, finite) < FORBIDDEN).all()
        for j in n.tolist():
            past = before.copy()
            past[:, j] = end[:, j] + beyond * max(schema.step[j], 1e-3) * 1.01
            inner = (past[:, j] >= schema.lower[j]) & (past[:, j] <= schema.upper[j])
            inner &= np.sign(past[:, j] - before[:, j]) == beyond
            assert (schema.cost(before, past)[inner] == FORBIDDEN).all()


@given(cases(wild_before=True, wild_after=True))
def test_snap_lands_on_the_grid_between_before_and_after(case):
    schema, before, after = case
    n = schema.numbers
    was, wished = before[:, n], np.nan_to_num(after[:, n], nan=0.0, posinf=1e5, neginf=-1e5)
    snapped = schema.snap(was, wished, n)
    moved = ~np.isnan(was) & (snapped != was)
    step = np.broadcast_to(schema.step[n], snapped.shape)
    gridded = moved & (step > 0)
    off = snapped[gridded] / step[gridded]
    assert (np.abs(off - np.rint(off)) <= ON_GRID).all()
    slack = 2 * ON_GRID * step[moved] + 1e-9
    assert (snapped[moved] >= np.minimum(was, wished)[moved] - slack).all()
    assert (snapped[moved] <= np.maximum(was, wished)[moved] + slack).all()


@given(cases())
def test_encoding_undoes_decoding(case):
    schema, before, after = case
    for records in (before, after):
        frame = schema.decode(records)
        assert tuple(frame.columns) == schema.columns
        np.testing.assert_array_equal(schema.encode(frame), records)


@given(cases(), st.integers(0, 3))
def test_a_record_is_decoded_alone_as_in_a_batch(case, i):
    schema, before, _ = case
    whole, alone = schema.decode(before), schema.decode(before[i : i + 1])
    assert whole.dtypes.equals(alone.dtypes)
    pd.testing.assert_frame_equal(whole.iloc[i : i + 1].reset_index(drop=True), alone)


@given(schemas())
def test_a_schema_survives_being_stored(schema):
    assert from_stored(json.loads(json.dumps(to_stored(schema)))) == schema


# --- what a schema takes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feature", "column"),
    [
        (Feature("x", Kind.INTEGER, dtype="int64"), pd.Series([1, 2, 3], dtype="int64")),
        (Feature("x", Kind.INTEGER, dtype="Int64"), pd.Series([1, None, 3], dtype="Int64")),
        (Feature("x", Kind.NUMERIC, dtype="float32"), pd.Series([1.5, None], dtype="float32")),
        (Feature("x", Kind.BOOLEAN, dtype="bool"), pd.Series([True, False], dtype="bool")),
        (Feature("x", Kind.BOOLEAN, dtype="boolean"), pd.Series([True, None], dtype="boolean")),
        (Feature("x", Kind.BOOLEAN, values=("n", "y"), dtype="object"), pd.Series(["n", None, "y"], dtype="object")),
        (Feature("x", Kind.ORDINAL, values=(1, 2, 5), dtype="int64"), pd.Series([5, 1], dtype="int64")),
        (Feature("x", Kind.CATEGORICAL, values=("a", "b"), dtype="str"), pd.Series(["a", None], dtype="str")),
        (
            Feature("x", Kind.CATEGORICAL, values=("a", "b"), dtype="category"),
            pd.Series(["a", None], dtype=pd.CategoricalDtype(["a", "b"])),
        ),
    ],
    ids=lambda x: f"{x.kind} {x.dtype}" if isinstance(x, Feature) else "",
)
def test_columns_come_back_in_their_dtype(feature, column):
    schema = TableSchema((feature,))
    frame = pd.DataFrame({"x": column})
    pd.testing.assert_frame_equal(schema.decode(schema.encode(frame)), frame)


def test_categories_are_the_same_whatever_the_batch():
    schema = TableSchema((Feature("x", Kind.CATEGORICAL, values=("a", "b", "c"), dtype="category"),))
    alone = schema.decode(np.array([[2.0]]))["x"]
    assert list(alone.cat.categories) == ["a", "b", "c"]
    assert alone.cat.codes.tolist() == [2]


def test_whole_numbers_off_by_rounding_are_not_cut_down():
    schema = TableSchema((Feature("x", Kind.INTEGER, 0, 9, price=Price(1, 1), dtype="int64"),))
    assert schema.decode(np.array([[3 - 1e-9]]))["x"].tolist() == [3]


@pytest.mark.parametrize("dtype", ["bool", "int64"])
def test_what_is_missing_never_becomes_a_value(dtype):
    kind = Kind.BOOLEAN if dtype == "bool" else Kind.INTEGER
    schema = TableSchema((Feature("x", kind, dtype=dtype),))
    with pytest.raises(BadInput, match="missing"):
        schema.decode(np.array([[1.0], [np.nan]]))


def test_the_last_multiple_of_a_step_within_the_bounds_is_possible():
    schema = TableSchema((Feature("x", Kind.NUMERIC, 0, 0.3, step=0.1, price=Price(1, 1)),))
    before = np.array([[0.0]])
    assert schema.cost(before, schema.span(before)[1])[0] == pytest.approx(0.3)


def test_values_beyond_the_bounds_are_repaired_into_them():
    schema = TableSchema((Feature("x", Kind.NUMERIC, 0, 10, price=Price(1, 1)),))
    before = np.array([[12.0]])
    assert schema.repair(before, np.array([[11.0]])).tolist() == [[10.0]]
    assert schema.repair(before, np.array([[15.0]])).tolist() == [[12.0]]


@pytest.mark.parametrize("wish", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_repaired_to_one(wish):
    schema = TableSchema((Feature("x", Kind.NUMERIC, price=Price(1, 1)),))
    assert np.isfinite(schema.repair(np.array([[1.0]]), np.array([[wish]]))).all()


def test_one_hot_groups():
    group = Feature("c", Kind.CATEGORICAL, values=("a", "b", "z"), columns=("c_a", "c_b", "c_z"), dtype="int64")
    schema = TableSchema((group,))
    frame = pd.DataFrame({"c_a": [1, 0], "c_b": [0, 0], "c_z": [0, 1]})
    assert schema.encode(frame).tolist() == [[0.0], [2.0]]
    pd.testing.assert_frame_equal(schema.decode(schema.encode(frame)), frame)


@pytest.mark.parametrize(
    "columns",
    [{"c_a": [1], "c_b": [1]}, {"c_a": [0], "c_b": [0]}, {"c_a": ["x"], "c_b": [0]}, {"c_a": [None], "c_b": [1]}],
)
def test_a_one_hot_group_without_exactly_one_is_refused(columns):
    schema = TableSchema((Feature("c", Kind.CATEGORICAL, values=("a", "b"), columns=("c_a", "c_b"), dtype="int64"),))
    with pytest.raises(BadInput, match="'c'"):
        schema.encode(pd.DataFrame(columns))


@pytest.mark.parametrize(
    ("feature", "column"),
    [
        (Feature("x", Kind.NUMERIC), ["a few"]),
        (Feature("x", Kind.CATEGORICAL, values=("a",), dtype="object"), ["b"]),
        (Feature("x", Kind.BOOLEAN, dtype="bool"), ["yes"]),
    ],
)
def test_values_that_no_schema_lists_are_refused(feature, column):
    with pytest.raises(BadInput, match="'x'"):
        TableSchema((feature,)).encode(pd.DataFrame({"x": column}))


def test_missing_columns_are_named():
    with pytest.raises(BadInput, match="lack the columns x"):
        TableSchema((Feature("x", Kind.NUMERIC),)).encode(pd.DataFrame({"y": [1]}))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Feature("x", Kind.NUMERIC, 2, 1),
        lambda: Feature("x", Kind.NUMERIC, step=0),
        lambda: Feature("x", Kind.NUMERIC, 0.2, 0.8, step=1),
        lambda: Feature("x", Kind.NUMERIC, math.nan, 1),
        lambda: Feature("x", Kind.NUMERIC, dtype="int64"),
        lambda: Feature("x", Kind.CATEGORICAL),
        lambda: Feature("x", Kind.CATEGORICAL, values=("a", "a")),
        lambda: Feature("x", Kind.CATEGORICAL, values=("a", None)),
        lambda: Feature("x", Kind.CATEGORICAL, values=("a", "b"), price=Price(1, 1)),
        lambda: Feature("x", Kind.CATEGORICAL, values=("a", "b"), price=Price.flat(3, 1)),
        lambda: Feature("x", Kind.NUMERIC, price=Price.flat(3, 1)),
        lambda: Feature("x", Kind.CATEGORICAL, values=("a", "b"), columns=("p", "q", "r")),
        lambda: Price(-1, 1),
        lambda: Price(math.nan, 1),
        lambda: Price(moves=((0, 1),)),
        lambda: TableSchema((Feature("x", Kind.NUMERIC), Feature("x", Kind.NUMERIC))),
        lambda: TableSchema((Feature("x", Kind.NUMERIC),)).priced({"z": Price()}),
    ],
)
def test_contradictions_are_refused(wrong):
    with pytest.raises(BadInput):
        wrong()


def test_prices_overlay_without_touching_the_schema():
    schema = TableSchema((Feature("x", Kind.NUMERIC, price=Price(1, 1)), Feature("y", Kind.NUMERIC)))
    rival = schema.priced({"x": Price(), "y": Price(2, 3)})
    assert schema.mutable.tolist() == [0]
    assert rival.mutable.tolist() == [1]
