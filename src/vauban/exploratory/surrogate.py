"""Learn a substitute from what is known and what was answered, attack that, and verify on the real model."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Ints, Mask, Modality, Records
from vauban.tactics.additive_guess import AdditiveGuess, flat_guess, guess
from vauban.tactics.approach import approach, borrow, cross
from vauban.tactics.arms import table_of
from vauban.tactics.climbing import Forest, climb
from vauban.tactics.siege import Siege
from vauban.tactics.trade import trade


@dataclass(frozen=True)
class Learnt:
    """What scouting learnt: a forest that stands in for the target, what passed, and an additive guess.

    Attributes:
        forest: None where there was nothing to learn from.
        donors: (k, d) records that reached the goal.
        picture: the guess, by which the first approach is made.
        effects: what moves the substitute's decision, strongest first.
    """

    forest: Forest | None
    donors: Records
    picture: AdditiveGuess
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Surrogate:
    """Train a forest on look-alikes, corrected by the target's answers; breed records that it passes; verify them.

    Papernot et al., "Practical black-box attacks against machine learning" (ASIA CCS 2017), with decisions alone: the
    substitute is asked thousands of times at no question, the target about the most promising records only, firmest
    first. What passes is then made cheaper as in the search from known records: changes taken back, bisected, traded.

    Attributes:
        donors: most records that reached the goal that are kept.
        trades: trades asked about in a round for each victim.
        answered: how much more an answer counts than a known label.
        asks: whether the substitute is corrected by answers; without, it is a transfer: no question before a victim.
        trees: of the substitute.
    """

    donors: int = 64
    trades: int = 4
    answered: float = 3.0
    asks: bool = True
    trees: int = 120

    modalities = frozenset({Modality.TABULAR})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Learnt]:
        """Ask about known records, and train the substitute on them and on all others with their labels."""
        schema, known = table_of(brief), brief.known
        order = brief.rng().permutation(len(known.records))[: brief.budget.scouting if self.asks else 0]
        asked, harmful = known.records[:0], np.empty(0, dtype=bool)
        if len(order):
            with suppress(BudgetSpent):
                outcome = yield Ask(known.records[order])
                order = order[outcome.answered]
                asked = known.records[order]
                reached = brief.reached(outcome.decisions)[outcome.answered]
                harmful = ~reached if brief.cell.harmful else reached
        reached = ~harmful if brief.cell.harmful else harmful
        picture = guess(schema, asked, reached) if len(asked) else flat_guess(schema)
        forest = self._forest(brief, asked, harmful, order[: len(asked)])
        return Learnt(forest, asked[reached][: self.donors], picture, _effects(schema.names, forest))

    def _forest(self, brief: Brief, asked: Records, harmful: Mask, order: Ints) -> Forest | None:
        known = brief.known
        if known.labels is None:
            records, beliefs, weights = asked, harmful.astype(np.int64), np.ones(len(asked))
        else:
            others = np.setdiff1d(np.arange(len(known.records)), order)
            records = np.concatenate([asked, known.records[others], asked])
            beliefs = np.concatenate([harmful, known.labels[others], known.labels[order]]).astype(np.int64)
            weights = np.concatenate([np.full(len(asked), self.answered), np.ones(len(others) + len(asked))])
        if len(records) < 2 or len(np.unique(beliefs)) < 2:
            return None
        return Forest.grown(records, beliefs, weights, self.trees, brief.seed[0] % (1 << 31))

    def search(self, cohort: Cohort, intelligence: Learnt, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Reach the goal along the guess, else by the substitute's best, else by crossing; then make it cheaper."""
        if not len(cohort) or not len(table_of(brief).mutable):
            return ()
        siege = Siege.of(cohort, brief, ways=True)
        good = brief.known.of(int(not brief.cell.harmful))
        with suppress(BudgetSpent):
            worth = yield from approach(siege, intelligence.picture)
            if intelligence.forest is not None:
                yield from climb(siege, intelligence.forest, good)
            yield from borrow(siege, intelligence.donors)
            yield from cross(siege, intelligence.donors, good)
            yield from trade(siege, worth, self.trades)
        return ()


def _effects(names: tuple[str, ...], forest: Forest | None) -> tuple[Effect, ...]:
    if forest is None:
        return ()
    found = [
        Effect(n, float(w), "both") for n, w in zip(names, forest.model.feature_importances_, strict=True) if w > 0
    ]
    return tuple(sorted(found, key=lambda e: -e.effect))
