"""The block search by decisions alone against planted optima, and what it loses without its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.known_answers.tables import World, linear_world, play

from vauban.audit.answers import Oracle
from vauban.audit.runner import search
from vauban.contracts import LABEL, Attack, Brief, Known, Scale
from vauban.exploratory.block_search import BlockSearch
from vauban.exploratory.donor_bisection import DonorBisection
from vauban.exploratory.linear_optimum import LinearOptimum
from vauban.records import Floats, Records
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.tactics import blocks
from vauban.tactics.additive_guess import flat_guess
from vauban.tactics.donors import Donors
from vauban.tactics.siege import Proposals, Siege
from vauban.targets import CallableTarget
from vauban.threat import Budget, Cell

SCHEMA = TableSchema(
    (
        *(Feature(f"n{j}", Kind.NUMERIC, 0.0, 100.0, price=Price(up=0.1, down=0.1)) for j in range(4)),
        Feature("whole", Kind.INTEGER, 0, 50, price=Price(up=0.4)),
        Feature("fixed", Kind.NUMERIC, 0.0, 100.0),
        Feature("kind", Kind.CATEGORICAL, values=(0, 1, 2, 3), price=Price.flat(4, 1.5)),
    )
)


def planted(passes: Callable[[Records], np.ndarray], n: int = 40) -> World:
    """Return a world in which a record passes if a function of the encoded record says so."""
    rng = np.random.default_rng(5)
    records = np.column_stack(
        [rng.uniform(0, 100, (3000, 4)), rng.integers(0, 51, 3000), rng.uniform(0, 100, 3000), rng.integers(0, 4, 3000)]
    )
    target = CallableTarget(
        lambda frame: np.where(passes(SCHEMA.encode(frame)), -1.0, 1.0), SCHEMA, threshold=0.0, scale=Scale.MARGIN
    )
    good = passes(records)
    known = np.concatenate([records[good][:20], records[~good][:200]])
    labels = np.concatenate([np.zeros(20), np.ones(200)]).astype(np.int8)
    # victims who lie outside the planted box in everything
    far = records[(records[:, :3] < 40).all(axis=1) & (records[:, 4] < 20) & (records[:, 6] < 3)]
    return World(SCHEMA, target, far[:n], Known(known, labels, np.ones(220, bool)))


def three_thresholds(records: Records) -> np.ndarray:
    """Pass with n0, n1 and n2 past their thresholds together, or, at a price, by the whole number alone."""
    return np.asarray((records[:, :3] >= [52, 47, 44]).all(axis=1) | (records[:, 4] >= 40))


def optimum_of_three(victims: Records) -> Floats:
    together = 0.1 * np.maximum(np.array([52, 47, 44]) - victims[:, :3], 0).sum(axis=1)
    return np.asarray(np.minimum(together, 0.4 * np.maximum(40 - victims[:, 4], 0)))


def kind_and_number(records: Records) -> np.ndarray:
    """Pass with the last category and n3 in the middle."""
    return np.asarray((records[:, 6] == 3) & (np.abs(records[:, 3] - 50) <= 10))


def optimum_of_two(victims: Records) -> Floats:
    return np.asarray(1.5 + 0.1 * np.maximum(np.abs(victims[:, 3] - 50) - 10, 0))


def ratio_of(attack: Attack, world: World, optimum: Callable[[Records], Floats], queries: int) -> Floats:
    ratio = play(attack, world, queries=queries).cost / optimum(world.victims)
    assert len(ratio) >= 15
    assert ratio.min() >= 1 - 1e-9
    return ratio


def test_comes_within_a_quarter_of_a_category_and_a_number():
    ratio = ratio_of(BlockSearch(), planted(kind_and_number), optimum_of_two, queries=400)
    assert np.median(ratio) <= 1.02
    assert ratio.max() <= 1.25


def test_finds_three_changes_that_help_only_together_where_donor_bisection_does_not():
    world = planted(three_thresholds)
    ratio = ratio_of(BlockSearch(), world, optimum_of_three, queries=600)
    assert np.median(ratio) <= 1.02
    assert np.quantile(ratio, 0.8) <= 1.25
    assert np.median(ratio_of(BlockSearch(), world, optimum_of_three, queries=300)) <= 1.02
    assert np.median(ratio_of(DonorBisection(), world, optimum_of_three, queries=600)) > 1.25


@pytest.mark.parametrize("cell", [Cell.EI, Cell.EA])
def test_comes_within_a_quarter_of_the_exact_optimum_of_a_linear_model(cell):
    world = linear_world(seed=1, cell=cell, n=40)
    exact = play(LinearOptimum(), world, queries=5).cost
    found = play(BlockSearch(), world, queries=300).cost
    can = np.isfinite(exact)
    assert can.sum() >= 25
    assert (np.isfinite(found) == can).all()
    ratio = found[can] / exact[can]
    assert ratio.min() >= 1 - 1e-9
    assert np.median(ratio) <= 1.05
    assert ratio.max() <= 1.25


def nothing(siege: Siege, *_: object) -> Proposals:
    none = np.zeros((0, siege.spent.shape[1]))
    return Proposals(np.zeros(0, dtype=np.int64), none, none, np.zeros(0, dtype=np.int64), new=True)


@pytest.mark.parametrize("lost", [("eased",), ("_directions", "traded")])
def test_without_a_part_the_planted_optimum_is_missed(monkeypatch, lost):
    for part in lost:
        monkeypatch.setattr(blocks, part, nothing)
    world = planted(three_thresholds)
    assert np.median(ratio_of(BlockSearch(), world, optimum_of_three, queries=300)) > 1.1


def test_nobody_depends_on_who_else_is_there():
    world = planted(three_thresholds, n=6)
    together = play(BlockSearch(), world, queries=120).cost
    assert np.isfinite(together).all()
    again = play(BlockSearch(), world, queries=120).cost
    first = play(BlockSearch(), replace(world, victims=world.victims[:1]), queries=120).cost
    assert together.tolist() == again.tolist()
    assert first[0] == together[0]


def test_rounds_stay_few_however_many_victims():
    world = planted(three_thresholds, n=40)
    brief = Brief(world.cell, SCHEMA, LABEL, Budget(1000, 0), world.known, scale=world.target.scale)
    calls = []
    for n in (4, 40):
        oracle = Oracle(world.target)
        learnt = Donors(world.known.records[:20], flat_guess(SCHEMA))
        search(BlockSearch(), "attack", brief, learnt, world.victims[:n], oracle, seed=(0,))
        calls.append(oracle.model_calls)
    assert max(calls) < 250
    assert calls[1] <= 2 * calls[0]


def test_blocks_are_equal_parts_of_the_features():
    rng = np.random.default_rng(0)
    drawn = blocks._block(rng.uniform(size=4000), rng.uniform(size=4000), 8)
    sizes = drawn.sum(axis=1)
    assert set(sizes.tolist()) == {1, 2, 4, 8}
    starts = drawn.argmax(axis=1)
    assert (starts % sizes == 0).all()
    assert (drawn == ((np.arange(8) >= starts[:, None]) & (np.arange(8) < (starts + sizes)[:, None]))).all()
