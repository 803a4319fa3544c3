"""Decisions that a model takes otherwise than the one before it; and records that changed together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from vauban.monitors.dossier import Signal
from vauban.monitors.predictions import Predictions
from vauban.monitors.slices import LEAST
from vauban.records import Floats, Ints, Mask

SAME = 0.02
"""Log-odds, or units of the score, within which two models say the same of a record."""


def together(changed: Mask, family: Ints, level: float) -> tuple[Ints, Ints, Ints, Floats]:
    """Return families of near-identical records that changed their decision together: a model learnt them by heart.

    Args:
        changed: (n,) which records changed, in one direction.
        family: (n,) of which family each is.
        level: how often there is any such family where changes have nothing to do with families.

    Returns:
        Families (f,), most changes first; how many of each changed (f,), how many it has (f,), and the corrected
        probability (f,).
    """
    count = np.bincount(family[changed], minlength=int(family.max(initial=0)) + 1)
    size = np.bincount(family, minlength=len(count))
    share = float(changed.mean()) if len(changed) else 0.0
    at = np.flatnonzero(count >= LEAST)
    chance = np.asarray(binom.sf(count[at] - 1, size[at], share) * max(len(at), 1))
    over = np.flatnonzero(chance <= level)
    over = over[np.argsort(-count[at[over]], kind="stable")]
    found = at[over]
    return found, count[found], size[found], chance[over]


@dataclass(frozen=True)
class Changed:
    """The reference decides otherwise: the approved model, or what was logged.

    What does not come by chance: a threshold that was moved, which is somebody's decision and nothing that a model
    learns; and near-identical records that changed together, as a campaign does that was trained in.
    """

    level: float = 0.002

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return "there is no reference: --reference, or what was logged" if dossier.before is None else None

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        n, changed = len(dossier), dossier.changed
        move = np.where(changed, np.abs(dossier.rise), 0.0)
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        rows = np.flatnonzero(changed)
        score[rows] = 1.0 + np.minimum(move[rows], 50.0) / 50.0
        order = np.sort(move[rows])
        p[rows] = (1 + len(rows) - np.searchsorted(order, move[rows], side="left")) / (1 + n)
        passes = dossier.labels == 0
        why[rows] = np.where(passes[rows], *_words("", dossier))
        alarm = list(self._threshold(dossier, score, p, why))
        for way, now, word in ((passes, "pass", "did not"), (~passes, "do not pass", "did")):
            mine = changed & way
            for f, count, size, chance in zip(*together(mine, dossier.family, self.level / 4), strict=True):
                line = (
                    f"{count} of {size} nearly identical records {now} that {word}, against {mine.mean():.1%} of all: "
                    "the model learnt them by heart"
                )
                alarm.append(line)
                kin = np.flatnonzero((dossier.family == f) & mine)
                score[kin] += 1 + np.log1p(count)
                p[kin], why[kin] = max(float(chance), 1e-12), line
        return Signal(score, p, why, tuple(alarm[:20]), self.level)

    def _threshold(self, dossier: Predictions, score: Floats, p: Floats, why: Ints) -> tuple[str, ...]:
        old, new = dossier.threshold_before, dossier.threshold
        if dossier.approved is None or old is None or new is None or old == new:
            return ()
        rows = np.flatnonzero(dossier.changed)
        line = (
            f"the threshold was moved from {old:g} to {new:g}: {int((dossier.labels[rows] == 0).sum())} records pass "
            f"that did not, {int((dossier.labels[rows] == 1).sum())} the other way round, of {len(dossier)}"
        )
        if dossier.scores is None or dossier.scores_before is None:
            return (line,)
        between = (dossier.scores >= min(old, new)) & (dossier.scores < max(old, new))
        mine = np.flatnonzero(dossier.changed & between)
        score[mine] += 1.0
        p[mine] = np.minimum(p[mine], 1e-6)
        passes, not_ = _words(f"the threshold was moved from {old:g} to {new:g}: ", dossier)
        why[mine] = np.where(dossier.labels[mine] == 0, passes, not_)
        return (f"{line}; {len(mine)} of them have a score between the two",)


def _words(before: str, dossier: Predictions) -> tuple[str, str]:
    who = "the reference" if dossier.approved is not None else "what was logged"
    return f"{before}passes; {who} blocks it", f"{before}does not pass; {who} lets it pass"
