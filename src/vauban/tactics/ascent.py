"""Move training records to where a model that is trained on them goes wrong most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vauban.records import Floats, Mask, Records
from vauban.schema import TableSchema
from vauban.tactics.logistic import Columns, fit, loss, pull, rising, uphill

PENALTY = 1e-3
"""Of the attacker's own model."""
STEPS = 25
"""Steps uphill."""
LENGTH = 0.5
"""Length of the first step, in standard deviations of each feature; it shrinks to nothing."""


@dataclass(frozen=True)
class Slope:
    """What his own model is trained on beside the records that move, and what it is to get wrong.

    Attributes:
        columns: how records become numbers.
        x, y: the other training records (n, p) and their labels (n,).
        hurt_x, hurt_y: records whose loss is to rise (h, p), and their right labels (h,).
        label: of the records that move.
        weight: times that each of them is trained on.
        sharp: which loss is to rise, see `vauban.tactics.logistic.rising`.
    """

    columns: Columns
    x: Floats
    y: Floats
    hurt_x: Floats
    hurt_y: Floats
    label: float
    weight: int = 1
    sharp: float = 0.0

    def at(self, points: Records, start: Floats | None = None) -> tuple[Floats, Floats, Floats]:
        """Return the gradient (m, p) of the loss with respect to records (m, d), their numbers, and the weights."""
        now = self.columns.matrix(points)
        many = np.repeat(now, self.weight, axis=0)
        whole = np.concatenate([self.x, many])
        w = fit(whole, np.concatenate([self.y, np.full(len(many), self.label)]), PENALTY, start)
        harm = rising(self.hurt_x, self.hurt_y, w, self.sharp)
        return uphill(now, np.full(len(now), self.label), w, pull(whole, w, PENALTY, harm)), now, w


def everywhere(numbers: Floats) -> Mask:
    """Return that records may lie anywhere (m,)."""
    return np.ones(len(numbers), dtype=bool)


def ascended(
    base: Records, slope: Slope, schema: TableSchema, within: Callable[[Floats], Mask] = everywhere
) -> Records:
    """Return records (m, d) that mislead most, of those passed on the way up from ``base`` (m, d).

    Only numbers move, each as far as the schema lets its record; what lies ``within`` does not leave it. The implicit
    gradient of Biggio, Nelson and Laskov, "Poisoning attacks against support vector machines" (ICML 2012, section 3),
    for logistic regression.
    """
    features, places = (np.array(c, dtype=np.int64) for c in zip(*slope.columns.feature_of(), strict=True))
    points, best, most, w = base, base, -np.inf, None
    for step in range(STEPS + 1):
        gradient, now, w = slope.at(points, w)
        reached = loss(slope.hurt_x, slope.hurt_y, w, slope.sharp)
        if reached > most:
            best, most = points, reached
        if step == STEPS:
            break
        gradient = gradient[:, places]
        size = np.abs(gradient).max(axis=1, keepdims=True)
        stride = LENGTH * (1 - step / STEPS) * np.divide(gradient, size, out=np.zeros_like(gradient), where=size > 0)
        moved = points.copy()
        moved[:, features] += stride * slope.columns.spread[features]
        moved = schema.repair(base, moved)
        leaves = ~within(slope.columns.matrix(moved)) & within(now)
        points = np.where(leaves[:, None], points, moved)
    return best
