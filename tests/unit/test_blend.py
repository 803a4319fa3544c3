"""Combining measured moves, against every combination of tiny ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.tactics.blend import Measured, Stairs, blend
from vauban.tactics.moves import Range, moves_around

SCHEMA = TableSchema(
    (
        Feature("a", Kind.INTEGER, 0, 9, price=Price(up=1.0, down=2.0)),
        Feature("b", Kind.NUMERIC, 0, 9, price=Price(up=0.5)),
        Feature("c", Kind.CATEGORICAL, values=(0, 1, 2), price=Price.flat(3, 1.5)),
    )
)


def moves_of(records, anchor=None, levels=4, most=np.inf):
    ranges = Range.of(SCHEMA, np.empty((0, 3)))
    anchor = records if anchor is None else anchor
    return moves_around(SCHEMA, records, anchor, np.full(len(records), most), ranges, levels, 0.0)


def test_moves_are_possible_priced_right_and_cheaper_than_asked():
    records = np.array([[3.0, 2.5, 0.0], [0.0, 9.0, 2.0], [9.0, np.nan, 1.0]])
    moves = moves_of(records, most=4.0)
    row, k = np.nonzero(~np.isnan(moves.values))
    after = records[row]
    after[np.arange(len(row)), moves.feature[k]] = moves.values[row, k]
    assert moves.costs[row, k] == pytest.approx(SCHEMA.cost(records[row], after))
    assert (moves.costs[row, k] < 4.0).all()
    assert not np.isnan(moves.values[:2]).all(axis=1).any()
    assert np.isnan(moves.values[2, moves.feature == 1]).all()


def test_numbers_reach_the_ends_of_what_is_attainable():
    moves = moves_of(np.array([[3.0, 2.5, 0.0]]))
    a = moves.values[0, moves.feature == 0]
    b = moves.values[0, moves.feature == 1]
    assert (np.nanmin(a), np.nanmax(a)) == (0.0, 9.0)
    assert (np.nanmin(b), np.nanmax(b)) == (2.5, 9.0)  # b can only rise


@pytest.mark.parametrize("seed", range(20))
def test_a_blend_covers_what_is_needed_and_costs_little_more_than_the_cheapest(seed):
    rng = np.random.default_rng(seed)
    moves = moves_of(np.array([[3.0, 2.5, 0.0]]))
    gains = np.where(np.isnan(moves.values) | moves.home, np.nan, rng.uniform(-1, 1, moves.values.shape))
    gains[moves.home] = 0.0
    need = rng.uniform(0.3, 1.5)
    choices = [[(0.0, 0.0)] for _ in range(3)]
    for k in np.flatnonzero(~np.isnan(gains[0])):
        choices[moves.slot[k]].append((gains[0, k], moves.costs[0, k]))
    totals = [np.sum(c, axis=0) for c in itertools.product(*choices)]
    best = min((cost for gain, cost in totals if gain >= need), default=np.inf)
    found = blend(Measured.of(moves, gains), np.arange(1), np.array([need]), np.array([np.inf]))[1]
    assert (found.cost[0] < np.inf) == (best < np.inf)
    if best < np.inf:
        assert best <= found.cost[0] + 1e-12
        assert found.cost[0] <= 2 * best
        after = found.values
        assert SCHEMA.cost(np.array([[3.0, 2.5, 0.0]]), after)[0] == pytest.approx(found.cost[0])


def test_between_two_measured_values_the_gain_is_taken_to_rise_evenly():
    record = np.array([[0.0, 0.0, 0.0]])
    moves = moves_of(record)
    gains = np.where(moves.feature == 1, 2.0 * moves.values, np.nan)  # b gains 2 a unit, for 0.5
    gains[moves.home] = 0.0
    found = blend(Measured.of(moves, gains), np.arange(1), np.array([7.0]), np.array([np.inf]))[0]
    assert found.values[0].tolist() == pytest.approx([0.0, 3.5, 0.0])
    assert found.cost[0] == pytest.approx(1.75)


def test_nothing_is_chosen_that_is_not_cheaper_than_asked():
    record = np.array([[0.0, 0.0, 0.0]])
    moves = moves_of(record)
    gains = np.where(moves.feature == 1, 2.0 * moves.values, np.nan)
    gains[moves.home] = 0.0
    found = blend(Measured.of(moves, gains), np.arange(1), np.array([7.0]), np.array([1.7]))[0]
    assert found.cost[0] == np.inf


@given(st.integers(0, 10_000))
def test_no_choice_is_cheaper_than_the_bound(seed):
    rng = np.random.default_rng(seed)
    slot = np.repeat(np.arange(3), 3)
    gains, costs = rng.normal(size=(1, 9)).round(1), rng.uniform(0, 2, size=(1, 9)).round(1)
    stairs = Stairs.of(slot, gains, costs)
    need = float(rng.uniform(0.01, 3))
    choices = itertools.product(
        *([(0.0, 0.0), *zip(gains[0, slot == s], costs[0, slot == s], strict=True)] for s in range(3))
    )
    cheapest = min((sum(c for _, c in one) for one in choices if sum(g for g, _ in one) >= need), default=np.inf)
    bound = float(stairs.least(np.array([need]))[0])
    assert bound <= cheapest
    assert np.isinf(bound) == np.isinf(cheapest)
    single = Stairs.of(np.zeros(1, dtype=int), np.array([[2.0]]), np.array([[3.0]]))
    assert single.least(np.array([2.0]))[0] == pytest.approx(3.0)  # and where there is one choice, it is the bound
