"""What is to be expected of each record's label, by whoever is the best judge of it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from vauban.monitors.disagreement import LEAST_TRUSTED
from vauban.monitors.dossier import Dossier
from vauban.monitors.grown import swollen
from vauban.monitors.learning import learnt, out_of_fold
from vauban.records import Floats, Ints, Mask

DOUBT, UNSURE = 0.05, 0.15
"""How wrong an approved model may be about a whole section, and a model of a few verified or of all other records."""

LEAST_LEFT = 0.3
"""Share of the records that must be outside of sections that have grown, for these to be left out."""

APART = 10
"""Parts that groups are dealt into, to be compared with what the others say."""


@lru_cache(maxsize=4)
def expected_of(dossier: Dossier) -> tuple[Floats, str, float]:
    """Return the probability of harm (n,) that is expected of each record, whose word that is, and how wrong it may be.

    The last is of a section as a whole: no number of records makes so little a finding.
    """
    expected, whose = _said(dossier)
    doubt = DOUBT if dossier.approved is not None else UNSURE
    return _levelled(expected, dossier.labels.astype(np.float64), _usual(dossier)), whose, doubt


def expected_apart(dossier: Dossier, groups: Ints) -> tuple[Floats, str, float]:
    """Return the same, where no group (n,) of records has a say in what is expected of its own.

    A group with most of the records of a height would else be what is usual there, however its labels were turned.
    """
    said, whose = _said(dossier)
    doubt = DOUBT if dossier.approved is not None else UNSURE
    labels, usual = dossier.labels.astype(np.float64), _usual(dossier)
    fold, expected = np.unique(groups, return_inverse=True)[1] % APART, np.empty(len(labels))
    for k in np.unique(fold):
        rest = usual & (fold != k)
        rest = rest if len(np.unique(labels[rest])) == 2 else usual
        expected[fold == k] = _levelled(said, labels, rest)[fold == k]
    return expected, whose, doubt


def _usual(dossier: Dossier) -> Mask:
    """Return whose labels say what to expect: all, but for a section that has grown, whose labels are in question."""
    everyone = np.ones(len(dossier), dtype=bool)
    if dossier.view.dense is None:
        return everyone
    rest = ~swollen(dossier)
    return rest if rest.mean() >= LEAST_LEFT and len(np.unique(dossier.labels[rest])) == 2 else everyone


@lru_cache(maxsize=4)
def _said(dossier: Dossier) -> tuple[Floats, str]:
    if dossier.approved is not None:
        return dossier.judged(dossier.records), "the approved model"
    trusted, text = dossier.trusted, dossier.view.dense is None
    if trusted is not None and len(trusted) >= LEAST_TRUSTED and len(np.unique(trusted.labels)) == 2:
        view, rows = dossier.view.same(trusted.records), np.arange(len(trusted))
        kind = "linear" if text else "boosted"
        harm = learnt(view, trusted.labels, rows, dossier.view, kind=kind, seed=dossier.seed)
        return harm, "a model of the verified records"
    apart = dossier.family if text else None
    found = out_of_fold(dossier.view, dossier.labels, apart, kind="linear", seed=dossier.seed)
    return found, "a model of the other records"


def _levelled(expected: Floats, labels: Floats, of: Mask) -> Floats:
    """Return probabilities that hold on the average at every height (isotonic) of some: a section stands out itself."""
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(y_min=1e-3, y_max=1 - 1e-3, out_of_bounds="clip")
    return np.asarray(steps.fit(expected[of], labels[of]).predict(expected))
