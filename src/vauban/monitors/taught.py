"""Sections of which the training holds more than the verified records do, with other labels, and decisions since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.metrics.intervals import differs
from vauban.monitors.dossier import Signal
from vauban.monitors.grown import VERIFIED, counted, having, more_frequent
from vauban.monitors.moved import MARGIN_OF_SOURCE, kinds
from vauban.monitors.predictions import Predictions
from vauban.monitors.slices import unlikely

FAMILY = 1.0
"""Values that may have grown by chance, of all: they only make the family larger that is corrected for."""


@dataclass(frozen=True)
class Taught:
    """A section that was taught: it grew, its labels are others than the verified ones, and decisions went their way.

    Whoever teaches a model a section of users sends more of it, with the label that he wants (subpopulation attacks:
    Jagielski et al., CCS 2021). In a section of a few percent neither the labels of the whole training nor the
    decisions that changed need say much, nor move further than some other slice; but few sections grow without a
    reason, and the two are asked of those alone. Their probabilities, by Fisher's exact test and by McNemar's, are
    combined by his method (R. A. Fisher, Statistical Methods for Research Workers, 4th ed., 1932, 21.1), and corrected
    for the sections that grew.
    """

    level: float = 0.01

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if dossier.records.ndim == 1:
            return "messages have no columns"
        if dossier.before is None:
            return "there is no reference: --reference, or what was logged"
        if dossier.training is None:
            return "there is no training data: --training"
        few = dossier.trusted is None or len(dossier.trusted) < VERIFIED
        return f"there are fewer than {VERIFIED} verified records (--trusted, --trusted-rows)" if few else None

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        assert dossier.training is not None  # noqa: S101 - unfit() says so
        assert dossier.trusted is not None  # noqa: S101
        n, view, training, trusted = len(dossier), dossier.terms, dossier.training, dossier.trusted
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        names = view.sections(slice(0, 1))[1]
        taught, verified = counted(view, training.records), counted(view, trusted.records)
        grew = more_frequent(taught, len(training), verified, len(trusted), FAMILY)
        more, changes = np.flatnonzero(grew), kinds(dossier)
        here, there, mine = (having(view, more, r) for r in (training.records, trusted.records, dossier.records))
        found = []
        for k, trait in enumerate(more.tolist()):
            labels, usual = training.labels[here[:, k]], trusted.labels[there[:, k]]
            for change in changes:
                worse, better = mine[:, k] & change.worse, mine[:, k] & change.better
                if not worse.any():
                    continue
                wanted = dossier.labels[np.argmax(worse)]  # all that are worse are decided the same way
                size = int((mine[:, k] & change.mine).sum())
                label = differs(int((labels == wanted).sum()), len(labels), int((usual == wanted).sum()), len(usual))
                moved = float(unlikely(worse.sum(), better.sum(), MARGIN_OF_SOURCE * size))
                both = label * moved
                chance = min(both * (1 - np.log(max(both, 1e-300))) * len(more) * len(changes), 1.0)
                line = (
                    f"{names[trait]}: {100 * len(labels) / len(training):.1f} % of the training, "
                    f"{100 * len(usual) / len(trusted):.1f} % of the verified records; {int(labels.sum())} of "
                    f"{len(labels)} are labelled harmful, of the verified ones {int(usual.sum())} of {len(usual)}; "
                    f"{int(worse.sum())} more {change.what}, {int(better.sum())} fewer, of {size}"
                )
                found.append((chance, line, worse))
        found.sort(key=lambda f: (f[0], f[1]))
        for chance, line, worse in found:
            rows = np.flatnonzero(worse)
            fresh = rows[np.isneginf(score[rows])]
            score[fresh] = -np.log(max(chance, 1e-300)) + np.minimum(np.abs(dossier.rise[fresh]), 50.0) / 5000.0
            p[fresh], why[fresh] = chance, line
        alarm = tuple(line for chance, line, _ in found if chance <= self.level)
        return Signal(score, p, why, alarm[:20], self.level)
