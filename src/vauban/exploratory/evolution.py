"""Evolve records over generations: the search on tables with scores that jumps where no single change leads."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import SCORE, Ask, Brief, Claim, Cohort, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Modality
from vauban.schema import TableSchema
from vauban.tactics.bracket import Bracket, bracketed
from vauban.tactics.breeding import Population, evolve
from vauban.tactics.combine import combine, measure
from vauban.tactics.dressing import borrow_in_turn, donors_of
from vauban.tactics.ledger import Ledger
from vauban.tactics.moves import Range
from vauban.tactics.shrink import shrink


@dataclass(frozen=True)
class Evolution:
    """Keep a population of records for each victim, breed it with scores for fitness until it passes, then with prices.

    Differential evolution (Storn and Price 1997; on classifiers: Su, Vargas and Sakurai, "One pixel attack", 2019) with
    the survivors of parents and children together (mu + lambda). It begins with the victim's record, one-feature
    changes and their best combinations as `greedy-search` makes them, and what known good records lend; its children
    change several features at once, which is what it takes where changes help only together.

    Attributes:
        levels: values measured of a number in each direction, to begin with.
        scouting: most questions to find the score at which the decision turns.
        donors: known records that each victim is dressed as.
        population: records kept of each victim; ``children`` are made of them in a generation.
        patience: generations without a saving or progress after which a victim is left alone.
    """

    levels: int = 2
    scouting: int = 300
    donors: int = 6
    population: int = 16
    children: int = 16
    patience: int = 60

    modalities = frozenset({Modality.TABULAR})
    wants = SCORE

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Bracket]:
        """Ask about known records, then between the two nearest to the threshold on either side."""
        return bracketed(brief, self.scouting)

    def search(self, cohort: Cohort, intelligence: Bracket, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask about all victims' generations at once."""
        if not len(cohort) or not isinstance(brief.schema, TableSchema) or not len(brief.schema.mutable):
            return ()
        ledger = Ledger.open(brief.schema, brief, cohort, SCORE, intelligence.below, intelligence.above)
        with suppress(BudgetSpent):
            yield from self._search(ledger, intelligence, Range.of(brief.schema, brief.known.records))
        return ()

    def _search(self, ledger: Ledger, picture: Bracket, ranges: Range) -> Generator[Ask, Outcome, None]:
        original, everyone = ledger.cohort.records, np.arange(len(ledger.cohort))
        start = yield from ledger.ask(everyone, original, np.zeros(len(original)))
        population = Population.of(ledger, start, self.population)
        live = np.flatnonzero(~np.isnan(start))
        moves, gains = yield from measure(ledger, live, original[live], start[live], ranges, self.levels, 0)
        tried = yield from combine(ledger, live, moves, gains, start[live])
        known = tried.progress > -np.inf
        population.join(ledger, live[known], tried.records[known, None], tried.progress[known, None])
        donors = donors_of(ledger.brief, picture)
        yield from borrow_in_turn(ledger, live, donors, 0, self.donors)
        for turn in range(len(ledger.schema.mutable)):  # each change once
            yield from shrink(ledger, live, turn)
        held = np.flatnonzero(ledger.flipped)
        population.join(ledger, held, ledger.best[held, None], ledger.progress[held, None])
        given = donors[:, ledger.schema.mutable] if len(donors) else np.empty((0, len(ledger.schema.mutable)))
        yield from evolve(ledger, population, given, ranges, self.children, self.patience)
