"""Small worlds of tables, and a way to let an attack play in them on the real runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.audit.answers import Oracle
from vauban.audit.runner import scout, search
from vauban.contracts import Brief, Effect, Known, Scale
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.targets import CallableTarget, EstimatorTarget
from vauban.threat import Budget, Cell, Grant


@dataclass(frozen=True)
class World:
    schema: TableSchema
    target: Any
    victims: np.ndarray
    known: Known
    cell: Cell = Cell.EI


@dataclass(frozen=True)
class Played:
    """Of each victim, the cheapest flip and the questions; the dearest of the flips; and what scouting learnt."""

    cost: np.ndarray
    used: np.ndarray
    dearest: float
    effects: tuple[Effect, ...]


class Linear:
    """A fitted classifier whose margin is linear in the raw columns, with scikit-learn's methods."""

    def __init__(self, weights: np.ndarray, offset: float) -> None:
        self.weights, self.offset, self.classes_ = weights, offset, np.array([0, 1])
        self.feature_names_in_ = np.array([*(f"x{j}" for j in range(5)), "fixed", "c"])  # takes the raw frame

    def decision_function(self, frame: Any) -> np.ndarray:
        values = frame.to_numpy(dtype=float)
        return (values[:, :-1] * self.weights[:-1]).sum(axis=1) + self.weights[-1] * (values[:, -1] % 3) + self.offset

    def predict_proba(self, frame: Any) -> np.ndarray:
        p = 1 / (1 + np.exp(-self.decision_function(frame)))
        return np.column_stack([1 - p, p])


def linear_world(seed: int, cell: Cell = Cell.EI, n: int = 80) -> World:
    rng = np.random.default_rng(seed)
    numbers = tuple(
        Feature(f"x{j}", Kind.INTEGER if j % 2 else Kind.NUMERIC, -60.0, 60.0, price=Price(*rng.uniform(0.05, 1, 2)))
        for j in range(5)
    )
    fixed = Feature("fixed", Kind.NUMERIC, -60.0, 60.0)
    listed = Feature("c", Kind.CATEGORICAL, values=tuple(range(6)), price=Price.flat(6, 2.0))
    schema = TableSchema((*numbers, fixed, listed))
    model = Linear(np.array([0.2, -0.1, 0.07, 0.03, 0.0, 0.1, 0.8]), -0.8137)
    records = np.column_stack([rng.normal(0, 10, (4 * n, 6)).round(), rng.integers(0, 6, 4 * n)])
    blocked = model.decision_function(schema.decode(records)) >= 0
    victims = records[blocked == cell.harmful][:n]
    target = EstimatorTarget(model, schema, sample=records[:100])
    labels = blocked[-n:].astype(np.int8)
    return World(schema, target, victims, Known(records[-n:], labels, np.ones(n, bool)), cell)


def scored(
    schema: TableSchema, margin: Callable[[Any], Any], victims: np.ndarray, known: np.ndarray | None, scale: Scale
) -> World:
    """Return a world whose model is a function of the frame; records with margin 0 or more are blocked."""
    target = CallableTarget(margin, schema, threshold=0.0, scale=scale)
    have = np.empty((0, len(schema))) if known is None else known
    return World(schema, target, victims, Known(have, None, np.ones(len(have), bool)))


def play(attack: Any, world: World, queries: int, cost: float | None = None) -> Played:
    grants = frozenset({Grant.LABEL}) | attack.wants
    inside = world.target.structure() if Grant.STRUCTURE in grants else None
    brief = Brief(
        world.cell,
        world.schema,
        grants,
        Budget(queries, 1000, cost=cost),
        world.known,
        scale=world.target.scale,
        inside=inside,
    )
    oracle = Oracle(world.target)
    scouted = scout(attack, "attack", brief, oracle)
    judged, _ = search(attack, "attack", brief, scouted.intelligence, world.victims, oracle, seed=(0,))
    flips = judged.cost[judged.success]
    return Played(judged.cost, judged.used, float(flips.max(initial=0.0)), scouted.intelligence.effects)
