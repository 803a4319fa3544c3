"""Relations between features: what breaks them, what repair makes of records, and what is refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.errors import BadInput
from vauban.schema import (
    FORBIDDEN,
    Calculation,
    Condition,
    Derived,
    Feature,
    Implication,
    Kind,
    Linear,
    Lookup,
    Price,
    Steps,
    TableSchema,
    Was,
    from_stored,
    ratio,
    relation_in,
    relation_out,
    to_stored,
)

FREE = Price(up=1.0, down=1.0)


def integer(name: str, price: Price = FREE, low: float = 0, high: float = 20) -> Feature:
    return Feature(name, Kind.INTEGER, low, high, price=price)


def of(*relations, features=("open", "total"), **more: Feature) -> TableSchema:
    return TableSchema((*(integer(f) for f in features), *more.values()), relations=relations)


def repaired(schema: TableSchema, before, after) -> list[float]:
    before, after = np.array([before], dtype=float), np.array([after], dtype=float)
    out = schema.repair(before, after)
    assert schema.cost(before, out)[0] < FORBIDDEN
    return out[0].tolist()


def price(schema: TableSchema, before, after) -> float:
    return float(schema.cost(np.array([before], dtype=float), np.array([after], dtype=float))[0])


# Sums


ACCOUNTS = Linear("open accounts are accounts", {"open": 1, "total": -1})


def test_a_sum_over_its_bound_makes_a_record_impossible() -> None:
    schema = of(ACCOUNTS)
    assert price(schema, [2, 5], [5, 5]) == 3
    assert price(schema, [2, 5], [6, 5]) == FORBIDDEN
    assert schema.holds(np.array([[5.0, 5.0], [6.0, 5.0], [np.nan, 5.0]])).tolist() == [True, False, True]


def test_what_the_attacker_left_alone_makes_room_for_what_he_asked_for() -> None:
    assert repaired(of(ACCOUNTS), [2, 5], [9, 5]) == [9, 9]


def test_what_he_asked_for_goes_back_as_far_as_needed_where_nothing_can_make_room() -> None:
    fixed = TableSchema((integer("open"), integer("total", Price())), relations=(ACCOUNTS,))
    assert repaired(fixed, [2, 5], [9, 5]) == [5, 5]
    both = of(ACCOUNTS)
    assert repaired(both, [2, 5], [9, 3]) == [5, 5]  # he changed both, and both go back
    short = TableSchema((integer("open"), integer("total", high=7)), relations=(ACCOUNTS,))
    assert repaired(short, [2, 5], [9, 5]) == [7, 7]


def test_an_exact_sum_is_met_on_both_sides() -> None:
    parts = Linear("parts are the whole", {"a": 1, "b": 1, "whole": -1}, equal=True)
    schema = of(parts, features=("a", "b", "whole"))
    assert price(schema, [1, 2, 3], [1, 2, 4]) == FORBIDDEN
    assert price(schema, [1, 2, 3], [0, 2, 3]) == FORBIDDEN
    for wish in ([4, 2, 3], [0, 2, 3], [1, 2, 9], [1, 2, 0]):
        a, b, whole = repaired(schema, [1, 2, 3], wish)
        assert a + b == whole
        assert [a, b, whole] != [1, 2, 3]


def test_what_was_wrong_from_the_start_may_stay_or_improve_but_not_worsen() -> None:
    schema = of(ACCOUNTS, other=integer("other"))
    assert price(schema, [8, 5, 0], [8, 5, 1]) == 1
    assert price(schema, [8, 5, 0], [7, 5, 0]) == 1
    assert price(schema, [8, 5, 0], [9, 5, 0]) == FORBIDDEN


def test_a_listed_feature_counts_as_its_number_or_else_as_its_rank() -> None:
    rank = Feature("rank", Kind.ORDINAL, values=("low", "mid", "high"), price=FREE)
    term = Feature("term", Kind.ORDINAL, values=(36, 60), price=FREE)
    ranks = TableSchema((rank, integer("years")), relations=(Linear("", {"rank": 1, "years": -1}),))
    assert ranks.holds(np.array([[2.0, 2.0], [2.0, 1.0]])).tolist() == [True, False]
    terms = TableSchema((term, integer("left", high=60)), relations=(Linear("", {"left": 1, "term": -1}),))
    assert terms.holds(np.array([[0.0, 36.0], [0.0, 37.0], [1.0, 37.0]])).tolist() == [True, False, True]


# Conditions


NUMBER = Implication("contribution", Condition("p", "==", 0), Condition("a", "==", 0), both=True)


@pytest.mark.parametrize(
    ("before", "wish", "becomes"),
    [
        ([0, 0], [3, 0], [3, 1]),
        ([0, 0], [0, 2], [1, 2]),
        ([3, 1], [0, 1], [0, 0]),
        ([3, 1], [3, 0], [0, 0]),
        ([3, 1], [2, 4], [2, 4]),
        ([3, 1], [0, 0], [0, 0]),
    ],
)
def test_two_conditions_that_go_together(before, wish, becomes) -> None:
    assert repaired(of(NUMBER, features=("p", "a")), before, wish) == becomes


def test_where_the_other_side_cannot_move_the_wish_goes_back() -> None:
    schema = TableSchema((integer("p"), integer("a", Price())), relations=(NUMBER,))
    assert repaired(schema, [0, 0], [3, 0]) == [0, 0]
    assert repaired(schema, [3, 1], [0, 1]) == [3, 1]


@pytest.mark.parametrize(
    ("test", "value", "passing"),
    [
        ("<", 3, [0, 1, 2]),
        ("<=", 3, [0, 1, 2, 3]),
        (">", 3, [4, 5, 6]),
        (">=", 3, [3, 4, 5, 6]),
        ("==", 3, [3]),
        ("!=", 3, [0, 1, 2, 4, 5, 6]),
        ("in", (1, 5), [1, 5]),
    ],
)
@pytest.mark.parametrize("kind", [Kind.INTEGER, Kind.ORDINAL])
def test_conditions_hold_where_they_should(kind, test, value, passing) -> None:
    feature = integer("x", high=6) if kind is Kind.INTEGER else Feature("x", kind, values=tuple(range(7)), price=FREE)
    always = Implication("", Condition("flag", "==", 1), Condition("x", test, value))
    schema = TableSchema((feature, integer("flag", high=1)), relations=(always,))
    records = np.array([[float(x), 1.0] for x in range(7)])
    assert np.flatnonzero(schema.holds(records)).tolist() == passing
    assert schema.holds(np.array([[np.nan, 1.0]])).all()
    before = np.array([[float(x), 0.0] for x in range(7)])
    out = schema.repair(before, records)
    assert (out[:, 1] == 1).all()
    assert set(out[:, 0]) <= set(passing)
    nearest = [min(abs(p - x) for p in passing) for x in range(7)]
    assert np.abs(out[:, 0] - before[:, 0]).tolist() == nearest


# Derived features


LOAN = TableSchema(
    (
        integer("amount", high=100),
        Feature("term", Kind.ORDINAL, values=(2, 4), price=FREE),
        Feature("instalment", Kind.NUMERIC, 0, 30, step=0.5),
        Feature("income", Kind.NUMERIC, 1, 1000, price=FREE),
        Feature("burden", Kind.NUMERIC, 0, 10),
        Feature("class", Kind.CATEGORICAL, values=("small", "large")),
        Feature("debt", Kind.NUMERIC, 0, 5),
    ),
    relations=(
        ratio("burden", "instalment", "income"),
        Derived("instalment", Calculation("/", ("amount", "term"))),
        Derived("class", Steps("amount", (50,), ("small", "large"))),
        Derived("debt", Calculation("/", (Calculation("*", (Was("debt"), Was("income"))), "income"))),
    ),
)
START = [40.0, 1.0, 10.0, 20.0, 0.5, 0.0, 2.0]


def test_derived_features_follow_in_order_on_their_grid_and_cost_nothing() -> None:
    assert repaired(LOAN, START, [51, 1, 0, 40, 9, 0, 2]) == [51, 1, 13, 40, 0.325, 1, 1]
    assert price(LOAN, START, [51, 1, 13, 40, 0.325, 1, 1]) == 11 + 20
    assert LOAN.mutable.tolist() == [0, 1, 3]
    assert LOAN.fixed.tolist() == []
    low, high = LOAN.span(np.array([START]))
    assert low[0, 2] == high[0, 2] == 10


@pytest.mark.parametrize("j", [2, 4, 5, 6])
def test_a_derived_feature_cannot_be_moved_by_itself(j) -> None:
    after = list(START)
    after[j] += 1
    assert price(LOAN, START, after) == FORBIDDEN
    assert repaired(LOAN, START, after) == START


def test_a_cause_that_moves_without_what_follows_is_impossible() -> None:
    assert price(LOAN, START, [42, *START[1:]]) == FORBIDDEN


def test_a_derived_feature_out_of_its_bounds_takes_its_causes_back() -> None:
    amount, _, instalment, *_ = repaired(LOAN, [40, 0, 20, 20, 1, 0, 2], [90, 0, 20, 20, 1, 0, 2])
    assert 20 < instalment <= 30
    assert amount == 2 * instalment


def test_what_does_not_follow_keeps_its_value_until_a_cause_changes() -> None:
    odd = [40, 1, 11, 20, 0.5, 0, 2]
    assert repaired(LOAN, odd, [40, 1, 11, 20, 0.5, 0, 2]) == odd
    assert not LOAN.holds(np.array([odd], dtype=float))[0]
    assert repaired(LOAN, odd, [44, 1, 11, 20, 0.5, 0, 2])[2] == 11
    assert repaired(LOAN, odd, [48, 1, 11, 20, 0.5, 0, 2])[2] == 12


def test_missing_causes_and_missing_values_stay() -> None:
    nan = np.nan
    got = LOAN.repair(np.array([[nan, *START[1:]]]), np.array([[9, 0, *START[2:]]]))
    np.testing.assert_array_equal(got, [[nan, 0, *START[2:]]])
    gone = [40, 1, nan, 20, nan, 0, 2]
    got = LOAN.repair(np.array([gone]), np.array([[60, 1, 5, 20, 5, 0, 2]]))
    np.testing.assert_array_equal(got, [[60, 1, nan, 20, nan, 1, 2]])


def test_where_nothing_follows_there_is_the_other_value_or_no_record() -> None:
    share = ratio("share", "open", "total")
    features = (integer("open"), integer("total"), Feature("share", Kind.NUMERIC, -1, 1))
    without = TableSchema(features, relations=(share, ACCOUNTS))
    assert price(without, [0, 4, 0], [0, 0, 0]) == FORBIDDEN
    assert repaired(without, [0, 4, 0], [0, 0, 0]) != [0, 0, 0]
    other = TableSchema(features, relations=(replace(share, otherwise=-1), ACCOUNTS))
    assert repaired(other, [0, 4, 0], [0, 0, 0]) == [0, 0, -1]


def test_a_lookup_derives_names_of_names() -> None:
    kinds = ("Sedan - All Perils", "Sedan - Liability", "Sport - Liability")
    covers = ("All Perils", "Liability")
    schema = TableSchema(
        (
            Feature("type", Kind.CATEGORICAL, values=kinds, price=Price.flat(3, 1.0)),
            Feature("cover", Kind.CATEGORICAL, values=covers),
        ),
        relations=(Derived("cover", Lookup("type", tuple((k, k.split(" - ")[1]) for k in kinds))),),
    )
    assert schema.repair(np.array([[0.0, 0.0]] * 3), np.array([[0.0, 1], [1, 0], [2, 0]])).tolist() == [
        [0, 0],
        [1, 1],
        [2, 1],
    ]


def test_records_made_of_several_are_derived_anew() -> None:
    got = LOAN.derived(np.array([[60, 1, 0, 30, 0, 0, 2.0]]))
    assert got.tolist() == [[60, 1, 15, 30, 0.5, 1, 2]]


# Refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: of(Linear("l", {"opne": 1})), "'open'"),
        (lambda: of(Linear("l", {})), "finite weights"),
        (lambda: of(Linear("l", {"open": float("nan")})), "finite weights"),
        (lambda: of(Linear("l", {"open": 1}, tolerance=-1)), "tolerance"),
        (lambda: of(Derived("open", "total")), "derived: it follows"),
        (lambda: of(ratio("x", "open", "total")), "feature"),
        (lambda: of(Implication("i", Condition("open", "=", 1), Condition("total", "==", 1))), "test"),
        (lambda: of(Implication("i", Condition("open", "==", "1"), Condition("total", "==", 1))), "cannot be '1'"),
        (lambda: of(Implication("i", Condition("open", "==", 1), Condition("open", "==", 1))), "one feature only"),
        (lambda: Calculation("eval", ("a", "b")), "operation"),
        (lambda: Calculation("+", ("a",)), "two values"),
        (lambda: Steps("a", (2, 1), (0, 1, 2)), "cuts that rise"),
        (lambda: of(ratio("x", "y", "open"), ratio("y", "x", "open"), x=fixed("x"), y=fixed("y")), "in a circle"),
        (lambda: of(ratio("x", "open", "total"), ratio("x", "total", "open"), x=fixed("x")), "Got twice: x"),
        (lambda: of(Derived("x", Lookup("open", ((1, 2),))), x=fixed("x")), "lookup needs a listed"),
        (lambda: of(Derived("x", ["open"]), x=fixed("x")), "An expression is"),
        (lambda: of(Derived("x", "open"), x=Feature("x", Kind.CATEGORICAL, values=("a", "b"))), "by a lookup or by"),
        (lambda: relation_in({"kind": "magic"}), "kind linear, implication, derived"),
        (lambda: relation_in({"kind": "linear", "name": "l", "weight": {}}), "damaged"),
        (lambda: relation_in({"kind": "derived", "feature": "x", "expression": {"eval": "1"}}), "An expression is"),
    ],
)
def test_what_cannot_be_is_refused(make, message) -> None:
    with pytest.raises(BadInput, match=message):
        make()


def fixed(name: str) -> Feature:
    return Feature(name, Kind.NUMERIC, -100, 100)


def test_who_prices_a_derived_feature_is_refused() -> None:
    with pytest.raises(BadInput, match="instalment"):
        LOAN.priced({"instalment": FREE})


def test_a_schema_without_relations_compiles_none() -> None:
    schema = of()
    records = np.array([[1.0, 2.0]])
    schema.cost(records, schema.repair(records, records + 1))
    assert schema.holds(records).all()
    assert schema.derived(records) is records
    assert "rules" not in vars(schema)


def test_relations_are_stored_with_the_schema_and_travel() -> None:
    for schema in (LOAN, of(ACCOUNTS), of(NUMBER, features=("p", "a"))):
        again = from_stored(json.loads(json.dumps(to_stored(schema))))
        assert again == schema
        assert [relation_in(relation_out(r)) for r in schema.relations] == list(schema.relations)
        record = np.zeros((3, len(schema)))
        copy = pickle.loads(pickle.dumps(schema))
        np.testing.assert_array_equal(copy.repair(record, record + 1), schema.repair(record, record + 1))


def test_a_schema_stored_before_there_were_relations_has_none() -> None:
    stored = to_stored(of())
    del stored["relations"]
    assert from_stored(stored) == of()


# Whatever the relations


NAMES = ("i", "j", "x", "rank", "flag", "name", "sum", "share")
BASES = ("i", "j", "x", "rank")


@st.composite
def prices(draw: st.DrawFn) -> Price:
    one = st.sampled_from([0.0, 0.5, 1.0, 3.0, FORBIDDEN])
    return Price(draw(one), draw(one))


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    feature = draw(st.sampled_from(["i", "j", "x", "rank", "flag", "name"]))
    test = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    if feature == "name":
        return Condition(feature, draw(st.sampled_from(["==", "!="])), draw(st.sampled_from("abc")))
    if feature == "flag":
        return Condition(feature, "==", draw(st.booleans()))
    if feature == "rank":
        return Condition(feature, test, draw(st.sampled_from([10, 20, 50])))
    value = draw(st.integers(-2, 6))
    return Condition(feature, test, float(value) + (0.5 if feature == "x" and draw(st.booleans()) else 0))


@st.composite
def schemas(draw: st.DrawFn) -> TableSchema:
    features = (
        Feature("i", Kind.INTEGER, -2, 6, price=draw(prices())),
        Feature("j", Kind.NUMERIC, -3, 6, step=1.5, price=draw(prices())),
        Feature("x", Kind.NUMERIC, -2, 6, price=draw(prices())),
        Feature("rank", Kind.ORDINAL, values=(10, 20, 50), price=draw(prices())),
        Feature("flag", Kind.BOOLEAN, price=Price.flat(2, 1.0, rising=draw(st.booleans()))),
        Feature(
            "name", Kind.CATEGORICAL, values=tuple("abc"), price=draw(st.sampled_from([Price(), Price.flat(3, 1)]))
        ),
        Feature("sum", Kind.NUMERIC, -6, draw(st.sampled_from([4, 60])), step=draw(st.sampled_from([None, 0.5]))),
        Feature("share", Kind.NUMERIC, -50, 50),
    )
    relations: list = []
    if draw(st.booleans()):
        parts = tuple(draw(st.lists(st.sampled_from(BASES), min_size=2, max_size=3)))
        relations.append(Derived("sum", Calculation(draw(st.sampled_from(["+", "-", "*", "max"])), parts)))
    if draw(st.booleans()):
        under = draw(st.sampled_from(["i", "x", "rank", "sum"]))
        relations.append(
            ratio("share", draw(st.sampled_from(BASES)), under, otherwise=draw(st.sampled_from([None, -1])))
        )
    for _ in range(draw(st.integers(0, 3))):
        names = draw(st.lists(st.sampled_from([*BASES, "sum"]), min_size=1, max_size=3, unique=True))
        weights = {n: draw(st.sampled_from([-2.0, -1.0, 1.0, 0.5])) for n in names}
        relations.append(Linear("", weights, draw(st.integers(-2, 8)), equal=draw(st.booleans())))
    for _ in range(draw(st.integers(0, 3))):
        when, then = draw(conditions()), draw(conditions())
        if when.feature != then.feature:
            relations.append(Implication("", when, then, both=draw(st.booleans())))
    return TableSchema(features, relations=tuple(relations))


def records(rng: np.random.Generator, n: int) -> np.ndarray:
    out = np.column_stack(
        [
            rng.integers(-2, 7, n),
            rng.integers(-2, 5, n) * 1.5,
            rng.uniform(-2, 6, n).round(1),
            rng.integers(0, 3, n),
            rng.integers(0, 2, n),
            rng.integers(0, 3, n),
            rng.integers(-6, 7, n),
            rng.uniform(-5, 5, n),
        ]
    ).astype(float)
    out[rng.random(out.shape) < 0.05] = np.nan
    return out


@settings(deadline=None, max_examples=80)
@given(schemas(), st.integers(0, 2**32 - 1))
def test_what_is_repaired_can_be_made_and_is_not_repaired_again(schema: TableSchema, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, wish = records(rng, 60), records(rng, 60)
    before[:30] = schema.derived(before[:30])
    wish = np.where(rng.random(wish.shape) < 0.5, wish, before)
    wish[::7, rng.integers(8)] += 1000.3
    out = schema.repair(before, wish)
    cost = schema.cost(before, out)
    assert np.isfinite(cost).all()
    np.testing.assert_array_equal(schema.repair(before, out), out)
    good = schema.holds(before)
    assert schema.holds(out)[good].all()
    alone = [schema.repair(before[[i]], wish[[i]])[0] for i in range(0, 60, 9)]
    np.testing.assert_array_equal(alone, out[::9])
    np.testing.assert_array_equal(schema.repair(before, before), before)
    possible = schema.cost(before, wish) < FORBIDDEN
    np.testing.assert_array_equal(out[possible], wish[possible])


@settings(deadline=None, max_examples=30)
@given(schemas(), st.integers(0, 2**32 - 1))
def test_a_price_is_that_of_the_features_or_none(schema: TableSchema, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = schema.derived(records(rng, 40))
    after = schema.repair(before, records(rng, 40))
    np.testing.assert_allclose(schema.cost(before, after), schema.costs(before, after).sum(axis=1), atol=1e-9)
    loose = replace(schema, relations=())
    free = loose.repair(before, records(rng, 40))
    cost = schema.cost(before, free)
    same = np.isfinite(cost)
    np.testing.assert_array_equal(cost[same], loose.cost(before, free)[same])
