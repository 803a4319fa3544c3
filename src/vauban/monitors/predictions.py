"""What a review of predictions looks at: records, what was decided of them, and what is known beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import Labelled, Scale, Target
from vauban.monitors.dossier import DetectorOf, Dossier
from vauban.monitors.view import View
from vauban.records import Floats, Ints, Mask

UNKNOWN = -1
"""Stands for the truth of a record where nobody knows it yet."""
LEARNT_FROM = 100_000
"""Records, at most, from which is learnt what a view tells apart."""
ASKED = 20_000
"""Records of the training data, at most, that detectors look at, drawn by lot."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictions(Dossier):
    """Decisions under review. ``labels`` are what was decided: 1 = did not pass; ``approved`` is the reference model.

    Attributes:
        candidate: the model under review.
        before: (n,) what the reference decided, 1 = did not pass: the approved model, or what was logged; None where
            there is neither.
        scores: (n,) of the harmful class, of whoever decided; None where there are none.
        scores_before: (n,) of the reference; None where there are none.
        threshold: from which on a score is blocked; None where nobody knows.
        threshold_before: of the reference.
        scale: what the scores are.
        truth: (n,) 1 = harmful, `UNKNOWN` where nobody knows; None: of no record.
        training: what the candidate was trained on, or a part of it drawn by lot; None where nobody has it.
    """

    candidate: Target
    before: NDArray[np.int8] | None = None
    scores: Floats | None = None
    scores_before: Floats | None = None
    threshold: float | None = None
    threshold_before: float | None = None
    scale: Scale = Scale.PROBABILITY
    truth: NDArray[np.int8] | None = None
    training: Labelled | None = None

    def take(self, rows: Ints) -> Self:
        """Return some of the records, in the order of ``rows``."""
        some = super().take(rows)
        parts: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[rows]
            for name in ("before", "scores", "scores_before", "truth")
        }
        return replace(some, **parts)

    @cached_property
    def view(self) -> View:
        """The records as numbers for learners; what it tells apart is learnt from `LEARNT_FROM` of them."""
        if len(self) <= LEARNT_FROM:
            return View.of(self.records, self.schema)
        return self.terms.same(self.records)

    @cached_property
    def terms(self) -> View:
        """The view that says what is told apart: of all records, or of those that it was learnt from."""
        if len(self) <= LEARNT_FROM:
            return self.view
        rows = np.random.default_rng((self.seed, 8)).permutation(len(self))[:LEARNT_FROM]
        return View.of(self.records[np.sort(rows)], self.schema)

    @cached_property
    def known(self) -> Mask:
        """Of which records the truth is known (n,)."""
        return np.zeros(len(self), dtype=bool) if self.truth is None else self.truth != UNKNOWN

    @cached_property
    def changed(self) -> Mask:
        """Which records are decided otherwise than the reference does (n,)."""
        return np.zeros(len(self), dtype=bool) if self.before is None else self.before != self.labels

    @cached_property
    def height(self) -> Floats:
        """How far each score is above the threshold (n,): log-odds of probabilities, else in the scores' own units."""
        assert self.scores is not None  # noqa: S101 - callers look first
        return above(self.scores, self.threshold, self.scale)

    @cached_property
    def rise(self) -> Floats:
        """How far each score is above the reference's (n,), each above its threshold; 0 where one has no scores."""
        if self.scores is None or self.scores_before is None:
            return np.zeros(len(self))
        return self.height - above(self.scores_before, self.threshold_before, self.scale)


def above(scores: Floats, threshold: float | None, scale: Scale) -> Floats:
    """Return how far scores are above a threshold (n,); in log-odds where they are probabilities."""
    limit = (0.5 if scale is Scale.PROBABILITY else 0.0) if threshold is None else threshold
    if scale is not Scale.PROBABILITY:
        return np.asarray(scores - limit)
    return _odds(scores) - _odds(np.array(limit))


def _odds(p: Floats) -> Floats:
    cut = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(cut) - np.log1p(-cut))


PredictionDetector: TypeAlias = DetectorOf[Predictions]
"""A detector of predictions that a person should look at."""
