"""Records that pass, by a hair above all, and look harmful to a second model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.monitors.beside import beyond, surplus, unfit_beside
from vauban.monitors.dossier import Signal
from vauban.monitors.predictions import Predictions
from vauban.monitors.second import second
from vauban.records import Floats

CLOSE = 1.0
"""Log-odds below the threshold within which a record passes by a hair; scaled by their spread where scores are none."""


@dataclass(frozen=True)
class HarmfulLooking:
    """A model that learnt from verified or training records, and is of another kind, would stop what passes.

    What lies just inside the threshold counts more: that is where an attacker stops who looks for the cheapest way
    through (Biggio et al., ECML PKDD 2013). A second model that both must fool is the idea of reject on disagreement.
    """

    level: float = 0.005

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return unfit_beside(dossier)

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        n, other = len(dossier), second(dossier)
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        passes = dossier.labels == 0
        height = dossier.height if dossier.scores is not None else None
        found = _suspicion(other.harm - other.cut, height)
        inside = other.held.decided == 0
        known_height = other.held.height
        known = _suspicion(other.apart - other.cut, known_height)[inside]
        rows = np.flatnonzero(passes & (other.harm >= other.cut))
        score[rows] = found[rows]
        p[rows] = beyond(found[rows], known) if len(known) else _rank(found[rows], int(passes.sum()))
        top = rows[np.argsort(-found[rows], kind="stable")[:2000]]
        share = 1 / (1 + np.exp(-other.harm[top]))
        hair = np.zeros(len(top), dtype=bool) if height is None else height[top] > -CLOSE
        why[top] = [
            f"passes{' by a hair' if h else ''}; a second model, of {other.held.whose}, gives it {100 * s:.0f} % harm "
            "and would stop it"
            for s, h in zip(share, hair, strict=True)
        ]
        alarm: tuple[str, ...] = ()
        if len(known):
            over = surplus(found[passes], known)
            if over.chance <= self.level:
                alarm = (
                    f"{over.count} of {over.n} records that pass look more harmful to a second model than verified "
                    f"ones that pass; chance would bring about {over.expected:.1f}",
                )
        return Signal(score, p, why, alarm, self.level)


def _suspicion(harm: Floats, height: Floats | None) -> Floats:
    """Return how harmful records look beyond the second model's cut (n,); more so just inside the threshold."""
    if height is None:
        return harm
    return np.asarray(harm + np.exp(np.minimum(height, 0.0) / CLOSE))


def _rank(found: Floats, passing: int) -> Floats:
    order = np.sort(found)
    return np.asarray((1 + len(found) - np.searchsorted(order, found, side="left")) / (1 + passing))
