"""Search tables with scores: measure one-feature changes, combine those that gain most for their cost, shrink."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import SCORE, Ask, Brief, Claim, Cohort, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Ints, Modality, Records
from vauban.schema import TableSchema
from vauban.tactics.bracket import Bracket, bracketed
from vauban.tactics.combine import WORTH, combine, measure
from vauban.tactics.dressing import borrow_in_turn, donors_of
from vauban.tactics.ledger import Ledger
from vauban.tactics.moves import Range
from vauban.tactics.shrink import shrink

EVEN = 0.01
"""Error of a prediction below which gains are taken to add up."""


@dataclass(frozen=True)
class GreedySearch:
    """Measure every one-feature change, combine the most efficient ones, shrink what passed, and look again from there.

    A batched best-first search over one-feature changes as in Kulynych et al. ("Evading classifiers in discrete
    domains with provable optimality guarantees", 2018), with scores as its guide: what changes gain is measured
    around a record, their gains are added up to predict the cheapest combination, the answer corrects the prediction.

    Attributes:
        levels: values measured of a number in each direction.
        scouting: most questions to find the score at which the decision turns.
        donors: known records, by price, whose changeable features each victim tries on a round.
        patience: rounds without a saving after which a victim is left alone.
        trust: the same where the model is seen to be a sum over features, which leaves little to find.
    """

    levels: int = 5
    scouting: int = 300
    donors: int = 6
    patience: int = 10
    trust: int = 4

    modalities = frozenset({Modality.TABULAR})
    wants = SCORE

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Bracket]:
        """Ask about known records, then between the two nearest to the threshold on either side."""
        return bracketed(brief, self.scouting)

    def search(self, cohort: Cohort, intelligence: Bracket, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask for all victims at once, round by round."""
        if not len(cohort) or not isinstance(brief.schema, TableSchema) or not len(brief.schema.mutable):
            return ()
        ledger = Ledger.open(brief.schema, brief, cohort, SCORE, intelligence.below, intelligence.above)
        with suppress(BudgetSpent):
            yield from _hunt(ledger, intelligence, Range.of(brief.schema, brief.known.records), self)
        return ()


def _hunt(ledger: Ledger, picture: Bracket, ranges: Range, how: GreedySearch) -> Generator[Ask, Outcome, None]:
    original = ledger.cohort.records
    start = yield from ledger.ask(np.arange(len(original)), original, np.zeros(len(original)))
    anchor, at_anchor = original.copy(), start.copy()
    idle, even = np.zeros(len(original), dtype=np.int64), np.zeros(len(original), dtype=bool)
    donors = donors_of(ledger.brief, picture)
    turn = 0
    while True:
        still = np.where(
            ledger.flipped, np.where(even, how.trust, how.patience), how.patience + len(donors) // how.donors
        )
        live = np.flatnonzero((ledger.left > 0) & (idle < still) & ~np.isnan(start))
        if not len(live):
            return
        before = ledger.cost[live].copy()
        moves, gains = yield from measure(ledger, live, anchor[live], at_anchor[live], ranges, how.levels, turn)
        tried = yield from combine(ledger, live, moves, gains, at_anchor[live])
        even[live] = np.where(np.isnan(tried.error), even[live], tried.error < EVEN)
        poor = live if turn else live[~ledger.flipped[live]]
        yield from borrow_in_turn(ledger, poor, donors, how.donors * turn, how.donors)
        yield from shrink(ledger, live, turn)
        single = (ledger.best[live] != original[live])[:, ledger.schema.mutable].sum(axis=1) == 1
        idle[live] = np.where(ledger.cost[live] < before * (1 - WORTH), 0, idle[live] + 1 + single)
        turn += 1
        flipped = ledger.flipped[live]
        stuck, tried_ = live[~flipped], (tried.records[~flipped], tried.progress[~flipped])
        further = tried_[1] > at_anchor[stuck]
        anchor[stuck[further]], at_anchor[stuck[further]] = tried_[0][further], tried_[1][further]
        mine, lone = live[flipped & ~single], live[flipped & single]
        anchor[lone], at_anchor[lone] = original[lone], start[lone]  # around a single change, nothing cheaper lies
        if turn % 2 == 1:
            anchor[mine], at_anchor[mine] = ledger.best[mine], ledger.progress[mine]
        elif turn % 4 == 2:  # from the start again: another way may be cheaper
            anchor[mine], at_anchor[mine] = original[mine], start[mine]
        else:
            anchor[mine] = _without(ledger, mine, turn // 4 - 1)
            at_anchor[mine] = yield from ledger.ask(
                mine, anchor[mine], ledger.schema.cost(original[mine], anchor[mine])
            )
            lost = mine[np.isnan(at_anchor[mine])]
            anchor[lost], at_anchor[lost] = original[lost], start[lost]


def _without(ledger: Ledger, mine: Ints, rank: int) -> Records:
    """Return the best records with one change taken back: the dearest, at rank 0; the next dearest, at rank 1..."""
    schema = ledger.schema
    records = ledger.best[mine].copy()
    parts = schema.costs(ledger.cohort.records[mine], records)
    changes = np.maximum((parts > 0).sum(axis=1), 1)
    slot = np.argsort(-parts, axis=1, kind="stable")[np.arange(len(mine)), rank % changes]
    feature = schema.mutable[slot]
    records[np.arange(len(mine)), feature] = ledger.cohort.records[mine, feature]
    return records
