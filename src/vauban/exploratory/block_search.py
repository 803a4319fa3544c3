"""Blocks of features, halved: the search on tables by decisions alone that looks for cheaper directions."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Modality, Records
from vauban.tactics.additive_guess import AdditiveGuess
from vauban.tactics.approach import approach, borrow, cross
from vauban.tactics.arms import grafted, table_of
from vauban.tactics.blocks import search_blocks
from vauban.tactics.donors import look_for_donors
from vauban.tactics.siege import Siege
from vauban.tactics.turns import NO_TURNS, Turns, find_turns, price_of_a_turn


@dataclass(frozen=True)
class Boundary:
    """What scouting learnt: records that reach the goal, a guess at what moves the decision, and where it turns.

    Attributes:
        donors: (k, d) known records that reached the goal.
        picture: the guess.
        turns: values of single features at which decisions turned.
        effects: what moves the decision, strongest first.
    """

    donors: Records
    picture: AdditiveGuess
    turns: Turns
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class BlockSearch:
    """Start from a donor blended with the victim, then search directions block by block at the best radius so far.

    RayS (Chen and Gu, "RayS: a ray searching method for hard-label adversarial attack", KDD 2020) looks for the
    direction in which the boundary is nearest: it changes blocks of signs, halved again and again, asks first whether
    the changed direction passes at the best radius so far, and bisects the radius only if so. Here the radius is money,
    a direction is how it is spent over the features, and a block that is dropped frees money for another one. Where
    decisions turn on single features is learnt in scouting, on known records, and tried on every victim.

    Attributes:
        known_share, donors: see `donor-bisection`.
        turning: share of the scouting questions that bisect single features of known records.
        width: directions asked about in a round for each victim.
    """

    known_share: float = 0.3
    donors: int = 64
    turning: float = 0.4
    width: int = 10

    modalities = frozenset({Modality.TABULAR})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Boundary]:
        """Look for donors as `donor-bisection` does; then bisect between records that fail and that pass."""
        schema, rng = table_of(brief), brief.rng()
        pairs = int(brief.budget.scouting * self.turning) // price_of_a_turn(schema)
        left = brief.budget.scouting - pairs * price_of_a_turn(schema)
        found, told = yield from look_for_donors(brief, left, self.known_share, self.donors, rng)
        turns = NO_TURNS
        fails = told.records[~told.reached]
        if pairs and len(fails) and len(found.donors):
            with suppress(BudgetSpent):
                before = fails[rng.integers(len(fails), size=pairs)]
                turns, _ = yield from find_turns(brief, before, _dressed(brief, before, found.donors), rng)
        return Boundary(found.donors, found.picture, turns, found.effects)

    def search(self, cohort: Cohort, intelligence: Boundary, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Reach the goal along the guess, else by donors; then make it cheaper until the questions are spent."""
        if not len(cohort) or not len(table_of(brief).mutable):
            return ()
        siege = Siege.of(cohort, brief)
        good = brief.known.of(int(not brief.cell.harmful))
        with suppress(BudgetSpent):
            worth = yield from approach(siege, intelligence.picture)
            yield from borrow(siege, intelligence.donors)
            yield from cross(siege, intelligence.donors, good)
            yield from search_blocks(
                siege,
                worth,
                intelligence.picture,
                intelligence.turns,
                self.width,
                rounds=5 + brief.budget.queries * 19 // 100,
            )
        return ()


def _dressed(brief: Brief, before: Records, donors: Records) -> Records:
    """Return each record (c, d) with all that may change as of the donor that is cheapest for it."""
    schema = table_of(brief)
    rows = np.repeat(before, len(donors), axis=0)
    after = grafted(schema, rows, np.tile(donors, (len(before), 1)))
    cost = schema.cost(rows, after).reshape(len(before), -1)
    return after.reshape(len(before), len(donors), -1)[np.arange(len(before)), cost.argmin(axis=1)]
