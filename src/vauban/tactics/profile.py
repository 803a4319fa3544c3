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

GRID = 17
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


def profiles(margin: MarginOf, records: Records, j: int, values: Floats) -> Floats:
    """Return the margins (n, k) of records (n, d) with feature j at each of k values.

    Their means are the partial dependence of Friedman, "Greedy function approximation" (Annals of Statistics 29, 2001,
    section 8.2).
    """
    n, k = len(records), len(values)
    return margin(with_value(np.repeat(records, k, axis=0), j, np.tile(values, n))).reshape(n, k)


def effects_of(
    margin: MarginOf,
    schema: TableSchema,
    records: Records,
    sample: Records,
    turns: Mapping[int, float],
    *,
    shares: bool,
) -> tuple[Effect, ...]:
    """Return what moves a margin in a class of records, strongest first.

    Args:
        margin: the model, or a substitute of it.
        schema: of the records.
        records: (n, d) of the class: each is moved in one feature at a time.
        sample: (m, d) of the class, from which natural spreads are read.
        turns: thresholds already known, by the feature's position.
        shares: whether sizes are changes of the share of records blocked, not of the margin.

    Returns:
        An effect a feature: its size is the change over the feature's natural spread.
    """
    if not len(records):
        return ()
    found: list[tuple[float, Effect]] = []
    for j, feature in enumerate(schema.features):
        values = spread(feature, sample[:, j])
        margins = profiles(margin, records, j, values)
        means = margins.mean(axis=0)
        counted = _common(feature, sample[:, j])
        width = float(np.ptp(means[counted])) if counted.any() else 0.0
        blocked = (margins >= 0).mean(axis=0)[counted] if shares else means[counted]
        size = float(np.ptp(blocked)) if counted.any() else 0.0
        order = np.argsort(-means, kind="stable") if feature.listed else ()
        listed = tuple(str(feature.values[int(i)]) for i in order)
        found.append((width, Effect(feature.name, size, _direction(feature, means), turns.get(j), listed)))
    return tuple(effect for _, effect in sorted(found, key=lambda pair: (-pair[1].effect, -pair[0])))


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
    margins = profiles(margin, records, j, values)
    side = margins >= 0
    turned = side[:, 1:] != side[:, :-1]
    first = turned.argmax(axis=1)
    here, there = (np.take_along_axis(margins, (first + k)[:, None], axis=1)[:, 0] for k in (0, 1))
    share = np.divide(here, here - there, out=np.zeros(len(here)), where=here != there)
    return np.where(turned.any(axis=1), values[first] + share * (values[1] - values[0]), np.nan)
