"""Greedy search against planted optima, brute force, and the exact optimum of real linear models."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.known_answers.tables import linear_world, play, scored

from vauban.audit.answers import Oracle
from vauban.audit.plan import brief_for, make_plan
from vauban.audit.runner import scout, search
from vauban.catalogue import entry
from vauban.contracts import SCORE, Scale, seed_for
from vauban.exploratory.greedy_search import GreedySearch
from vauban.exploratory.linear_optimum import LinearOptimum
from vauban.exploratory.random_search import RandomSearch
from vauban.scenarios import scenario
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.threat import Budget, Cell, Grant

CELLS = (Cell.EI, Cell.EA)


@pytest.mark.parametrize("cell", CELLS)
def test_comes_within_two_percent_of_the_optimum_of_a_linear_model(cell):
    world = linear_world(seed=1, cell=cell)
    exact = play(LinearOptimum(), world, queries=5)
    found = play(GreedySearch(), world, queries=200)
    assert np.isfinite(exact.cost).sum() > 50
    assert (np.isfinite(found.cost) == np.isfinite(exact.cost)).all()
    ratio = found.cost[np.isfinite(exact.cost)] / exact.cost[np.isfinite(exact.cost)]
    assert ratio.min() >= 1 - 1e-9
    assert np.median(ratio) <= 1.02
    assert np.quantile(ratio, 0.9) <= 1.10


def test_most_victims_of_a_linear_model_take_fewer_than_200_questions():
    found = play(GreedySearch(), linear_world(seed=2), queries=1000)
    assert np.median(found.used) < 200


@pytest.mark.parametrize("seed", range(5))
def test_finds_the_optimum_of_small_tables_with_interactions(seed):
    rng = np.random.default_rng(seed)
    price = Price(up=1.0, down=1.5)
    schema = TableSchema(
        (
            Feature("a", Kind.INTEGER, 0, 4, price=price),
            Feature("b", Kind.INTEGER, 0, 4, price=Price(up=0.7, down=0.7)),
            Feature("c", Kind.CATEGORICAL, values=(0, 1, 2), price=Price.flat(3, 1.2)),
        )
    )
    table = rng.normal(size=(5, 5, 3)).round(3)  # any function at all of the three

    def margin(frame):
        return table[frame.a.astype(int), frame.b.astype(int), frame.c.astype(int)] - 0.4

    every = np.array(list(itertools.product(range(5), range(5), range(3))), dtype=float)
    harmful = every[table.reshape(-1) >= 0.4]
    passing = every[table.reshape(-1) < 0.4]
    world = scored(schema, margin, harmful, known=passing[:5], scale=Scale.MARGIN)
    best = np.array([schema.cost(np.tile(v, (len(passing), 1)), passing).min() for v in harmful])
    found = play(GreedySearch(), world, queries=75)
    assert np.isfinite(found.cost).all()
    assert np.median(found.cost / best) == pytest.approx(1.0)
    assert np.mean(found.cost / best) <= 1.1


def test_reaches_what_no_single_change_moves():
    schema = TableSchema(
        tuple(Feature(n, Kind.NUMERIC, 0.0, 1.0, price=Price(up=1.0, down=1.0)) for n in ("a", "b", "c"))
    )

    def margin(frame):  # flat, except where all three are high
        return np.where((frame > 0.6).all(axis=1), -1.0, 1.0)

    known = np.vstack([np.random.default_rng(0).uniform(0, 0.5, (20, 3)), np.full((1, 3), 0.9)])
    world = scored(schema, margin, np.zeros((3, 3)), known=known, scale=Scale.MARGIN)
    found = play(GreedySearch(), world, queries=200)
    assert found.cost == pytest.approx([1.8] * 3, rel=0.03)


def test_shrinks_a_change_to_the_step_where_the_model_turns():
    schema = TableSchema((Feature("a", Kind.INTEGER, 0, 100_000, price=Price(up=0.001)),))
    world = scored(
        schema, lambda frame: np.where(frame.a >= 43_210, -1.0, 1.0), np.zeros((1, 1)), known=None, scale=Scale.MARGIN
    )
    found = play(GreedySearch(), world, queries=60)
    assert 43.21 <= found.cost[0] <= 43.21 * 1.02


def test_a_limit_on_cost_is_kept():
    world = linear_world(seed=3)
    free = play(GreedySearch(), world, queries=200)
    limit = float(np.median(free.cost))
    found = play(GreedySearch(), world, queries=200, cost=limit)
    assert found.dearest <= limit
    assert np.isfinite(found.cost[free.cost <= limit * 0.95]).mean() > 0.95


def test_random_search_flips_most_and_greedy_search_is_cheaper():
    world = linear_world(seed=4)
    found, blind = play(GreedySearch(), world, queries=200), play(RandomSearch(), world, queries=200)
    assert np.isfinite(blind.cost[np.isfinite(found.cost)]).mean() > 0.9
    assert np.median(found.cost) < np.median(blind.cost)


def test_random_search_shrinks_what_passed():
    world = linear_world(seed=5)
    few, many = play(RandomSearch(), world, queries=50), play(RandomSearch(), world, queries=1000)
    assert (many.cost <= few.cost).all()
    assert np.median(many.cost) < np.median(few.cost)


def test_effects_name_the_features_that_move_the_model():
    world = linear_world(seed=6)
    found = play(GreedySearch(), world, queries=50)
    assert found.effects[0].name in {"x0", "c"}
    assert all(e.effect >= 0 for e in found.effects)
    by_name = {e.name: e for e in found.effects}
    assert by_name["x0"].direction == "raises"


@pytest.mark.data
@pytest.mark.parametrize("data", ["german", "taiwan"])
@pytest.mark.parametrize("cell", CELLS)
def test_comes_within_two_percent_of_the_optimum_on_real_credit_data(data, cell):
    system = scenario("credit").system(data, "logistic-regression", 0)

    def reached(name, grants, queries):
        threats = scenario("credit").threats([cell], grants, Budget(queries, queries), None)
        front = make_plan(system, threats, ["do-nothing"], 100).fronts[0]
        attack, oracle = entry(name).make(), Oracle(system.target)
        brief = brief_for(front, system.target, name, 0)
        scouted = scout(attack, name, brief, oracle)
        key = seed_for(0, name, cell.value, "search")
        return search(attack, name, brief, scouted.intelligence, front.victims, oracle, seed=key)[0]

    exact = reached("linear-optimum", frozenset({Grant.LABEL, Grant.STRUCTURE}), 10)
    found = reached("greedy-search", SCORE, 200)
    assert found.success[exact.success].mean() >= 0.99
    both = exact.success & found.success
    assert both.sum() >= 20
    assert np.median(found.cost[both] / exact.cost[both]) <= 1.02
