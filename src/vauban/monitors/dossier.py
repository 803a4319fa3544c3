"""What a review of training data looks at, and what a detector says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import SCORE, Labelled, Scale, Target
from vauban.monitors.families import families
from vauban.monitors.learning import out_of_fold
from vauban.monitors.view import View
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import Schema
from vauban.threat import Decision

POISON, RIGHT = 1, -1
"""What people said of a record."""


@dataclass(frozen=True, eq=False)
class Dossier:
    """Training data under review, with all that is known beside them.

    Attributes:
        records: n records as they are trained on.
        labels: (n,) 1 = harmful.
        schema: of the records.
        sources: (n,) who sent or labelled each; None where nobody knows.
        batches: (n,) in which batch each arrived, rising with time; None where nobody knows.
        trusted: records whose labels were verified; empty where there are none.
        approved: the last model that was approved, from before what is reviewed; None where there is none.
        seed: of everything random.
        under: (n,) which are under review; the others were approved before, and are what these are seen beside. None:
            all are.
        told: (n,) what people said of each in earlier reviews: `POISON`, `RIGHT`, or 0 where nobody did. None: of none.
    """

    records: Records
    labels: NDArray[np.int8]
    schema: Schema
    sources: NDArray[Any] | None = None
    batches: Ints | None = None
    trusted: Labelled | None = None
    approved: Target | None = None
    seed: int = 0
    under: Mask | None = None
    told: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.labels)

    def take(self, rows: Ints) -> Self:
        """Return some of the records, in the order of ``rows``."""
        known = ("sources", "batches", "under", "told")
        parts: dict[str, Any] = {k: None if getattr(self, k) is None else getattr(self, k)[rows] for k in known}
        return replace(self, records=self.records[rows], labels=self.labels[rows], **parts)

    @property
    def asked(self) -> Mask:
        """Which records are under review (n,)."""
        return np.ones(len(self), dtype=bool) if self.under is None else self.under

    @property
    def heard(self) -> NDArray[np.int8]:
        """What people said of each record in earlier reviews (n,)."""
        return np.zeros(len(self), dtype=np.int8) if self.told is None else self.told

    @cached_property
    def view(self) -> View:
        """The records as numbers for learners: fitted on these records, not on the trusted ones."""
        return View.of(self.records, self.schema)

    def judged(self, records: Records) -> Floats:
        """Return the probability of harm that the approved model sees (m,); 0 and 1 where it gives no scores."""
        assert self.approved is not None  # noqa: S101 - callers look first
        told = self.approved.answer(records, self.approved.grants & SCORE)
        if told.scores is None or self.approved.scale is not Scale.PROBABILITY:
            if told.scores is None:
                return np.asarray(told.decisions != Decision.PASS, dtype=np.float64)
            margin = np.asarray(told.scores, dtype=np.float64) - self.approved.threshold
            return np.asarray(1 / (1 + np.exp(-np.clip(margin, -30, 30))))
        return np.asarray(told.scores, dtype=np.float64)

    @cached_property
    def unseen(self) -> Floats:
        """The probability of harm (n,) that a learner sees in each record which was not trained on it."""
        kind = "linear" if self.view.dense is None else "boosted"
        return out_of_fold(self.view, self.labels, None, kind=kind, seed=self.seed)

    @cached_property
    def family(self) -> Ints:
        """The family of near-duplicates of each record (n,)."""
        return families(self.records)

    @cached_property
    def size(self) -> Ints:
        """How many records are in each record's family (n,)."""
        return np.bincount(self.family)[self.family] if len(self) else np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Signal:
    """What one detector says of each of n records.

    Attributes:
        score: (n,) higher is more suspicious; -inf where it has no opinion.
        p: (n,) how often a record that nobody planted would look as suspicious or more; 1 where it has no opinion.
        why: (n,) in plain words; empty where it has no opinion.
        alarm: what it says of the whole, for people: each line a finding that does not come by chance; see `level`.
        level: how often, at most, there is any such line where nothing was planted.
        groups: for each line of the alarm, the records that it is about (their rows, each once); empty where a
            detector does not say.
    """

    score: Floats
    p: Floats
    why: NDArray[Any]
    alarm: tuple[str, ...] = ()
    level: float = 0.0
    groups: tuple[Ints, ...] = ()


Reviewed = TypeVar("Reviewed", bound=Dossier, contravariant=True)


class DetectorOf(Protocol[Reviewed]):
    """One way in which records give themselves away: planted ones, or ones that a model decides as it should not."""

    def unfit(self, dossier: Reviewed) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        ...

    def score(self, dossier: Reviewed) -> Signal:
        """Return what it says of every record; it must not change what it is handed."""
        ...


Detector: TypeAlias = DetectorOf[Dossier]
"""A detector of planted training data."""


def by_rank(
    score: Floats, labels: NDArray[np.int8], known: Floats | None, known_labels: NDArray[np.int8] | None
) -> Floats:
    """Return p-values (n,): the share of verified records of the same label that score as high.

    Without verified records of a label: the share of all records of the label, which is a rank and no more.
    """
    p = np.ones(len(score))
    for label in (0, 1):
        mine = np.flatnonzero(labels == label)
        reference = score[mine] if known is None or known_labels is None else known[known_labels == label]
        if known is not None and not len(reference):
            reference = score[mine]
        ordered = np.sort(reference)
        above = len(ordered) - np.searchsorted(ordered, score[mine], side="left")
        p[mine] = (1 + above) / (1 + len(ordered))
    p[np.isneginf(score)] = 1.0
    return np.minimum(p, 1.0)
