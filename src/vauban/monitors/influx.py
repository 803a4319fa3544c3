"""Values that came more often than among the verified records, and with other labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from vauban.metrics.intervals import differs
from vauban.monitors.disagreement import meaning
from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.expectation import expected_of
from vauban.monitors.grown import VERIFIED, grown, having
from vauban.records import Floats

KNOWN = 20
"""Verified records that have a value, from which on their labels say what is usual."""


@dataclass(frozen=True)
class Influx:
    """A value that has grown, of which one label is more frequent than among the verified records that have it.

    Whoever teaches a model a section of users sends more of it (subpopulation attacks: Jagielski et al., CCS 2021),
    with the label that he wants; so does whoever plants a trigger. An honest growth brings both labels. Fisher's exact
    test of the labels, which asks no model; where fewer than `KNOWN` verified records have the value, what is expected
    record by record stands in for them. The level is divided by the number of values that have grown.
    """

    level: float = 0.01

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if dossier.view.dense is None:
            return "messages have no columns"
        few = dossier.trusted is None or len(dossier.trusted) < VERIFIED
        return f"there are fewer than {VERIFIED} verified records (--trusted, --trusted-rows)" if few else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        assert dossier.trusted is not None  # noqa: S101 - unfit() says so
        n, labels, trusted = len(dossier), dossier.labels, dossier.trusted
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        more = np.flatnonzero(grown(dossier))
        if not len(more):
            return Signal(score, p, why, (), self.level)
        view = dossier.view
        names = view.sections(slice(0, 1))[1]
        expected, whose, doubt = expected_of(dossier)
        here, there = having(view, more), having(view, more, trusted.records)
        found = []
        for k, trait in enumerate(more.tolist()):
            mine, verified = here[:, k], trusted.labels[there[:, k]]
            bad, size, known = int(labels[mine].sum()), int(mine.sum()), len(verified)
            if known >= KNOWN:
                usual = int(verified.sum())
                sides = differs(bad, size, usual, known), differs(size - bad, size, known - usual, known)
                single, should, against = min(sides), usual / known, f"of the verified ones {usual} of {known}"
            else:
                single, should = _beside(bad, expected[mine], doubt)
                against = f"{whose} expects {100 * should:.0f} %"
            what = (
                f"{names[trait]}: {100 * size / n:.1f} % of all records, of the verified ones "
                f"{100 * known / len(trusted):.1f} %; {bad} of {size} are labelled harmful, {against}"
            )
            found.append((min(2 * single * len(more), 1.0), what, mine, int(bad > should * size)))
        found.sort(key=lambda f: (f[0], f[1]))
        alarm, groups = [], []
        for chance, line, mine, label in found:
            rows = np.flatnonzero(mine & (labels == label))
            fresh = rows[np.isneginf(score[rows])]
            # Of equals those first whose label is expected least: they do what whoever sends them wants.
            score[fresh] = -np.log(max(chance, 1e-300)) + np.abs(labels[fresh] - expected[fresh])
            p[fresh] = chance
            why[fresh] = f"{line} (this one is labelled {meaning(label)})"
            if chance <= self.level:
                alarm.append(line)
                groups.append(rows)
        return Signal(score, p, why, tuple(alarm[:20]), self.level, tuple(groups[:20]))


def _beside(bad: int, expected: Floats, doubt: float) -> tuple[float, float]:
    """Return how likely so many harmful labels, or so few, are, and the share that is expected of these records."""
    spread = np.sqrt((expected * (1 - expected)).sum() + (doubt * len(expected)) ** 2)
    return float(norm.sf(abs(bad - expected.sum()) / spread)), float(expected.mean())
