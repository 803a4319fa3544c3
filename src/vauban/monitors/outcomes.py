"""Labels that came late and contradict what was decided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom

from vauban.contracts import LABEL
from vauban.monitors.dossier import Signal
from vauban.monitors.predictions import Predictions
from vauban.threat import Decision

LEAST = 20
"""Verified records of a class that say how often the model is wrong about it."""


@dataclass(frozen=True)
class Outcomes:
    """The truth, where it is known, contradicts the decision; what the model was most sure of comes first.

    What does not come by chance: more errors of a kind than among the verified records (Fisher's exact test).
    """

    level: float = 0.005

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return None if dossier.known.any() else "the truth of no record is known (--label, --outcome)"

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        truth = dossier.truth
        assert truth is not None  # noqa: S101 - unfit() says so
        n = len(dossier)
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        rows = np.flatnonzero(dossier.known & (truth != dossier.labels))
        sure = np.abs(dossier.height[rows]) if dossier.scores is not None else np.zeros(len(rows))
        score[rows] = sure
        place = np.searchsorted(np.sort(sure), sure, side="left")
        p[rows] = (1 + len(rows) - place) / (1 + int(dossier.known.sum()))
        passed, stopped = "passed; it turned out to be harmful", "was stopped; it turned out to be good"
        why[rows] = np.where(dossier.labels[rows] == 0, passed, stopped)
        return Signal(score, p, why, self._more(dossier), self.level)

    def _more(self, dossier: Predictions) -> tuple[str, ...]:
        trusted, truth = dossier.trusted, dossier.truth
        if trusted is None or truth is None:
            return ()
        told = dossier.candidate.answer(trusted.records, LABEL).decisions != Decision.PASS
        lines = []
        for label, what in ((1, "harmful records pass"), (0, "good records do not pass")):
            mine, verified = truth == label, trusted.labels == label
            if not mine.any() or verified.sum() < LEAST:
                continue
            k, n = int((dossier.labels[mine] != label).sum()), int(mine.sum())
            k_then, n_then = int((told[verified] != bool(label)).sum()), int(verified.sum())
            if hypergeom.sf(k - 1, n + n_then, k + k_then, n) * 2 <= self.level:
                lines.append(f"{k} of {n} {what}; of the verified ones {k_then} of {n_then}")
        return tuple(lines)
