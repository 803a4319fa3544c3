"""Flip labels within a slice, so that the slice alone is decided otherwise."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.insider import Blocked, altering, asked_share, believed_within, lesson_of
from vauban.contracts import Ask, Brief, Claim, Move, Outcome, Tamper
from vauban.records import Ints, Modality, Records
from vauban.tactics.stored import Stored
from vauban.tactics.undermining import flips
from vauban.threat import Grant


@dataclass(frozen=True)
class TargetedFlips:
    """Flip labels of stored records of the slice, of the class that is to be decided otherwise; nothing outside of it.

    Where he may not flip all of them he takes those that mislead most a model of his own which knows the slice alone:
    what lies outside is not to move, so it need not be looked at. Subpopulation attacks of Jagielski et al.,
    "Subpopulation data poisoning attacks" (CCS 2021, section 4), as label flips. An insider, or a labeller who was
    bribed for these records; what they say is otherwise as it was. What he may alter beyond them he leaves alone.
    """

    modalities = frozenset({Modality.TABULAR, Modality.TEXT})
    wants = frozenset({Grant.TAMPER})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Blocked]:
        """Ask what share of the slice is blocked."""
        return asked_share(brief, brief.known.records[brief.known.aimed])

    def campaign(self, intelligence: Blocked, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Flip up to the same share of what is stored today and of what each round adds."""

        def choose(stored: Stored, count: int) -> Tamper:
            chosen = _chosen(stored, brief, intelligence, count)
            return Tamper(stored.ids[chosen], labels=(1 - stored.data.labels[chosen]).astype(np.int8))

        return altering(brief, choose)

    def dress(self, records: Records, intelligence: Blocked, brief: Brief) -> Records:
        """Return the records as they are: they belong to the slice already."""
        return records


def _chosen(stored: Stored, brief: Brief, intelligence: Blocked, count: int) -> Ints:
    part = np.flatnonzero(stored.aimed)
    kind = stored.truth[part] == int(brief.cell.harmful)
    may = kind & ~stored.poison[part]
    if may.sum() <= count or min(np.bincount(stored.data.labels[part], minlength=2)) < 2:
        return np.asarray(part[may][:count])
    inside = stored.part(part)
    lesson = lesson_of(brief, inside, kind, may)
    return np.asarray(part[flips(lesson, count, believed_within(lesson, intelligence.share))])
