"""What every detector promises, as checks that anybody can run on a detector of his own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from vauban.monitors.dossier import DetectorOf, Dossier, Signal
from vauban.testing.check import require
from vauban.testing.randomness import only_own_randomness

DetectorCheck = Callable[[Any, Any], None]
"""What a detector and a dossier that it is of are put to: training data, or predictions."""


def detector_checks() -> tuple[DetectorCheck, ...]:
    """Return the checks that every detector must pass on a dossier that it is fit for."""
    return (_leaves_alone, _well_formed, _same_again, _order_does_not_matter)


def _well_formed(detector: DetectorOf[Dossier], dossier: Dossier) -> None:
    signal, n = detector.score(dossier), len(dossier)
    for name in ("score", "p", "why"):
        got = np.shape(getattr(signal, name))
        require(got == (n,), f"{name} has one entry a record, ({n},). Got shape {got}.")
    require(not np.isnan(signal.score).any(), "Scores are numbers, or -inf where it has no opinion. Got NaN.")
    require(not np.isposinf(signal.score).any(), "Scores are finite, or -inf. Got inf.")
    require(bool(((signal.p > 0) & (signal.p <= 1)).all()), f"p is above 0 and at most 1. Got {signal.p.max():g}.")
    silent = np.isneginf(signal.score)
    require(bool((signal.p[silent] == 1).all()), "Where it has no opinion, p is 1.")
    top = np.argsort(-signal.score, kind="stable")[:3]
    dumb = [i for i in top.tolist() if np.isfinite(signal.score[i]) and signal.p[i] <= 0.05 and not signal.why[i]]
    require(not dumb, "What it finds most suspicious has a reason in words.")
    require(len(signal.groups) in (0, len(signal.alarm)), "It names the records of each line of its alarm, or of none.")
    for rows in signal.groups:
        fit = len(rows) and len(np.unique(rows)) == len(rows) and rows.min() >= 0 and rows.max() < n
        require(bool(fit), "A line of its alarm is about some of the records, each once.")
    require(0 <= signal.level <= 1, f"Its level is a share. Got {signal.level}.")


def _leaves_alone(detector: DetectorOf[Dossier], dossier: Dossier) -> None:
    before = _hash(dossier)
    detector.score(dossier)
    require(_hash(dossier) == before, "It changed what it was handed.")


def _hash(dossier: Dossier) -> str:
    digest = hashlib.sha256()
    texts = dossier.records.ndim == 1
    digest.update("\0".join(dossier.records).encode() if texts else np.ascontiguousarray(dossier.records).tobytes())
    for array in (dossier.labels, dossier.family, dossier.view.linear.data, dossier.view.linear.indices):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(np.ascontiguousarray(dossier.view.traits.indices).tobytes())
    return digest.hexdigest()


def _same_again(detector: DetectorOf[Dossier], dossier: Dossier) -> None:
    with only_own_randomness(1):
        one = detector.score(dossier)
    with only_own_randomness(2):
        two = detector.score(dossier)
    require(_equal(one, two), "It says something else of the same records the second time.")


def _order_does_not_matter(detector: DetectorOf[Dossier], dossier: Dossier) -> None:
    """Folds are drawn by position, so that what comes out of the middle may move; the head of the order does not."""
    order = np.random.default_rng(0).permutation(len(dossier))
    moved = dossier.take(order)
    if detector.unfit(moved) is not None:
        require(detector.unfit(dossier) is not None, "Whether it is fit does not depend on the order of the records.")
        return
    one, two = detector.score(dossier).p[order], detector.score(moved).p
    lost = int(((one <= 0.001) & (two > 0.2)).sum())
    require(
        lost <= 0.2 * (one <= 0.001).sum(), f"In another order of the records, {lost} of what it was sure of is gone."
    )


def _equal(one: Signal, two: Signal) -> bool:
    return bool(np.array_equal(one.score, two.score) and np.array_equal(one.p, two.p))
