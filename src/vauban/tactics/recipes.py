"""Values of what can be changed that pass with many records: bred on known ones, the hardest that can be had last."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Brief, Outcome
from vauban.records import Mask, Records
from vauban.tactics.additive_guess import AdditiveGuess
from vauban.tactics.arms import grafted, table_of

_KEPT, _CHILDREN, _TRIALS = 5, 9, 4


@dataclass(frozen=True)
class Told:
    """Records that were asked about (q, d), and which of them reached the goal (q,)."""

    records: Records
    reached: Mask


def breed(
    brief: Brief, carriers: Records, parents: Records, picture: AdditiveGuess, questions: int, rng: np.random.Generator
) -> Generator[Ask, Outcome, tuple[Records, Told]]:
    """Breed recipes by the number of carriers that each gets to the goal, on carriers as hard as the best still manage.

    Where every answer is only yes or no, how hard the carriers are that a recipe still gets through is the margin that
    cannot be seen.

    Args:
        brief: under which threat.
        carriers: (c, d) records that do not reach the goal as they are.
        parents: (k, d) records that do.
        picture: a guess, by which carriers are sorted.
        questions: most that may be asked.
        rng: the stream to draw from.

    Returns:
        The recipes, the best last, as records (r, d) of which only the mutable features matter; and what was told.
    """
    schema = table_of(brief)
    asked, reached = [carriers[:0]], [np.zeros(0, dtype=np.bool_)]
    recipes = [parents[:0]]
    rounds = questions // ((_KEPT + _CHILDREN) * _TRIALS)
    if not len(carriers) or not len(parents):
        return parents[:0], Told(asked[0], reached[0])
    fixed = np.full(len(carriers), picture.offset)
    for j in schema.fixed:
        fixed += picture.part(int(j), carriers[:, j])
    carriers = carriers[np.argsort(-fixed, kind="stable")]
    ease = np.zeros(len(parents))
    for j in schema.mutable:
        ease += picture.part(int(j), parents[:, j])
    kept = parents[np.argsort(-ease, kind="stable")][:_KEPT]
    hard = 0.5
    for _ in range(rounds):
        children = _children(kept, parents, _CHILDREN, rng)
        crowd = np.concatenate([kept, children])
        at = np.clip((hard + rng.uniform(-0.1, 0.1, size=_TRIALS)) * len(carriers), 0, len(carriers) - 1)
        before = np.tile(carriers[at.astype(np.int64)], (len(crowd), 1))
        after = grafted(schema, before, np.repeat(crowd, _TRIALS, axis=0))
        outcome = yield Ask(after)
        hit = brief.reached(outcome.decisions) & outcome.answered
        asked.append(after[outcome.answered])
        reached.append(hit[outcome.answered])
        wins = hit.reshape(len(crowd), _TRIALS).sum(axis=1)
        order = np.argsort(-wins, kind="stable")
        kept = crowd[order[:_KEPT]]
        if wins[order[0]] > 0:
            recipes.append(kept[wins[order[:_KEPT]] > 0][::-1])
        if wins[order[1]] >= _TRIALS - 1:
            hard = min(hard + 0.1, 0.9)
        elif wins[order[0]] <= 1:
            hard = max(hard - 0.1, 0.1)
    return np.concatenate(recipes), Told(np.concatenate(asked), np.concatenate(reached))


def _children(kept: Records, parents: Records, count: int, rng: np.random.Generator) -> Records:
    """Return crossings of the best, with some values of any parent."""
    d = kept.shape[1]
    columns = np.arange(d)
    crossed = kept[rng.integers(len(kept), size=(count, d)), columns]
    strange = parents[rng.integers(len(parents), size=(count, d)), columns]
    return np.where(rng.uniform(size=(count, d)) < 0.3, strange, crossed)
