"""Sources and batches whose labels are not what models of verified or earlier records expect of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.expectation import expected_apart

LEAST = 8
"""Records of a source or batch that say anything of it."""


@dataclass(frozen=True)
class Arrivals:
    """What came from one source, or in one batch, is labelled otherwise than record by record is expected.

    The excess of a group is in standard deviations; the level is divided by the number of groups (Bonferroni).

    Attributes:
        by: ``source`` or ``batch``.
    """

    by: str = "source"
    level: float = 0.01

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        groups = self._groups(dossier)
        if groups is None:
            return f"nobody knows the {self.by} of a record"
        if len(np.unique(dossier.labels)) < 2:
            return "all records have the same label"
        counts = np.unique(groups, return_counts=True)[1]
        return None if (counts >= LEAST).sum() > 1 else f"no two values of {self.by} have {LEAST} records each"

    def _groups(self, dossier: Dossier) -> NDArray[Any] | None:
        if self.by == "batch":
            return dossier.batches
        return None if dossier.sources is None else dossier.sources.astype(str)

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        groups = self._groups(dossier)
        assert groups is not None  # noqa: S101 - unfit() says so
        names, which = np.unique(groups, return_inverse=True)
        labels = dossier.labels.astype(np.float64)
        expected, whose, doubt = expected_apart(dossier, which)
        count = np.bincount(which).astype(np.float64)
        gap = np.bincount(which, labels - expected)
        spread = np.maximum(expected * (1 - expected), 1e-4)
        slack = (doubt * count) ** 2
        excess = np.where(count >= LEAST, gap / np.sqrt(np.bincount(which, spread) + slack), 0.0)
        against = np.abs(labels - expected)
        # Labels turned both ways leave the rate as it is: then it is how often the label is the unlikely one.
        odd = np.bincount(which, against - 2 * spread)
        turned = odd / np.sqrt(np.bincount(which, spread * (1 - 2 * expected) ** 2) + slack)
        turned = np.where(count >= LEAST, np.maximum(turned, 0.0), 0.0)
        many = count >= LEAST
        excess, turned = (
            z / max(1.4826 * float(np.median(np.abs(z[many]))), 1.0) if many.any() else z for z in (excess, turned)
        )
        both = turned > np.abs(excess)
        z = np.where(both, turned, excess)
        tested = int((count >= LEAST).sum())
        chance = np.minimum(2 * norm.sf(np.abs(z)) * tested, 1.0)
        toward = ((z[which] > 0) == (labels == 1)) | both[which]
        score = np.where(toward & (np.abs(z[which]) > 1.5), np.abs(z[which]) + against, -np.inf)
        share = np.bincount(which, labels) / np.maximum(count, 1)
        should = np.bincount(which, expected) / np.maximum(count, 1)
        unlikely = np.bincount(which, against > 0.5) / np.maximum(count, 1)
        lines = np.array(
            [
                f"{self.by} {name}: {100 * u:.0f} % of {int(n)} records have the label that {whose} finds unlikely"
                if flipped
                else f"{self.by} {name}: {100 * s:.0f} % of {int(n)} records are labelled harmful; "
                f"{whose} expects {100 * e:.0f} %"
                for name, s, n, e, u, flipped in zip(names, share, count, should, unlikely, both, strict=True)
            ],
            dtype=object,
        )
        why = np.where(np.isfinite(score), lines[which], "")
        worst = [i for i in np.argsort(-np.abs(z), kind="stable").tolist() if chance[i] <= self.level]
        return Signal(
            score,
            np.where(np.isfinite(score), chance[which], 1.0),
            why,
            tuple(str(lines[i]) for i in worst[:20]),
            self.level,
            tuple(np.flatnonzero((which == i) & np.isfinite(score)) for i in worst[:20]),
        )
