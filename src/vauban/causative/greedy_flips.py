"""Flip those labels that mislead a model of one's own the most."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.insider import Blocked, altering, asked_share, believed, hurt_by, lesson_of
from vauban.causative.sending import every_round
from vauban.contracts import Ask, Brief, Claim, Labelled, Move, Outcome, Tamper
from vauban.records import Ints, Modality, Records
from vauban.tactics.stored import Stored
from vauban.tactics.undermining import flips
from vauban.threat import Grant


@dataclass(frozen=True)
class GreedyFlips:
    """Flip the labels whose flip raises the loss of a model of his own most, batch by batch.

    The loss is that of the records which are to be decided otherwise, with their right labels; several smooth forms of
    it are tried, and the set of flips is kept by which his own model decides most of them otherwise. After Xiao, Xiao
    and Eckert, "Adversarial label flips attack on support vector machines" (ECAI 2012, section 4), with the influence
    of a flip (Koh and Liang, ICML 2017, section 2.2) in place of their relaxation. He asks first what share of records
    is blocked: a model that blocks a fixed share shrugs off what merely shifts all scores.

    As an insider he changes the labels that somebody else gave. Without access (``sends``) he sends records that he
    knows, under the wrong label: his own accounts say so, or whoever believes the outcome that he reports.

    Attributes:
        sends: whether he sends records instead of altering what is stored.
    """

    sends: bool = False

    modalities = frozenset({Modality.TABULAR, Modality.TEXT})

    @property
    def wants(self) -> frozenset[Grant]:
        """TAMPER, or SEND."""
        return frozenset({Grant.SEND if self.sends else Grant.TAMPER})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Blocked]:
        """Ask of known records whether they are blocked."""
        return asked_share(brief, brief.known.records)

    def campaign(self, intelligence: Blocked, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Flip the same share of what is stored today and of what each round adds, or send as many as he can."""
        if self.sends:
            return self._sending(intelligence, brief)

        def choose(stored: Stored, count: int) -> Tamper:
            chosen = _flipped(stored, brief, intelligence, count)
            return Tamper(stored.ids[chosen], labels=(1 - stored.data.labels[chosen]).astype(np.int8))

        return altering(brief, choose)

    def dress(self, records: Records, intelligence: Blocked, brief: Brief) -> Records:
        """Return the records as they are: he relies on the model being worse."""
        return records

    def _sending(self, intelligence: Blocked, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        known, campaign = brief.known, brief.campaign
        ranked = known.records[:0]
        if known.labels is not None and campaign is not None and len(known.records):
            mine = Stored.of(Labelled(known.records, known.labels), known.aimed)
            # His own records stand for the owner's: as large a share of them is turned as he can send.
            share = campaign.sends / max(campaign.sends + campaign.collected, 1)
            ranked = known.records[_flipped(mine, brief, intelligence, int(np.ceil(share * len(mine))))]
        sent = 0

        def next_ones(count: int) -> Records:
            nonlocal sent
            if not len(ranked):
                return ranked
            sent += count
            return ranked[np.arange(sent - count, sent) % len(ranked)]

        why = "his own accounts, or the outcomes that he reports, say so"
        return every_round(brief, next_ones, 1 - int(brief.cell.harmful), why)


def _flipped(stored: Stored, brief: Brief, intelligence: Blocked, count: int) -> Ints:
    """Return positions of at most ``count`` labels to flip: of the class that is to be decided otherwise."""
    hurt = hurt_by(brief, stored)
    may = (stored.truth == int(brief.cell.harmful)) & ~stored.poison
    if not count or not may.any() or min(np.bincount(stored.data.labels, minlength=2)) < 2:
        return np.empty(0, dtype=np.int64)
    lesson = lesson_of(brief, stored, hurt, may)
    return flips(lesson, count, believed(lesson, intelligence.share))
