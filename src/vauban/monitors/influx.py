"""Values that came more often than among the verified records, and with other labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.metrics.intervals import differs
from vauban.monitors.disagreement import meaning
from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.grown import VERIFIED, blocks, grown


@dataclass(frozen=True)
class Influx:
    """A value that has grown, of which one label is more frequent than among the verified records that have it.

    Whoever teaches a model a section of users sends more of it (subpopulation attacks: Jagielski et al., CCS 2021),
    with the label that he wants. An honest growth brings both labels. Fisher's exact test of the labels; the level is
    divided by the number of values that have grown. No model is asked, so none need be believed about a section.
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
        here = np.concatenate([view.sections(rows)[0][:, more].toarray() > 0 for rows in blocks(n)])
        there = view.same(trusted.records).sections()[0][:, more].toarray() > 0
        found = []
        for k, trait in enumerate(more.tolist()):
            mine, verified = here[:, k], trusted.labels[there[:, k]]
            bad, size, usual, known = int(labels[mine].sum()), int(mine.sum()), int(verified.sum()), len(verified)
            sides = differs(bad, size, usual, known), differs(size - bad, size, known - usual, known)
            chance = min(2 * min(sides) * len(more), 1.0)
            found.append((chance, names[trait], mine, int(bad * max(known, 1) > usual * size), bad, usual, known))
        found.sort(key=lambda f: (f[0], f[1]))
        alarm, groups = [], []
        for chance, name, mine, label, bad, usual, known in found:
            rows = np.flatnonzero(mine & (labels == label))
            line = (
                f"{name}: {100 * mine.mean():.1f} % of all records, of the verified ones "
                f"{100 * known / len(trusted):.1f} %; {bad} of {int(mine.sum())} are labelled harmful, of the verified "
                f"ones {usual} of {known}"
            )
            fresh = rows[np.isneginf(score[rows])]
            score[fresh], p[fresh] = -np.log(max(chance, 1e-300)), chance
            why[fresh] = f"{line} (this one is labelled {meaning(label)})"
            if chance <= self.level:
                alarm.append(line)
                groups.append(rows)
        return Signal(score, p, why, tuple(alarm[:20]), self.level, tuple(groups[:20]))
