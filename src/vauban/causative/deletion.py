"""Delete the stored records that teach a model what it is not to know."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.insider import Blocked, altering, asked_share, believed, believed_within, hurt_by, lesson_of
from vauban.contracts import Ask, Brief, Claim, Move, Outcome, Tamper
from vauban.records import Ints, Modality, Records
from vauban.tactics.stored import Stored
from vauban.tactics.undermining import deletions
from vauban.threat import Grant


@dataclass(frozen=True)
class Deletion:
    """Delete stored records of the class, or slice of it, that is to be decided otherwise: those that matter most.

    Which matter is the influence that leaving a record out has on a model of his own (Koh and Liang, "Understanding
    black-box predictions via influence functions", ICML 2017, section 2.1). No label is wrong and no record is odd
    afterwards: an insider deletes, or asks in the name of those concerned to have their data erased, and is obeyed.

    Attributes:
        spared: share of the class, or slice of it, that he leaves alone, so that it is not seen to be gone.
    """

    spared: float = 0.1

    modalities = frozenset({Modality.TABULAR, Modality.TEXT})
    wants = frozenset({Grant.TAMPER})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Blocked]:
        """Ask what share of the records, or of the slice, is blocked."""
        return asked_share(brief, brief.known.records[brief.known.aimed])

    def campaign(self, intelligence: Blocked, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Delete up to the same share of what is stored today and of what each round adds."""

        def choose(stored: Stored, count: int) -> Tamper:
            return Tamper(stored.ids[self._chosen(stored, brief, intelligence, count)], delete=True)

        return altering(brief, choose)

    def dress(self, records: Records, intelligence: Blocked, brief: Brief) -> Records:
        """Return the records as they are: he relies on the model not knowing their like."""
        return records

    def _chosen(self, stored: Stored, brief: Brief, intelligence: Blocked, count: int) -> Ints:
        hurt = hurt_by(brief, stored)
        count = min(count, int((1 - self.spared) * hurt.sum()))
        whole = bool(stored.aimed.all() or not (hurt & stored.aimed).any())
        part = np.arange(len(stored)) if whole else np.flatnonzero(stored.aimed)
        inside = stored.part(part)
        if count < 1 or min(np.bincount(inside.data.labels, minlength=2)) < 2:
            return np.flatnonzero(hurt)[: max(count, 0)]
        lesson = lesson_of(brief, inside, hurt[part], hurt[part])
        belief = believed if whole else believed_within
        return part[deletions(lesson, count, belief(lesson, intelligence.share))]
