"""Scouting for records that reach the goal, and for what moves the decision, where answers are decisions alone."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Brief, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Ints, Records
from vauban.schema import TableSchema
from vauban.tactics.additive_guess import AdditiveGuess, flat_guess, guess
from vauban.tactics.arms import grafted, table_of
from vauban.tactics.recipes import Told, breed


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


def look_for_donors(
    brief: Brief, questions: int, known_share: float, most: int, rng: np.random.Generator
) -> Generator[Ask, Outcome, tuple[Donors, Told]]:
    """Ask about known records, those labelled as the goal's class first, then about what is made of them.

    Args:
        brief: under which threat.
        questions: most that may be asked.
        known_share: of them, how many at most ask about known records.
        most: donors, and recipes, that are kept.
        rng: the stream to draw from.

    Returns:
        What was learnt, and all that was told; complete too where the questions are spent before.
    """
    schema, known = table_of(brief), brief.known.records
    recipes = known[:0]
    told = Told(recipes, np.zeros(0, dtype=np.bool_))
    picture = flat_guess(schema)
    with suppress(BudgetSpent):
        first = known[_picked(brief, min(len(known), int(questions * known_share)), rng)]
        left = questions - len(first)
        if len(first):
            told = yield from asked(brief, first, told)
            told = yield from asked(brief, _mixtures(schema, told, left // 2, rng), told)
            picture = guess(schema, told.records, told.reached)
            carriers = known[picture.progress(known) < 0]
            parents = told.records[told.reached]
            recipes, bred = yield from breed(brief, carriers, parents, picture, left - left // 2, rng)
            told = Told(np.concatenate([told.records, bred.records]), np.concatenate([told.reached, bred.reached]))
    if len(told.records):
        picture = guess(schema, told.records, told.reached)
    passed = told.records[told.reached][:most]
    donors = np.concatenate([recipes[::-1][:most], passed])
    return Donors(donors, picture, _effects(schema, picture, known, brief)), told


def asked(brief: Brief, records: Records, told: Told) -> Generator[Ask, Outcome, Told]:
    """Ask about records, and return what is known now."""
    if not len(records):
        return told
    outcome = yield Ask(records)
    answered = outcome.answered
    return Told(
        np.concatenate([told.records, records[answered]]),
        np.concatenate([told.reached, brief.reached(outcome.decisions)[answered]]),
    )


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


def _mixtures(schema: TableSchema, told: Told, count: int, rng: np.random.Generator) -> Records:
    """Return records that fail, with some values of ones that reach the goal or drawn from the range of all."""
    if not len(told.records):
        return told.records
    failed = told.records[~told.reached] if not told.reached.all() else told.records
    passed = told.records[told.reached] if told.reached.any() else told.records
    before = failed[rng.integers(len(failed), size=count)]
    donors = passed[rng.integers(len(passed), size=count)]
    mixed = np.where(rng.uniform(size=before.shape) < rng.uniform(size=(count, 1)), donors, before)
    low, high = np.fmin.reduce(told.records), np.fmax.reduce(told.records)
    anywhere = low + rng.uniform(size=mixed.shape) ** 2 * (high - low)
    wild = rng.uniform(size=mixed.shape) < 0.15
    wild[:, np.setdiff1d(np.arange(len(schema)), schema.numbers)] = False
    return grafted(schema, before, np.where(wild, anywhere, mixed))


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
