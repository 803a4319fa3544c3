"""Labels that models contradict which were not trained on the record, nor on what came with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vauban.metrics.intervals import differs
from vauban.monitors.dossier import Dossier, Signal, by_rank
from vauban.monitors.learning import learnt, out_of_fold, surprise
from vauban.records import Floats, Ints

LEAST_TRUSTED = 40
"""Verified records with which a model of their own is worth training."""
SURPLUS, LEAST_ODD = 0.01, 8
"""How often, at most, contradicted labels are an alarm by chance, and how many there are at least."""


def meaning(label: int) -> str:
    """Return a label in words."""
    return "harmful" if label else "good"


def said(what: str, labels: NDArray[np.int8], harm: Floats) -> NDArray[Any]:
    """Return for each record what a model says against its label."""
    out = np.empty(len(labels), dtype=object)
    for i, (label, p) in enumerate(zip(labels.tolist(), harm.tolist(), strict=True)):
        share = p if not label else 1 - p
        out[i] = f"labelled {meaning(label)}; {what} would call it {meaning(1 - label)} ({100 * share:.0f} %)"
    return out


def _surplus(
    dossier: Dossier, found: Floats, known: Floats, what: str
) -> tuple[tuple[str, ...], float, tuple[Ints, ...]]:
    """Return alarm, level and groups: a label that is contradicted more often than that of verified records is.

    ``found`` (n,) and ``known`` (t,) are how far labels under review and verified ones are from what the model says.
    Fisher's exact test for each label, the level divided by two.
    """
    assert dossier.trusted is not None  # noqa: S101 - callers look first
    lines, groups = [], []
    for label in (0, 1):
        mine = np.flatnonzero((dossier.labels == label) & dossier.asked)
        odd, usual = mine[found[mine] > 0.5], known[dossier.trusted.labels == label] > 0.5
        if len(odd) >= LEAST_ODD and differs(len(odd), len(mine), int(usual.sum()), len(usual)) <= SURPLUS / 2:
            groups.append(odd)
            lines.append(
                f"{len(odd)} of {len(mine)} records labelled {meaning(label)} would be called {meaning(1 - label)} by "
                f"{what}; of the verified ones {int(usual.sum())} of {len(usual)}"
            )
    return tuple(lines), SURPLUS, tuple(groups)


@dataclass(frozen=True)
class LabelDisagreement:
    """A model trained on the other records contradicts the label.

    Confident learning's ranking by out-of-fold probability (Northcutt, Jiang and Chuang, JAIR 70, 2021, section 3),
    apart from whole groups if asked: copies of a campaign, what one source sent, what came in one batch. Records that
    contradict all but their own kind are seen only so.

    Attributes:
        apart: what a fold does not divide: None, ``source`` or ``batch``.
    """

    apart: str | None = None

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if len(np.unique(dossier.labels)) < 2:
            return "all records have the same label"
        if self.apart is not None and self._groups(dossier) is None:
            return f"nobody knows the {self.apart} of a record"
        groups = self._groups(dossier)
        if groups is not None and len(np.unique(groups)) < 5:
            return f"there are fewer than 5 different values of {self.apart}"
        return None

    def _groups(self, dossier: Dossier) -> Ints | None:
        if self.apart == "source":
            return None if dossier.sources is None else np.unique(dossier.sources.astype(str), return_inverse=True)[1]
        return dossier.batches if self.apart == "batch" else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        view, labels, kind = dossier.view, dossier.labels, _kind(dossier)
        groups = self._groups(dossier)
        harm = dossier.unseen if groups is None else out_of_fold(view, labels, groups, kind=kind, seed=dossier.seed)
        known = known_labels = None
        if dossier.trusted is not None and len(dossier.trusted):
            rows = np.arange(len(labels))
            there = learnt(view, labels, rows, view.same(dossier.trusted.records), kind=kind, seed=dossier.seed)
            known, known_labels = surprise(there, dossier.trusted.labels), dossier.trusted.labels
        found = surprise(harm, labels)
        what = "a model of the other records" if self.apart is None else f"a model of records of any other {self.apart}"
        return Signal(found, by_rank(found, labels, known, known_labels), said(what, labels, harm))


@dataclass(frozen=True)
class TrustedDisagreement:
    """A model trained on verified records alone contradicts the label."""

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        trusted = dossier.trusted
        if trusted is None or len(trusted) < LEAST_TRUSTED:
            return f"there are fewer than {LEAST_TRUSTED} verified records (--trusted, --trusted-rows)"
        return "all verified records have the same label" if len(np.unique(trusted.labels)) < 2 else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        trusted = dossier.trusted
        assert trusted is not None  # noqa: S101 - unfit() says so
        view, kind = dossier.view.same(trusted.records), _kind(dossier)
        rows = np.arange(len(trusted))
        harm = learnt(view, trusted.labels, rows, dossier.view, kind=kind, seed=dossier.seed)
        own = surprise(out_of_fold(view, trusted.labels, None, kind=kind, seed=dossier.seed), trusted.labels)
        found = surprise(harm, dossier.labels)
        p = by_rank(found, dossier.labels, own, trusted.labels)
        what = "a model of the verified records"
        return Signal(found, p, said(what, dossier.labels, harm), *_surplus(dossier, found, own, what))


@dataclass(frozen=True)
class ApprovedDisagreement:
    """The model that was approved before these records came contradicts the label. Nobody rolls it forward."""

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return "no approved model is given (--approved)" if dossier.approved is None else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        assert dossier.approved is not None  # noqa: S101 - unfit() says so
        harm = dossier.judged(dossier.records)
        known = known_labels = None
        if dossier.trusted is not None and len(dossier.trusted):
            known_labels = dossier.trusted.labels
            known = surprise(dossier.judged(dossier.trusted.records), known_labels)
        found = surprise(harm, dossier.labels)
        p = by_rank(found, dossier.labels, known, known_labels)
        told = () if known is None else _surplus(dossier, found, known, "the approved model")
        return Signal(found, p, said("the approved model", dossier.labels, harm), *told)


@dataclass(frozen=True)
class NeighbourDisagreement:
    """The nearest records, its own family apart, are labelled otherwise.

    Paudice, Munoz-Gonzalez and Lupu, "Label sanitization against label flipping poisoning attacks" (2018), as a score.

    Attributes:
        neighbours: how many are asked.
    """

    neighbours: int = 15

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if len(dossier) > 30_000:
            return "there are more than 30,000 records: looking for the neighbours of each takes too long"
        return "there are too few records" if len(dossier) <= 2 * self.neighbours else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        view = dossier.view
        harm = self._harm(dossier, view.linear, own=True)
        known = known_labels = None
        if dossier.trusted is not None and len(dossier.trusted):
            known_labels = dossier.trusted.labels
            known = surprise(self._harm(dossier, view.same(dossier.trusted.records).linear, own=False), known_labels)
        found = surprise(harm, dossier.labels)
        p = by_rank(found, dossier.labels, known, known_labels)
        return Signal(found, p, said(f"most of the {self.neighbours} records like it", dossier.labels, harm))

    def _harm(self, dossier: Dossier, points: Any, *, own: bool) -> Floats:
        base, k = dossier.view.linear, self.neighbours
        out = np.empty(points.shape[0])
        norm = np.sqrt(np.asarray(base.multiply(base).sum(axis=1)).ravel())
        for start in range(0, points.shape[0], 500):
            near = np.asarray((points[start : start + 500] @ base.T).todense()) / np.maximum(norm, 1e-12)
            rows = np.arange(start, start + len(near))
            if own:  # neither itself nor its copies
                near[dossier.family[rows][:, None] == dossier.family[None, :]] = -1.0
            top = np.argpartition(-near, k, axis=1)[:, :k]
            weight = np.maximum(np.take_along_axis(near, top, axis=1), 1e-9)
            out[rows] = (weight * dossier.labels[top]).sum(axis=1) / weight.sum(axis=1)
        return out


def _kind(dossier: Dossier) -> str:
    return "linear" if dossier.view.dense is None else "boosted"
