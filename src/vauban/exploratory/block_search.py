"""Blocks of features, halved: the search on tables by decisions alone that looks for cheaper directions."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Modality
from vauban.tactics.approach import approach, borrow, cross
from vauban.tactics.arms import table_of
from vauban.tactics.blocks import search_blocks
from vauban.tactics.donors import Donors, look_for_donors
from vauban.tactics.siege import Siege


@dataclass(frozen=True)
class BlockSearch:
    """Start from a donor blended with the victim, then search directions block by block at the best radius so far.

    RayS (Chen and Gu, "RayS: a ray searching method for hard-label adversarial attack", KDD 2020, Algorithm 3) looks
    for the direction in which the boundary is nearest: it turns blocks of signs, halved again and again, asks first
    whether the changed direction passes at the best radius so far, and bisects the radius only if so. Here the radius
    is money and a direction is how it is spent: a block of 1/2, 1/4, ... of the features, or all of them, goes other
    ways, and its numbers share what the rest leaves. What passes is bisected change by change, on the attainable grid.
    Blocks are drawn, not gone through in order, and of those drawn the ones that go ways which have not failed yet are
    asked about first.

    Attributes:
        known_share: of the scouting questions, how many at most ask about known records.
        donors: most donors, and most recipes, that are kept.
        width: questions a round for each victim, at least; more where there are many, so that rounds stay few.
    """

    known_share: float = 0.3
    donors: int = 64
    width: int = 4

    modalities = frozenset({Modality.TABULAR})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Donors]:
        """Ask about known records, those labelled as the goal's class first, then about what is made of them."""
        questions = brief.budget.scouting
        found, _ = yield from look_for_donors(brief, questions, self.known_share, self.donors, brief.rng())
        return found

    def search(self, cohort: Cohort, intelligence: Donors, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Reach the goal along the guess, else by donors; then make it cheaper until the questions are spent."""
        if not len(cohort) or not len(table_of(brief).mutable):
            return ()
        siege = Siege.of(cohort, brief, ways=True)
        good, picture = brief.known.of(int(not brief.cell.harmful)), intelligence.picture
        queries = brief.budget.queries
        width, rounds = max(self.width, queries // 100), min(5 + queries // 4, 125)
        with suppress(BudgetSpent):
            worth = yield from approach(siege, picture)
            yield from borrow(siege, intelligence.donors)
            yield from cross(siege, intelligence.donors, good)
            yield from search_blocks(siege, worth, width, rounds)
        return ()
