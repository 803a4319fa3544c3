"""The linear optimum against brute force over every record of tiny schemas."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.contracts import AdditiveStructure, Ask, Bound, Brief, Cohort, Known, Outcome, drive
from vauban.errors import BudgetSpent
from vauban.exploratory.linear_optimum import LinearOptimum
from vauban.schema import FORBIDDEN, Feature, Kind, Price, TableSchema
from vauban.tactics.covering import Line, Options, cheapest
from vauban.threat import Budget, Cell, Decision, Grant

SIXTEENTHS = st.integers(-40, 40).map(lambda i: i / 16)
PRICES = st.one_of(st.just(FORBIDDEN), st.integers(0, 32).map(lambda i: i / 8))


@st.composite
def numbers(draw: st.DrawFn) -> Feature:
    step = draw(st.sampled_from([0.25, 1.0, 2.0]))
    lower = draw(st.integers(-3, 0)) * step
    upper = lower + draw(st.integers(1, 4)) * step
    price = Price(draw(PRICES), draw(PRICES))
    return Feature(f"n{draw(st.uuids())}", Kind.NUMERIC, lower, upper, step=step, price=price)


@st.composite
def categories(draw: st.DrawFn) -> Feature:
    k = draw(st.integers(2, 4))
    moves = tuple(tuple(0.0 if i == j else draw(PRICES) for j in range(k)) for i in range(k))
    return Feature(f"c{draw(st.uuids())}", Kind.CATEGORICAL, values=tuple(range(k)), price=Price(moves=moves))


@st.composite
def ordinals(draw: st.DrawFn) -> Feature:
    values = tuple(range(draw(st.integers(2, 4))))
    return Feature(f"o{draw(st.uuids())}", Kind.ORDINAL, values=values, price=Price(draw(PRICES), draw(PRICES)))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[TableSchema, AdditiveStructure, np.ndarray, Cell]:
    features = tuple(draw(st.lists(st.one_of(numbers(), categories(), ordinals()), min_size=2, max_size=4)))
    weights = np.array([0.0 if f.listed else draw(SIXTEENTHS) for f in features])
    tables = tuple(np.array([draw(SIXTEENTHS) for _ in f.values]) if f.listed else None for f in features)
    before = []
    for f in features:
        if f.listed:
            before.append(float(draw(st.integers(0, len(f.values) - 1))))
        else:
            off = draw(st.sampled_from([0.0, 0.0, 0.125]))  # what is already off the grid may stay there
            before.append(min(f.lower + draw(st.integers(0, 4)) * f.step + off, f.upper))
    record = np.array(before)
    inside = AdditiveStructure(0.0, weights, tables, np.full(len(features), np.nan))
    cell = draw(st.sampled_from([Cell.EI, Cell.EA]))
    wanted = draw(st.integers(0, 80)) / 16 + 1 / 1024  # from the threshold; no record ties with it
    at = wanted if cell is Cell.EI else -wanted
    offset = at - float(inside.margin(record[None])[0])
    return TableSchema(features), AdditiveStructure(offset, weights, tables, inside.missing), record, cell


def every_record(schema: TableSchema, before: np.ndarray) -> np.ndarray:
    axes = []
    for f, value in zip(schema.features, before, strict=True):
        grid = np.arange(len(f.values)) if f.listed else np.arange(-4, 60) * f.step
        axes.append(sorted({*grid[(grid >= f.lower) & (grid <= f.upper)].tolist(), float(value)}))
    return np.array(list(itertools.product(*axes)))


def brief_of(schema: TableSchema, inside: AdditiveStructure, cell: Cell, budget: Budget | None = None) -> Brief:
    known = Known(np.empty((0, len(schema))), None, np.empty(0, bool))
    grants = frozenset({Grant.LABEL, Grant.STRUCTURE})
    return Brief(cell, schema, grants, budget or Budget(), known, inside=inside)


def play(schema, inside, records, cell, budget=None, blocks=lambda margin: margin >= 0):
    """Run the attack by hand; return its bounds, the records asked, and each victim's cheapest flip."""
    cohort = Cohort(records, np.arange(len(records)))
    asked, best = [], np.full(len(records), np.inf)

    def answer(ask: Ask) -> Outcome:
        decisions = np.where(blocks(inside.margin(ask.records)), Decision.BLOCK, Decision.PASS).astype(np.int8)
        asked.append(ask.records)
        cost = schema.cost(records[ask.owner], ask.records)
        np.minimum.at(best, ask.owner, np.where(decisions == cell.goal, cost, np.inf))
        return Outcome(np.ones(len(decisions), bool), decisions, None, None, np.full(len(records), 99))

    attack = LinearOptimum()
    brief = brief_of(schema, inside, cell, budget)
    intelligence, _ = drive(attack.scout(brief), answer)
    claims, _ = drive(attack.search(cohort, intelligence, brief), answer)
    assert all(isinstance(c, Bound) for c in claims)
    return np.array([c.cost for c in claims]), asked, best


@given(worlds())
@settings(max_examples=300, deadline=None)
def test_equals_brute_force_and_bounds_it(world):
    schema, inside, before, cell = world
    records = every_record(schema, before)
    prices = schema.cost(np.tile(before, (len(records), 1)), records)
    blocked = inside.margin(records) >= 0
    flipped = blocked == (cell.goal is Decision.BLOCK)
    true = prices[flipped].min() if flipped.any() else math.inf
    bounds, asked, best = play(schema, inside, before[None], cell)
    assert best[0] == pytest.approx(true, abs=1e-9)
    assert bounds[0] <= true
    assert bounds[0] == pytest.approx(true, abs=1e-6)
    assert len(asked) == (1 if true < math.inf else 0)


def test_a_continuum_is_filled_most_efficient_first():
    features = tuple(
        Feature(name, Kind.NUMERIC, 0.0, 1.0, price=Price(up, up)) for name, up in (("a", 1.0), ("b", 1.0), ("c", 4.0))
    )
    inside = AdditiveStructure(1.5, np.array([-1.0, -2.0, -4.5]), (None, None, None), np.zeros(3))
    # gains per cost 1, 2, 1.125: b whole (gain 1... 2 > 1.5) alone is enough for 0.75
    bounds, _, best = play(TableSchema(features), inside, np.zeros((1, 3)), Cell.EI)
    assert best[0] == pytest.approx(0.75, abs=1e-9)
    assert bounds[0] <= best[0]
    assert bounds[0] == pytest.approx(0.75, abs=1e-6)
    # 4 are needed: b gives 2 for 1, then c 2 for 16/9
    deep = AdditiveStructure(4.0, inside.weights, inside.tables, inside.missing)
    bounds, _, best = play(TableSchema(features), deep, np.zeros((1, 3)), Cell.EI)
    assert best[0] == pytest.approx(1 + 16 / 9, abs=1e-9)


def test_availability_pushes_good_records_over_the_threshold():
    schema = TableSchema((Feature("x", Kind.INTEGER, 0, 10, price=Price(up=2.0)),))
    inside = AdditiveStructure(-3.5, np.array([1.0]), (None,), np.zeros(1))
    bounds, asked, best = play(schema, inside, np.zeros((1, 1)), Cell.EA)
    assert asked[0].tolist() == [[4.0]]
    assert best[0] == 8.0
    assert bounds[0] == pytest.approx(8.0, abs=1e-6)


def test_what_cannot_be_flipped_is_bounded_by_infinity_and_not_asked():
    schema = TableSchema((Feature("x", Kind.INTEGER, 0, 3, price=Price(up=2.0)), Feature("y", Kind.NUMERIC)))
    inside = AdditiveStructure(-3.5, np.array([1.0, 9.0]), (None, None), np.zeros(2))
    bounds, asked, _ = play(schema, inside, np.zeros((2, 2)), Cell.EA)
    assert bounds.tolist() == [math.inf, math.inf]
    assert asked == []


def test_dearer_than_the_budget_is_not_asked_but_bounded():
    schema = TableSchema((Feature("x", Kind.INTEGER, 0, 10, price=Price(up=2.0)),))
    inside = AdditiveStructure(-3.5, np.array([1.0]), (None,), np.zeros(1))
    bounds, asked, _ = play(schema, inside, np.zeros((1, 1)), Cell.EA, Budget(cost=7.9))
    assert asked == []
    assert bounds[0] == pytest.approx(8.0, abs=1e-6)


def test_goes_further_where_the_model_rounds_otherwise():
    schema = TableSchema((Feature("x", Kind.NUMERIC, 0, 10, price=Price(up=1.0)),))
    inside = AdditiveStructure(-4.0, np.array([1.0]), (None,), np.zeros(1))
    _, asked, best = play(schema, inside, np.zeros((1, 1)), Cell.EA, blocks=lambda margin: margin >= 1e-8)
    assert len(asked) == 3
    assert best[0] == pytest.approx(4.0, abs=1e-5)


def test_claims_its_bounds_when_nothing_may_be_asked():
    schema = TableSchema((Feature("x", Kind.INTEGER, 0, 10, price=Price(up=2.0)),))
    inside = AdditiveStructure(-3.5, np.array([1.0]), (None,), np.zeros(1))
    brief = brief_of(schema, inside, Cell.EA)
    attack = LinearOptimum()

    def refuse(ask: Ask) -> Outcome:
        raise BudgetSpent("none")

    intelligence, _ = drive(attack.scout(brief), refuse)
    claims, trail = drive(attack.search(Cohort(np.zeros((1, 1)), np.arange(1)), intelligence, brief), refuse)
    assert trail == ()
    assert claims == [Bound(0, pytest.approx(8.0, abs=1e-6))]


def test_missing_values_stay_missing():
    schema = TableSchema(
        (Feature("x", Kind.INTEGER, 0, 10, price=Price(up=2.0)), Feature("y", Kind.INTEGER, 0, 10, price=Price(up=1.0)))
    )
    inside = AdditiveStructure(-3.5, np.array([1.0, 5.0]), (None, None), np.zeros(2))
    _, asked, best = play(schema, inside, np.array([[0.0, np.nan]]), Cell.EA)
    assert np.isnan(asked[0][0, 1])
    assert best[0] == 8.0


@given(
    st.lists(
        st.tuples(st.integers(1, 999), st.integers(1, 999), st.integers(70, 5000)).map(
            lambda t: Line(t[0] / 997, t[1] / 991, 1.0, 1.0, float(t[2]))
        ),
        min_size=2,
        max_size=2,
    ),
    st.integers(1, 2000),
)
@settings(max_examples=200, deadline=None)
def test_fine_grids_equal_enumeration(lines, need):
    k = np.arange(0, lines[0].last + 1)
    owed = need - lines[0].rate * k
    other = np.maximum(np.ceil(owed / lines[1].rate - 1e-9), 0)
    costs = np.where(other <= lines[1].last, lines[0].price * k + lines[1].price * other, np.inf)
    cover = cheapest(lines, float(need))
    assert cover.cost == pytest.approx(costs.min(), rel=1e-9)
    assert cover.bound == cover.cost


def test_a_choice_of_many_options_equals_enumeration():
    rng = np.random.default_rng(3)
    for _ in range(40):
        parts = [Options(rng.uniform(0, 1, 3), rng.uniform(0, 1, 3)) for _ in range(6)]
        need = rng.uniform(0.2, 4)
        best = math.inf
        for picks in itertools.product(range(-1, 3), repeat=6):
            chosen = [(p, i) for p, i in zip(parts, picks, strict=True) if i >= 0]
            if sum(p.gains[i] for p, i in chosen) >= need:
                best = min(best, sum(p.costs[i] for p, i in chosen))
        assert cheapest(parts, need).cost == pytest.approx(best, abs=1e-12)


def test_a_victim_whose_missing_value_was_never_read_gets_no_bound_and_no_question():
    features = tuple(Feature(f"x{j}", Kind.NUMERIC, -10, 10, price=Price(up=1.0, down=1.0)) for j in range(2))
    inside = AdditiveStructure(1.0, np.array([1.0, 0.5]), (None, None), np.array([np.nan, 0.0]))
    records = np.array([[1.0, 1.0], [np.nan, 1.0], [1.0, np.nan]])
    bounds, asked, best = play(TableSchema(features), inside, records, Cell.EI)
    np.testing.assert_allclose(bounds, [2.5, 2.0], rtol=1e-6)
    assert np.isfinite(best).tolist() == [True, False, True]
    assert not np.isnan(asked[0][:, 0]).any()
