"""Evolution against planted optima that no single change leads to, and what it loses without its jumps."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from tests.known_answers.tables import linear_world, play, scored

from vauban.contracts import SCORE, Brief, Cohort, Known, Scale
from vauban.exploratory.evolution import Evolution
from vauban.exploratory.greedy_search import GreedySearch
from vauban.exploratory.linear_optimum import LinearOptimum
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.tactics import breeding
from vauban.tactics.breeding import Population
from vauban.tactics.ledger import Ledger
from vauban.threat import Budget, Cell

UNIT = TableSchema(tuple(Feature(n, Kind.NUMERIC, 0.0, 1.0, price=Price(up=1.0, down=1.0)) for n in "abcd"))


def exclusive(frame):
    """Two features must be high together; either alone is worse than neither. The optimum costs 1.2 from 0."""
    a, b = frame.a > 0.6, frame.b > 0.6
    return 1.0 + 0.5 * (a ^ b) - 2.0 * (a & b)


def exclusive_world(n: int = 6):
    victims = np.zeros((n, 4))
    victims[:, 2:] = np.random.default_rng(0).uniform(0, 1, (n, 2))
    return scored(UNIT, exclusive, victims, known=None, scale=Scale.MARGIN)


def test_crosses_the_plateau_on_which_greedy_search_fails():
    world = exclusive_world()
    assert not np.isfinite(play(GreedySearch(), world, queries=600).cost).any()
    found = play(Evolution(), world, queries=600).cost
    assert np.isfinite(found).all()
    assert (found >= 1.2 - 1e-9).all()
    assert found.max() <= 1.25 * 1.2


def test_without_wild_children_it_does_not(monkeypatch):
    monkeypatch.setattr(breeding, "_WILD", 0.0)
    assert not np.isfinite(play(Evolution(), exclusive_world(), queries=600).cost).any()


@pytest.mark.parametrize("seed", range(3))
def test_finds_the_optimum_of_small_tables_with_interactions(seed):
    rng = np.random.default_rng(seed)
    schema = TableSchema(
        (
            Feature("a", Kind.INTEGER, 0, 4, price=Price(up=1.0, down=1.5)),
            Feature("b", Kind.INTEGER, 0, 4, price=Price(up=0.7, down=0.7)),
            Feature("c", Kind.CATEGORICAL, values=(0, 1, 2), price=Price.flat(3, 1.2)),
        )
    )
    table = rng.normal(size=(5, 5, 3)).round(3)

    def margin(frame):
        return table[frame.a.astype(int), frame.b.astype(int), frame.c.astype(int)] - 0.4

    every = np.array(list(itertools.product(range(5), range(5), range(3))), dtype=float)
    harmful, passing = every[table.reshape(-1) >= 0.4], every[table.reshape(-1) < 0.4]
    best = np.array([schema.cost(np.tile(v, (len(passing), 1)), passing).min() for v in harmful])
    found = play(Evolution(), scored(schema, margin, harmful, known=passing[:5], scale=Scale.MARGIN), queries=75)
    assert np.isfinite(found.cost).all()
    assert (found.cost >= best - 1e-9).all()
    assert np.mean(found.cost / best) <= 1.1


@pytest.mark.parametrize("cell", [Cell.EI, Cell.EA])
def test_comes_near_the_exact_optimum_of_a_linear_model(cell):
    world = linear_world(seed=1, cell=cell, n=30)
    exact = play(LinearOptimum(), world, queries=5).cost
    found = play(Evolution(), world, queries=300).cost
    can = np.isfinite(exact)
    assert can.sum() >= 20
    assert (np.isfinite(found) == can).all()
    assert (found[can] >= exact[can] * (1 - 1e-9)).all()
    assert np.median(found[can] / exact[can]) <= 1.02


def test_nobody_depends_on_who_else_is_there():
    world = exclusive_world(5)
    together = play(Evolution(), world, queries=150).cost
    first = play(Evolution(), replace(world, victims=world.victims[:1]), queries=150).cost
    assert together.tolist() == play(Evolution(), world, queries=150).cost.tolist()
    assert first[0] == together[0]


def ledger_of(victims: np.ndarray) -> Ledger:
    none = Known(np.empty((0, 4)), None, np.empty(0, dtype=bool))
    brief = Brief(Cell.EI, UNIT, SCORE, Budget(100, 0), none, scale=Scale.MARGIN)
    return Ledger.open(UNIT, brief, Cohort(victims, np.arange(len(victims)), (0,)), SCORE, -0.1, 0.0)


def test_the_fittest_are_kept_cheap_ones_that_pass_first():
    ledger = ledger_of(np.zeros((1, 4)))
    ledger.cost[:] = 0.5
    population = Population.of(ledger, np.array([-1.0]), 4)
    children = np.zeros((1, 5, 4))
    children[0, :, 0] = [0.9, 0.5, 0.2, 0.3, 0.2]
    better = population.join(ledger, np.array([0]), children, np.array([[0.4, 0.1, -0.1, np.nan, -0.1]]))
    assert better.tolist() == [True]
    # passes at its best price; all but passes; passes but dearer; the record itself. The twin and the unasked are gone
    assert population.cost[0].tolist() == pytest.approx([0.5, 0.2, 0.9, 0.0])
    assert population.progress[0].tolist() == pytest.approx([0.1, -0.1, 0.4, -1.0])


def test_children_are_cheaper_than_what_their_victim_has():
    ledger = ledger_of(np.zeros((3, 4)))
    ledger.cost[:] = [0.5, 1.0, 2.0]
    rows = np.repeat(np.arange(3), 50)
    records = np.random.default_rng(0).uniform(0, 1, (150, 4))
    cheap = breeding._cheap_enough(ledger, rows, records, breeding.Streams.of(ledger.cohort), np.arange(3))
    cost = UNIT.cost(ledger.cohort.records[rows], cheap)
    assert (cost < ledger.cost[rows]).all()
    assert np.median(cost / ledger.cost[rows]) > 0.8
