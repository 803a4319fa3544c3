"""Sources that get through, or are stopped, more often than their records let expect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from sklearn.isotonic import IsotonicRegression

from vauban.monitors.beside import drawn, unfit_beside
from vauban.monitors.dossier import Signal
from vauban.monitors.learning import learnt
from vauban.monitors.predictions import Predictions
from vauban.monitors.second import halves, second
from vauban.records import Floats, Ints

LEAST = 15
"""Records of a source that say anything of it."""
DOUBT = 0.03
"""How wrong a second model may be about a source as a whole: no number of records makes so little a finding."""
LEARNT = 20_000
"""Records from which, at most, is learnt how those of other sources are decided."""


@dataclass(frozen=True)
class SourceRates:
    """A source's rate of acceptance, against that which a model expects of its records that does not know the source.

    The excess is in standard deviations, scaled by how far it is off over all sources where there are ten; the level
    is divided by their number (Bonferroni).
    """

    level: float = 0.01

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if dossier.sources is None:
            return "nobody knows the source of a record (--source)"
        if len(np.unique(dossier.labels)) < 2:
            return "all records are decided alike"
        counts = np.unique(dossier.sources.astype(str), return_counts=True)[1]
        return None if (counts >= LEAST).sum() > 1 else f"no two sources have {LEAST} records each"

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        assert dossier.sources is not None  # noqa: S101 - unfit() says so
        names, which = np.unique(dossier.sources.astype(str), return_inverse=True)
        stopped = dossier.labels.astype(np.float64)
        expected, whose = _expected(dossier, which, stopped)
        count = np.bincount(which).astype(np.float64)
        many = count >= LEAST
        spread = np.maximum(expected * (1 - expected), 1e-4)
        gap = np.bincount(which, stopped - expected)
        z = np.where(many, gap / np.sqrt(np.bincount(which, spread) + (DOUBT * count) ** 2), 0.0)
        if many.sum() >= 10:
            z /= max(1.4826 * float(np.median(np.abs(z[many]))), 1.0)
        chance = np.minimum(2 * norm.sf(np.abs(z)) * int(many.sum()), 1.0)
        toward = (z[which] > 0) == (stopped == 1)
        odd = toward & (np.abs(z[which]) > 1.5)
        score = np.where(odd, np.abs(z[which]) + np.abs(stopped - expected), -np.inf)
        share, should = (np.bincount(which, x) / np.maximum(count, 1) for x in (1 - stopped, 1 - expected))
        lines = np.array(
            [
                f"source {name}: {100 * s:.0f} % of {int(c)} records pass; {whose} expects {100 * e:.0f} %"
                for name, s, e, c in zip(names, share, should, count, strict=True)
            ],
            dtype=object,
        )
        worst = [i for i in np.argsort(-np.abs(z), kind="stable").tolist() if chance[i] <= self.level]
        return Signal(
            score,
            np.where(odd, np.maximum(chance[which], 1e-12), 1.0),
            np.where(odd, lines[which], ""),
            tuple(str(lines[i]) for i in worst[:20]),
            self.level,
        )


def _expected(dossier: Predictions, which: Ints, stopped: Floats) -> tuple[Floats, str]:
    """Return the share that is expected to be stopped of records like each (n,), and whose word that is."""
    if unfit_beside(dossier) is None:
        other = second(dossier)
        harm, whose = other.harm, f"a second model, of {other.held.whose},"
    else:
        harm, whose = _by_others(dossier, which), "a model of other sources' records"
    steps = IsotonicRegression(y_min=1e-3, y_max=1 - 1e-3, out_of_bounds="clip")
    return np.asarray(steps.fit(harm, stopped).predict(harm)), whose


def _by_others(dossier: Predictions, which: Ints) -> Floats:
    """Return how harmful each record is (n,) to a model of what is decided of other sources' records."""
    side, found = halves(which, dossier.seed), np.empty(len(which))
    kind = "linear" if dossier.terms.dense is None else "boosted"
    for one in (0, 1):
        there, here = np.flatnonzero(side != one), np.flatnonzero(side == one)
        some = there[drawn(len(there), LEARNT, dossier.seed)]
        view = dossier.terms.same(dossier.records[some])
        for start in range(0, len(here), 100_000):
            part = here[start : start + 100_000]
            on = dossier.terms.same(dossier.records[part])
            found[part] = learnt(view, dossier.labels[some], np.arange(len(some)), on, kind=kind, seed=dossier.seed)
    return found
