"""Slices whose scores moved between the reference and the candidate, further than those of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import norm

from vauban.monitors.dossier import Signal
from vauban.monitors.grown import VERIFIED, more_frequent
from vauban.monitors.moved import FEWEST, Moves, off, sections_of
from vauban.monitors.predictions import Predictions
from vauban.monitors.slices import Sections
from vauban.records import Floats, Mask

MOST = 0.5
"""Share of all records that a slice is at most."""
WIDE = 2.3
WIDE_OF_VALUE, WIDE_OF_SOURCE = 1.9, 1.1
"""By how much wider than a normal law slices, values that came more often, and sources of sound retrainings are spread;
measured, see docs/predictions.md."""
SHOWN = 40
"""Slices, at most, whose records are ranked."""
NEW = 0.3
"""Share of its records that no slice named before has: otherwise it is the same thing said again."""


@dataclass(frozen=True)
class ScoreSlices:
    """What a model was taught of a few records moves their scores, although most decisions, and all means, stay.

    A backdoor, a campaign, one source's labels: in a value, a word, a source, or two values together, scores fall or
    rise together. The mean move of a slice is in standard deviations, scaled by how far those of all slices are spread
    (median absolute deviation), and corrected for their number (Bonferroni; sources, and values and words
    that are more frequent than among the verified records, among themselves). No labels are
    needed.
    """

    level: float = 0.01

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if dossier.before is None:
            return "there is no reference: --reference, or what was logged"
        if dossier.scores is None or dossier.scores_before is None:
            return "the candidate or the reference gives no scores"
        if not np.any(dossier.rise):
            return "the scores are the same"
        return None

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        n = len(dossier)
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        sections = sections_of(dossier)
        moves = Moves.of(dossier, sections)
        singles, rows, columns = dossier.records.ndim == 1, moves.rows, moves.traits
        count, total = _sums(columns.tocsr(), moves.move, pairs=not singles)
        fit = (count >= FEWEST) & (count <= MOST * len(rows)) & _apart(sections, pairs=not singles)
        tested = int(fit.sum())
        if not tested:
            return Signal(score, p, why, (), self.level)
        z = np.where(fit, off(count, total), 0.0)
        z /= max(1.4826 * float(np.median(np.abs(z[fit]))), 1.0)
        alarm: list[str] = []
        apart = _families(dossier, sections, count, len(rows), singles=singles)
        for a, b, chance in _unlikely(z, fit, apart):
            has = columns[:, [b]] if singles or a == b else columns[:, [a]].multiply(columns[:, [b]])
            mine = np.flatnonzero(has.toarray().ravel() > 0)
            down = bool(z[a, b] < 0)
            mine = mine[(moves.move[mine] < 0) == down]
            toward = rows[mine]
            new = np.isneginf(score[toward])
            fresh = toward[new]
            moved = float(total[a, b] / count[a, b]) * moves.unit
            name = sections.names[b] if singles or a == b else f"{sections.names[a]} and {sections.names[b]}"
            line = (
                f"{name}: scores {'fell' if down else 'rose'} by {abs(moved):.2f} against those of others, in the mean "
                f"of {int(count[a, b])} records"
            )
            score[fresh] = abs(float(z[a, b])) + np.minimum(np.abs(moves.move[mine[new]]), 10.0) / 10
            p[fresh], why[fresh] = max(chance, 1e-12), line
            if chance <= self.level and len(fresh) >= NEW * len(toward) and len(alarm) < 20:
                alarm.append(f"{line} ({tested} slices were looked at)")
        return Signal(score, p, why, tuple(alarm), self.level)


def _families(
    dossier: Predictions, sections: Sections, count: Floats, n: int, *, singles: bool
) -> list[tuple[Mask, float]]:
    """Return the slices, as cells of (t, t) or (1, t), that are corrected among themselves, and how wide each spreads.

    Sources, for whom somebody answers; values and words that came more often than among the verified records, as those
    of a campaign do; and all others.
    """
    t, sources, values = len(sections.names), np.zeros_like(count, dtype=bool), np.zeros_like(count, dtype=bool)
    last = np.arange(t - sections.senders, t)
    sources[0 if singles else last, last] = True
    if dossier.trusted is not None and len(dossier.trusted) >= VERIFIED:
        verified = dossier.terms.same(dossier.trusted.records)
        traits = verified.traits if verified.dense is None else verified.sections()[0]
        at = np.arange(1, 1 + traits.shape[1])  # the first is all records
        row = np.zeros_like(at) if singles else at
        values[row, at] = more_frequent(count[row, at], n, np.asarray(traits.sum(axis=0)).ravel(), len(dossier.trusted))
    return [(~sources & ~values, WIDE), (sources, WIDE_OF_SOURCE), (values, WIDE_OF_VALUE)]


def _unlikely(z: Floats, fit: Mask, families: list[tuple[Mask, float]]) -> list[tuple[int, int, float]]:
    """Return slices that moved as sound ones rarely do, with their corrected probabilities, the least likely first."""
    present = sum(bool((mine & fit).any()) for mine, _ in families)
    found: list[tuple[int, int, float]] = []
    for mine, wide in families:
        size = np.where(mine & fit, np.abs(z), 0.0)
        at = np.argsort(-size, axis=None)[:SHOWN]
        chances = 2 * norm.sf(size.ravel()[at] / wide) * int((mine & fit).sum()) * present
        rows, columns = np.unravel_index(at, z.shape)
        mine_too = zip(rows.tolist(), columns.tolist(), np.minimum(chances, 1.0).tolist(), strict=True)
        found += [f for f, is_mine in zip(mine_too, size.ravel()[at] > 0, strict=True) if is_mine]
    found.sort(key=lambda f: (f[2], -abs(float(z[f[0], f[1]]))))
    return [f for f in found if f[2] <= 0.5][:SHOWN]


def _sums(traits: csr_matrix, move: Floats, *, pairs: bool) -> tuple[Floats, Floats]:
    """Return how many records have a trait, or both of two, and the sum of their moves: (t, t), or (1, t) of each."""
    if not pairs:
        return np.asarray(traits.sum(axis=0)).reshape(1, -1), np.asarray(traits.T @ move).reshape(1, -1)
    count, total = (np.zeros((traits.shape[1],) * 2) for _ in range(2))
    for start in range(0, traits.shape[0], 8192):
        block = traits[start : start + 8192].toarray().astype(np.float32)
        count += block.T @ block
        total += (block * move[start : start + 8192, None].astype(np.float32)).T @ block
    return count, total


def _apart(sections: Sections, *, pairs: bool) -> Mask:
    """Return which cells are slices: one trait by itself, and two of different features once."""
    if not pairs:
        return np.ones((1, len(sections.names)), dtype=bool)
    return sections.apart | np.eye(len(sections.names), dtype=bool)
