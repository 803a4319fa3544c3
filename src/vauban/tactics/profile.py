"""How a model's margin moves with one feature, the others as they are: effects, directions, turns of the decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from vauban.contracts import Effect
from vauban.records import Floats, Mask, Records
from vauban.schema import Feature, Kind, TableSchema

MarginOf = Callable[[Records], Floats]
"""Encoded records (n, d) to margins (n,), 0 and above is blocked."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
RARE = 0.02
"""Share of records below which a listed value does not count for its feature's effect: it would rank by its rarity."""

GRID = 33
"""Points between the ends of a feature's range at which a turn is looked for."""


def spread(feature: Feature, column: Floats) -> Floats:
    """Return the values (k,) over which a feature naturally moves, rising: quantiles of a number, all listed values."""
    if feature.listed:
        return np.arange(len(feature.values), dtype=np.float64)
    present = column[~np.isnan(column)]
    if len(present):
        return np.unique(np.quantile(present, QUANTILES, method="nearest"))
    ends = np.array([feature.lower, feature.upper])
    return np.unique(ends[np.isfinite(ends)])


def with_value(records: Records, j: int, values: Floats | float) -> Records:
    """Return a copy of records (n, d) with feature j set."""
    out = records.copy()
    out[:, j] = values
    return out


def curve(margin: MarginOf, records: Records, j: int, values: Floats) -> Floats:
    """Return the mean margin (k,) of records (n, d) with feature j at each of k values (partial dependence).

    Friedman, "Greedy function approximation" (Annals of Statistics 29, 2001, section 8.2).
    """
    n, k = len(records), len(values)
    margins = margin(with_value(np.repeat(records, k, axis=0), j, np.tile(values, n)))
    return np.asarray(margins.reshape(n, k).mean(axis=0))


def effects_of(
    margin: MarginOf, schema: TableSchema, records: Records, sample: Records, turns: Mapping[int, float]
) -> tuple[Effect, ...]:
    """Return what moves a margin in a class of records, strongest first.

    Args:
        margin: the model, or a substitute of it.
        schema: of the records.
        records: (n, d) of the class: each is moved in one feature at a time.
        sample: (m, d) of the class, from which natural spreads are read.
        turns: thresholds already known, by the feature's position.

    Returns:
        An effect a feature: its size is the change of the margin over the feature's natural spread.
    """
    if not len(records):
        return ()
    found = []
    for j, feature in enumerate(schema.features):
        values = spread(feature, sample[:, j])
        means = curve(margin, records, j, values) if len(values) > 1 else np.zeros(len(values))
        counted = _common(feature, sample[:, j])
        size = float(np.ptp(means[counted])) if counted.any() else 0.0
        order = np.argsort(-means, kind="stable") if feature.listed else ()
        found.append(
            Effect(
                feature.name,
                size,
                _direction(feature, means),
                turns.get(j),
                tuple(str(feature.values[int(i)]) for i in order),
            )
        )
    return tuple(sorted(found, key=lambda e: -e.effect))


def _common(feature: Feature, column: Floats) -> Mask:
    if not feature.listed:
        return np.ones(len(spread(feature, column)), dtype=np.bool_)
    counts = np.bincount(column[~np.isnan(column)].astype(np.intp), minlength=len(feature.values))
    if not counts.sum():
        return np.ones(len(feature.values), dtype=np.bool_)
    return np.asarray(counts >= RARE * counts.sum())


def _direction(feature: Feature, means: Floats) -> str:
    if feature.kind is Kind.CATEGORICAL and len(feature.values) > 2:
        return "both"
    changes = np.diff(means)
    up, down = float(changes[changes > 0].sum()), float(-changes[changes < 0].sum())
    if min(up, down) > 0.25 * max(up, down):
        return "both"
    return "raises" if up >= down else "lowers"


def turning(margin: MarginOf, records: Records, j: int, low: float, high: float) -> Floats:
    """Return the value of feature j, from low to high, at which each record's decision first turns (n,); NaN: never."""
    values = np.linspace(low, high, GRID)
    n = len(records)
    side = margin(with_value(np.repeat(records, GRID, axis=0), j, np.tile(values, n))).reshape(n, GRID) >= 0
    turned = side[:, 1:] != side[:, :-1]
    first = turned.argmax(axis=1)
    return np.where(turned.any(axis=1), (values[first] + values[first + 1]) / 2, np.nan)
