"""Many bisections in step: one question a round for each victim, or several where rounds are dearer than questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.records import Floats, Mask


@dataclass(frozen=True)
class Bisection:
    """Intervals between a point that fails and one that reaches the goal, any number of them.

    Which end is the larger does not matter. Values are on any scale; the caller moves points to what is attainable and
    says what came of them.

    Attributes:
        lo: (n,) points known, or taken, not to reach the goal.
        hi: (n,) points that reach it; the search narrows towards ``lo``.
    """

    lo: Floats
    hi: Floats

    def between(self, ways: int = 1) -> Floats:
        """Return points (n, ways) that cut each interval into equal parts, nearest to ``lo`` first."""
        shares = np.arange(1, ways + 1) / (ways + 1)
        return np.asarray(self.lo[:, None] + (self.hi - self.lo)[:, None] * shares)

    def narrowed(self, points: Floats, reached: Mask, asked: Mask | None = None) -> Bisection:
        """Return the intervals after answers.

        Args:
            points: (n, ways), nearest to ``lo`` first.
            reached: (n, ways) which of them reach the goal.
            asked: (n, ways) which of them were answered at all; every one by default.

        Returns:
            ``hi`` becomes the first point that reaches, ``lo`` the last one before it that does not.
        """
        asked = np.ones_like(reached) if asked is None else asked
        ways = reached.shape[1]
        hit = reached & asked
        first = np.where(hit.any(axis=1), hit.argmax(axis=1), ways)
        fails = asked & ~reached & (np.arange(ways) < first[:, None])
        last = ways - 1 - fails[:, ::-1].argmax(axis=1)
        rows = np.arange(len(self.lo))
        hi = np.where(first < ways, points[rows, np.minimum(first, ways - 1)], self.hi)
        lo = np.where(fails.any(axis=1), points[rows, last], self.lo)
        return Bisection(lo, hi)

    def open(self, tolerance: Floats | float) -> Mask:
        """Return which intervals are still wider than a tolerance (n,)."""
        return np.asarray(np.abs(self.hi - self.lo) > tolerance)
