"""Boxes of two features in which records pass against expectation: every pair is looked at, and every box of it.

A search that adds one condition after the other (see `vauban.assurance.rules`) sees nothing of two conditions that mean
nothing alone. Here each pair of features makes a table of counts, and each box of the table is judged at once: a value
or an interval on either side.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from vauban.assurance.rules import FEWEST, Condition, Rule
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import Feature, TableSchema

FEATURES = 60
"""Features, at most, whose pairs are looked at: those in which alone passes are most surprising."""
BINS = 28
"""Bins of a number with more values than that, of equal counts."""
LIKELY = 0.5
"""Chance to pass from which on a record is left out."""
CLEAR = 4.0
"""Signed root of the deviance from which on a box is no chance, of so many as are looked at."""
FLOOR = 0.05
"""Passes that are expected of any box at least: of few records nobody knows it better."""
ANEW = 0.5
"""Share of a box's passes that no stronger box has."""


@dataclass(frozen=True)
class _Axis:
    """A feature in bins: ``bins`` (n,), -1 where missing; ``sets`` (s, b): which bins each condition holds."""

    bins: Ints
    sets: Floats
    conditions: tuple[Condition, ...]


def find_pairs(schema: TableSchema, records: Records, passed: Mask, expected: Floats, most: int) -> list[Rule]:
    """Return boxes of two features in which far more records pass than expected, the strongest first.

    Args:
        schema: of the records.
        records: (n, d) encoded.
        passed: (n,) which of them the model passes.
        expected: (n,) how likely each was to pass, by what its features do one by one.
        most: boxes; in each most passes are none of those before it.
    """
    open_ = expected < LIKELY  # of one that was likely to pass, that it does says nothing of any box
    records, passed, expected = records[open_], passed[open_], expected[open_]
    axes = [_axis(j, f, records[:, j]) for j, f in enumerate(schema.features)]
    if len(axes) > FEATURES:
        axes = sorted(axes, key=lambda axis: -_alone(axis, passed, expected))[:FEATURES]
    found: list[tuple[float, Rule]] = []
    for one, other in combinations(axes, 2):
        merit, rule = _best(one, other, passed, expected)
        if merit >= CLEAR:
            found.append((merit, rule))
    chosen: list[Rule] = []
    left = passed.copy()
    for _, rule in sorted(found, key=lambda item: -item[0]):
        inside = rule.holds(records)
        if left[inside].sum() >= max(ANEW * passed[inside].sum(), 1):
            chosen.append(rule)
            left &= ~inside
        if len(chosen) == most:
            break
    return chosen


def _axis(j: int, feature: Feature, column: Floats) -> _Axis:
    there = ~np.isnan(column)
    values = np.unique(column[there])
    if feature.listed and feature.kind != "ordinal":
        bins = np.where(there, np.searchsorted(values, column), -1)
        return _Axis(bins, np.eye(len(values)), tuple(Condition(j, values=(int(v),)) for v in values))
    if len(values) > BINS:
        values = np.unique(np.quantile(column[there], np.linspace(0, 1, BINS + 1), method="nearest"))[:-1]
    bins = np.where(there, np.searchsorted(values, column, side="right") - 1, -1)
    ends = np.append(values[1:], np.inf)
    first, last = np.triu_indices(len(values))
    short = last - first < max(len(values) / 2, 1)
    first, last = first[short], last[short]
    every = np.arange(len(values))
    sets = ((every >= first[:, None]) & (every <= last[:, None])).astype(np.float64)
    conditions = []
    for a, b in zip(first.tolist(), last.tolist(), strict=True):
        below = ends[b]
        high = np.inf if below == np.inf else float(np.nextafter(below, -np.inf))
        low = -np.inf if a == 0 else float(values[a])
        if feature.listed:
            conditions.append(Condition(j, values=tuple(values[a : b + 1].astype(int).tolist())))
        else:
            conditions.append(Condition(j, low, high))
    return _Axis(bins, sets, tuple(conditions))


def _best(one: _Axis, other: _Axis, passed: Mask, expected: Floats) -> tuple[float, Rule]:
    """Return the box with the greatest merit, and that merit."""
    there = (one.bins >= 0) & (other.bins >= 0)
    shape = (one.sets.shape[1], other.sets.shape[1])
    if not there.any() or not len(one.conditions) or not len(other.conditions):
        return 0.0, Rule(())
    at = (one.bins * shape[1] + other.bins)[there]

    def over(weights: Floats) -> Floats:
        table = np.bincount(at, weights[there], shape[0] * shape[1]).reshape(shape)
        return np.asarray(one.sets @ table @ other.sets.T)

    merit = _merits(over(passed.astype(np.float64)), over(expected))
    i, j = np.unravel_index(int(np.argmax(merit)), merit.shape)
    return float(merit[i, j]), Rule((one.conditions[i], other.conditions[j]))


def _alone(axis: _Axis, passed: Mask, expected: Floats) -> float:
    """Return the greatest merit of a condition of one feature."""
    there = axis.bins >= 0
    size = axis.sets.shape[1]
    k, e = (axis.sets @ np.bincount(axis.bins[there], w[there], size) for w in (passed.astype(np.float64), expected))
    return float(_merits(k, e).max(initial=0.0))


def _merits(passes: Floats, expected: Floats) -> Floats:
    """Return signed roots of the Poisson deviance; 0 where there are few passes, or no more than expected."""
    out = np.zeros(passes.shape)
    some = (passes >= FEWEST / 2) & (passes > expected)
    k, e = passes[some], np.maximum(expected[some], FLOOR)
    out[some] = np.sqrt(2 * np.maximum(k * np.log(k / e) - (k - e), 0.0))
    return out
