"""A quick guess at a model from its decisions: a sum of one curve, or one height a value, for each feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.records import Floats, Mask, Records
from vauban.schema import TableSchema

_KNOTS = np.linspace(0, 1, 11)[1:-1]
_RIDGE = 0.3
_NEWTON_STEPS = 12


@dataclass(frozen=True)
class AdditiveGuess:
    """How far each feature moves a record towards the attacker's goal, in log-odds of the guess.

    Attributes:
        at: of each feature, the rising points (k,) of its curve; a listed feature's are its indices.
        height: of each feature, the heights (k,) at those points. Beyond the ends a curve goes on straight.
        offset: the height of a record whose parts are all 0; it is thought to reach the goal from 0 on.
    """

    at: tuple[Floats, ...]
    height: tuple[Floats, ...]
    offset: float

    def part(self, j: int, values: Floats) -> Floats:
        """Return what values of feature j, of any shape, contribute; a missing one contributes nothing."""
        at, height = self.at[j], self.height[j]
        out = np.interp(values, at, height)
        if len(at) > 1:
            below, above = values < at[0], values > at[-1]
            first = (height[1] - height[0]) / (at[1] - at[0])
            last = (height[-1] - height[-2]) / (at[-1] - at[-2])
            out += np.where(below, (values - at[0]) * first, 0.0) + np.where(above, (values - at[-1]) * last, 0.0)
        return np.where(np.isnan(values), 0.0, out)

    def progress(self, records: Records) -> Floats:
        """Return the guessed progress of encoded records (n,): from 0 on they are thought to reach the goal."""
        total = np.full(len(records), self.offset)
        for j in range(len(self.at)):
            total += self.part(j, records[:, j])
        return total


def flat_guess(schema: TableSchema) -> AdditiveGuess:
    """Return the guess of one who knows nothing."""
    points = tuple(np.arange(len(f.values), dtype=np.float64) if f.listed else np.zeros(1) for f in schema.features)
    return AdditiveGuess(points, tuple(np.zeros(len(p)) for p in points), 0.0)


def guess(schema: TableSchema, records: Records, reached: Mask) -> AdditiveGuess:
    """Return the guess fitted to what was answered: a ridge-penalised logistic regression by Newton's method.

    A number's curve is a straight line plus hinges at its deciles, so linear models are met exactly and steps nearly.
    Where all answers are the same, nothing can be told and the guess is flat.

    Args:
        schema: of the records.
        records: (n, d) asked about.
        reached: (n,) which of them reached the goal.
    """
    if not len(records) or reached.all() or not reached.any():
        return flat_guess(schema)
    points = [_points(schema, j, records[:, j]) for j in range(len(schema))]
    blocks = [_basis(schema, j, points[j], records[:, j]) for j in range(len(schema))]
    design = np.concatenate([np.ones((len(records), 1)), *blocks], axis=1)
    spread = design[:, 1:].std(axis=0)
    scale = np.concatenate([[1.0], np.where(spread > 1e-9, spread, 1.0)])
    weights = _logistic(design / scale, reached.astype(np.float64)) / scale
    heights, first = [], 1
    for j, block in enumerate(blocks):
        part = weights[first : first + block.shape[1]]
        first += block.shape[1]
        heights.append(_basis(schema, j, points[j], points[j]) @ part)
    return AdditiveGuess(tuple(points), tuple(heights), float(weights[0]))


def _points(schema: TableSchema, j: int, column: Floats) -> Floats:
    feature = schema.features[j]
    if feature.listed:
        return np.arange(len(feature.values), dtype=np.float64)
    column = column[np.isfinite(column)]
    if not len(column):
        return np.zeros(1)
    return np.unique(np.concatenate([[column.min()], np.quantile(column, _KNOTS), [column.max()]]))


def _basis(schema: TableSchema, j: int, points: Floats, values: Floats) -> Floats:
    feature = schema.features[j]
    gone = np.isnan(values)
    if feature.listed:
        out = (values[:, None] == points).astype(np.float64)
    else:
        spread = max(float(np.ptp(points)), 1e-12)
        line = np.where(gone, points.mean(), values)[:, None]
        hinges = np.maximum(line - points[1:-1], 0.0)
        out = np.concatenate([line - points.mean(), hinges], axis=1) / spread
    out[gone] = 0.0
    return np.asarray(out)


def _logistic(design: Floats, target: Floats) -> Floats:
    weights = np.zeros(design.shape[1])
    ridge = np.full(len(weights), _RIDGE)
    ridge[0] = 1e-6
    for _ in range(_NEWTON_STEPS):
        odds = np.clip(design @ weights, -30, 30)
        p = 1 / (1 + np.exp(-odds))
        slope = design.T @ (p - target) + ridge * weights
        curve = (design * np.maximum(p * (1 - p), 1e-6)[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        weights -= step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return weights
