"""From records that are known to pass, down to the cheapest: the search on tables that needs decisions alone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Ints, Mask, Modality, Records
from vauban.schema import TableSchema
from vauban.tactics.additive_guess import AdditiveGuess, flat_guess, guess
from vauban.tactics.approach import approach, borrow, cross
from vauban.tactics.recipes import breed
from vauban.tactics.siege import Siege
from vauban.tactics.trade import trade


@dataclass(frozen=True)
class Donors:
    """What scouting learnt: records that reach the goal, and a guess at what moves the decision.

    Attributes:
        donors: (k, d) known records that reached the goal.
        picture: the guess.
        effects: what moves the decision, strongest first.
    """

    donors: Records
    picture: AdditiveGuess
    effects: tuple[Effect, ...] = ()
    recipes: int = 0


@dataclass(frozen=True)
class DonorBisection:
    """Scout for donors and features that matter; approach, revert, bisect, then trade dear changes for cheap ones.

    Attributes:
        known_share: of the scouting questions, how many ask about known records; the rest ask about mixtures of them.
        donors: most donors that are kept.
        trades: exchanges asked about in a round for each victim.
    """

    known_share: float = 0.3
    donors: int = 64
    trades: int = 10

    modalities = frozenset({Modality.TABULAR})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Donors]:
        """Ask about known records, those labelled as the goal's class first, then about mixtures of both sides."""
        schema = brief.schema
        assert isinstance(schema, TableSchema)
        rng = brief.rng()
        known = brief.known.records
        asked: list[Records] = [known[:0]]
        recipes = known[:0]
        reached: list[Mask] = [np.zeros(0, dtype=np.bool_)]
        with suppress(BudgetSpent):
            share = min(len(known), int(np.ceil(brief.budget.scouting * self.known_share)))
            first = known[_picked(brief, share, rng)]
            if len(first):
                outcome = yield Ask(first)
                asked.append(first[outcome.answered])
                reached.append(brief.reached(outcome.decisions)[outcome.answered])
            left = brief.budget.scouting - len(first)
            if left > 0 and len(first):
                mixed = _mixtures(schema, asked[-1], reached[-1], left // 2, rng)
                outcome = yield Ask(mixed)
                asked.append(mixed[outcome.answered])
                reached.append(brief.reached(outcome.decisions)[outcome.answered])
                records, hits = np.concatenate(asked), np.concatenate(reached)
                picture = guess(schema, records, hits)
                carriers = known[picture.progress(known) < 0]
                recipes, more, won = yield from breed(brief, carriers, records[hits], picture, left - left // 2, rng)
                asked.append(more)
                reached.append(won)
        records, hits = np.concatenate(asked), np.concatenate(reached)
        picture = guess(schema, records, hits) if len(records) else flat_guess(schema)
        donors = np.concatenate([recipes[::-1][: self.donors], records[hits][: self.donors]])
        return Donors(donors, picture, _effects(schema, picture, known, brief), len(recipes))

    def search(self, cohort: Cohort, intelligence: Donors, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Reach the goal along the guess, else by donors; then make it cheaper until the questions are spent."""
        schema = brief.schema
        assert isinstance(schema, TableSchema)
        if not len(cohort) or not len(schema.mutable):
            return ()
        siege = Siege.of(cohort, brief)
        donors, good = intelligence.donors, brief.known.of(int(not brief.cell.harmful))
        with suppress(BudgetSpent):
            worth = yield from approach(siege, intelligence.picture)
            yield from borrow(siege, donors)
            yield from cross(siege, donors, good)
            yield from trade(siege, worth, self.trades, 5 + brief.budget.queries * 19 // 100)
        return ()


def _picked(brief: Brief, share: int, rng: np.random.Generator) -> Ints:
    """Return which known records to ask about: three of four labelled as the goal's class, where labels are known."""
    labels = brief.known.labels
    order = rng.permutation(len(brief.known.records))
    if labels is None:
        return order[:share]
    good = labels[order] == int(not brief.cell.harmful)
    mine, others = order[good], order[~good]
    wanted = max(share - len(mine), min(len(others), share // 4))
    return np.concatenate([mine[: share - wanted], others[:wanted]])


def _mixtures(schema: TableSchema, records: Records, hits: Mask, count: int, rng: np.random.Generator) -> Records:
    """Return records that fail with some of their features taken from others, or drawn from the range of all."""
    of = records[~hits] if (~hits).any() else records
    to = records[hits] if hits.any() else records
    mixed = of[rng.integers(len(of), size=count)].copy()
    before = mixed.copy()
    donors = to[rng.integers(len(to), size=count)]
    share = rng.uniform(size=(count, 1))
    take = rng.uniform(size=mixed.shape) < share
    mixed = np.where(take, donors, mixed)
    low, high = np.nanmin(records, axis=0), np.nanmax(records, axis=0)
    anywhere = low + rng.uniform(size=mixed.shape) ** 2 * (high - low)
    wild = rng.uniform(size=mixed.shape) < 0.15
    wild[:, np.setdiff1d(np.arange(len(schema)), schema.numbers)] = False
    mixed = np.where(wild, anywhere, mixed)
    return schema.repair(before, mixed)


def _effects(schema: TableSchema, picture: AdditiveGuess, known: Records, brief: Brief) -> tuple[Effect, ...]:
    sign = -1.0 if brief.cell.harmful else 1.0
    out = []
    for j in range(len(schema)):
        feature = schema.features[j]
        parts = picture.part(j, known[:, j]) * sign if len(known) else np.zeros(1)
        spread = float(np.std(parts))
        if spread < 1e-9:
            continue
        if feature.listed:
            order = np.argsort(-sign * picture.height[j], kind="stable")
            values = tuple(str(feature.values[k]) for k in order)
            out.append(Effect(feature.name, spread, "both", values=values))
            continue
        rises = np.diff(picture.height[j]) * sign
        direction = "raises" if (rises >= 0).all() else "lowers" if (rises <= 0).all() else "both"
        out.append(Effect(feature.name, spread, direction))
    return tuple(sorted(out, key=lambda e: -e.effect))
