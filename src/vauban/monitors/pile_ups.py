"""Pile-ups: scores that bunch just inside the threshold, numbers that bunch at or just below a round value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom, norm

from vauban.contracts import Scale
from vauban.monitors.beside import beside, unfit_beside
from vauban.monitors.dossier import Signal
from vauban.monitors.predictions import Predictions
from vauban.monitors.slices import holm
from vauban.records import Floats, Ints, Mask
from vauban.schema import TableSchema

WIDTHS = (0.03, 0.1, 0.3)
"""Log-odds, or interquartile ranges of the scores, below the threshold in which scores may bunch."""
ATOMS, ROUND, LEAST = 60, 60, 8
"""Values of a column that are looked at, the most frequent; round values; and records that a pile needs."""
AROUND = 0.05
"""Share of the records on either side of a value with which it is compared."""
TIMES = 2.0
"""How many times as dense a pile must be as the data beside are there."""


@dataclass(frozen=True)
class _Pile:
    rows: Ints
    chance: float
    line: str


@dataclass(frozen=True)
class PileUps:
    """Attackers stop where they are let in: just inside the threshold, or at the value that an underwriter looks for.

    Scores: the density just inside against that on both sides (McCrary, J. Econometrics 142, 2008), by how far the
    same differs at other places of the scale. Numbers, among what passes: against the data beside, in the same
    neighbourhood. Bunching that the training data have too is no signal.
    """

    level: float = 0.01

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if dossier.scores is None and (dossier.records.ndim == 1 or unfit_beside(dossier) is not None):
            return "there are no scores, and nothing to hold the columns against (--training, --trusted-rows)"
        return None

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        n = len(dossier)
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        piles = [*_scores(dossier), *_columns(dossier)]
        alarm: list[str] = []
        for pile in sorted(piles, key=lambda x: x.chance):
            fresh = pile.rows[np.isneginf(score[pile.rows])]
            score[fresh] = min(-np.log10(max(pile.chance, 1e-300)), 300.0) + 1e-3
            p[fresh], why[fresh] = max(pile.chance, 1e-12), pile.line
            if pile.chance <= self.level / 2 and len(alarm) < 20:
                alarm.append(pile.line)
        return Signal(score, p, why, tuple(alarm), self.level)


def _scores(dossier: Predictions) -> Iterator[_Pile]:
    if dossier.scores is None:
        return
    height = dossier.height
    low, high = np.quantile(height, [0.25, 0.75])
    spread = 1.0 if dossier.scale is Scale.PROBABILITY else max(float(high - low), 1e-12)
    before = None
    if unfit_beside(dossier) is None:
        held = beside(dossier)
        before = None if held.base_height is None else np.sort(held.base_height)
    ordered = np.sort(height)
    for width in (w * spread for w in WIDTHS):
        inside, around = _bunch(ordered, 0.0, width)
        if inside < LEAST or inside < TIMES * around / 2:
            continue
        places = np.quantile(height, np.linspace(0.02, 0.98, 200))
        places = places[np.abs(places) > 2 * width]
        z = np.array([_excess(*_bunch(ordered, float(c), width)) for c in places])
        usual = max(1.4826 * float(np.median(np.abs(z))), 1.0) if len(z) else 1.0
        chance = float(norm.sf(_excess(inside, around) / usual)) * len(WIDTHS)
        if before is not None:
            then, beside_ = _bunch(before, 0.0, width)
            chance = max(chance, _denser(inside, inside + around, then, then + beside_) * len(WIDTHS))
        rows = np.flatnonzero((height >= -width) & (height < 0))
        unit = " of log-odds" if dossier.scale is Scale.PROBABILITY else ""
        line = (
            f"{inside} scores lie just inside the threshold (within {width:.3g}{unit}), where the density on both "
            f"sides lets expect {around / 2:.0f}"
        )
        yield _Pile(rows, min(chance, 1.0), line)


def _bunch(ordered: Floats, at: float, width: float) -> tuple[int, int]:
    """Return how many values lie just below a place, and how many on both sides of that, twice as wide."""
    edges = np.searchsorted(ordered, [at - 2 * width, at - width, at, at + width])
    return int(edges[2] - edges[1]), int(edges[1] - edges[0] + edges[3] - edges[2])


def _excess(inside: int, around: int) -> float:
    return float((inside - around / 2) / max(np.sqrt(inside + around / 4), 1.0))


def _denser(k: int, n: int, k_then: int, n_then: int) -> float:
    """Return how likely chance makes the share k of n so much more than k_then of n_then (Fisher's exact test)."""
    return float(hypergeom.sf(k - 1, n + n_then, k + k_then, n)) if n else 1.0


def _columns(dossier: Predictions) -> Iterator[_Pile]:
    schema = dossier.schema
    if not isinstance(schema, TableSchema) or unfit_beside(dossier) is not None:
        return
    held = beside(dossier)
    passes = np.flatnonzero(dossier.labels == 0)
    then_passes = held.base.records[held.base_decided == 0]
    found: list[tuple[float, int, float, float, int, float]] = []
    tested = 0
    for j in schema.numbers.tolist():
        values, before = (np.sort(x[~np.isnan(x)]) for x in (dossier.records[passes, j], then_passes[:, j]))
        if len(values) < 2 * LEAST or len(before) < 2 * LEAST:
            continue
        low, high = _cells(values)
        tested += len(low)
        k, k_then = (np.searchsorted(v, high, "right") - np.searchsorted(v, low, "left") for v in (values, before))
        rank = (np.searchsorted(before, low) + np.searchsorted(before, high, "right")) / 2 / len(before)
        near = np.quantile(before, np.clip(rank - AROUND, 0, 1)), np.quantile(before, np.clip(rank + AROUND, 0, 1))
        left, right = np.minimum(near[0], low), np.maximum(near[1], high)
        n, n_then = (np.searchsorted(v, right, "right") - np.searchsorted(v, left, "left") for v in (values, before))
        dense = (k / np.maximum(n, 1)) / np.maximum((k_then + 0.5) / (n_then + 1), 1e-12)
        chance = hypergeom.sf(k - 1, n + n_then, k + k_then, n)
        some = np.flatnonzero((k >= LEAST) & (dense >= TIMES) & (n > k))
        expected = n * (k_then + 0.5) / (n_then + 1)
        found += [(float(chance[i]), j, float(low[i]), float(high[i]), int(k[i]), float(expected[i])) for i in some]
    if not found:
        return
    corrected = holm(np.array([f[0] for f in found]), tested)
    for (_, j, low_, high_, count, should), p in zip(found, corrected.tolist(), strict=True):
        if p > 0.5:
            continue
        column = dossier.records[:, j]
        mine: Mask = (column >= low_) & (column <= high_) & (dossier.labels == 0)
        where = f"= {low_:.6g}" if low_ == high_ else f"from {low_:.6g} to just below {np.nextafter(high_, np.inf):.6g}"
        yield _Pile(
            np.flatnonzero(mine),
            p,
            f"{schema.features[j].name} {where}: {count} records that pass; as {held.whose} are there, {should:.0f}",
        )


def _cells(values: Floats) -> tuple[Floats, Floats]:
    """Return intervals (c,), both ends included: the most frequent values, and what lies just below round ones."""
    different, counts = np.unique(values, return_counts=True)
    atoms = different[np.argsort(-counts, kind="stable")[:ATOMS]]
    low, high = float(different[0]), float(different[-1])
    rounds: Floats = np.empty(0)
    step = 0.0
    if high > low and len(different) > 30:
        step = 10.0 ** np.ceil(np.log10((high - low) / ROUND))
        rounds = np.arange(np.ceil(low / step), np.floor(high / step) + 1)[: ROUND + 1] * step
    below = np.nextafter(rounds, -np.inf)
    return np.concatenate([atoms, rounds - 0.05 * step]), np.concatenate([atoms, below])
