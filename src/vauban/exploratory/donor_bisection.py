"""From records that are known to pass, down to the cheapest: the search on tables that needs decisions alone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Modality
from vauban.tactics.approach import approach, borrow, cross
from vauban.tactics.arms import table_of
from vauban.tactics.donors import Donors, look_for_donors
from vauban.tactics.siege import Siege
from vauban.tactics.trade import trade


@dataclass(frozen=True)
class DonorBisection:
    """Scout for donors and for what moves the decision; approach each victim's boundary, then trade along it.

    Scouting asks about known records, about mixtures of those that reach the goal and those that do not, and breeds
    recipes: values of what can be changed that get even hard records through. Each victim then goes the way of the
    guess as far as it takes, or is made like donors; after that changes are taken back whole (ddmin; Zeller and
    Hildebrandt 2002), bisected on the attainable grid, and traded: a dear one dropped, most of what that saves spent
    elsewhere, so that the cost falls towards that of a knapsack filled with the most efficient changes first.

    Attributes:
        known_share: of the scouting questions, how many at most ask about known records.
        donors: most donors, and most recipes, that are kept.
        trades: trades asked about in a round for each victim.
    """

    known_share: float = 0.3
    donors: int = 64
    trades: int = 4

    modalities = frozenset({Modality.TABULAR})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Donors]:
        """Ask about known records, those labelled as the goal's class first, then about what is made of them."""
        found, _ = yield from look_for_donors(brief, brief.budget.scouting, self.known_share, self.donors, brief.rng())
        return found

    def search(self, cohort: Cohort, intelligence: Donors, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Reach the goal along the guess, else by donors; then make it cheaper until the questions are spent."""
        if not len(cohort) or not len(table_of(brief).mutable):
            return ()
        siege = Siege.of(cohort, brief)
        good = brief.known.of(int(not brief.cell.harmful))
        with suppress(BudgetSpent):
            worth = yield from approach(siege, intelligence.picture)
            yield from borrow(siege, intelligence.donors)
            yield from cross(siege, intelligence.donors, good)
            yield from trade(siege, worth, self.trades)
        return ()
