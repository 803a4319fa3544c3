"""Climb a substitute: look for records that it passes most firmly, at no question, and ask about the best of them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Floats, Ints, Records
from vauban.tactics.arms import grafted
from vauban.tactics.forests import mean_of_trees
from vauban.tactics.likeness import nearest
from vauban.tactics.siege import Proposals, Siege

STEPS, WIDTH = 14, 96
"""Generations of a climb, and records of each."""
KEPT = 6
"""Records of a generation that the next one comes from."""
ASKED = 240
"""Records asked about for a victim at most, the most promising first, in growing batches."""
ALIKE = 60
"""Known good records, like the victim, that values are taken from."""


@dataclass(frozen=True)
class Forest:
    """A substitute for the target: trees on known records, with the answers to those that were asked about.

    Attributes:
        model: a fitted scikit-learn forest over encoded records, what is missing being -1e9.
    """

    model: Any

    @staticmethod
    def grown(records: Records, harmful: Ints, weights: Floats, trees: int, seed: int) -> Forest:
        """Return a forest of records (n, d) and what is believed of each (n,), 1 = harmful, with weights (n,)."""
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(trees, min_samples_leaf=2, random_state=seed, n_jobs=1)
        return Forest(forest.fit(_filled(records), harmful, weights))

    def harm(self, records: Records) -> Floats:
        """Return how harmful it believes records (n, d) to be, 0 to 1."""
        return mean_of_trees(self.model, _filled(records))[:, 1]


def _filled(records: Records) -> Floats:
    return np.where(np.isnan(records), -1e9, records)


def climb(siege: Siege, forest: Forest, known: Records) -> Generator[Ask, Outcome, None]:
    """For whom nothing reached the goal yet: breed records towards the goal under the forest, then ask about the best.

    Args:
        siege: the search.
        forest: what stands in for the target.
        known: (c, d) known records of the class that the goal is for.
    """
    who = siege.open()
    if not len(who) or not len(known):
        return
    sign = 1.0 if siege.brief.cell.harmful else -1.0
    best, score = _bred(siege, who, forest, known, sign)
    order = np.argsort(score, axis=1, kind="stable")
    start, size = 0, 8
    while start < min(ASKED, order.shape[1]):
        left = np.flatnonzero(~siege.held[who] & siege.live[who])
        if not len(left):
            return
        picked = order[left, start : start + size]
        row = np.repeat(left, picked.shape[1])
        after = best[row, picked.reshape(-1)]
        before = siege.cohort.records[who[row]]
        costs = siege.schema.costs(before, after)
        yield from siege.ask(Proposals(who[row], after[:, siege.schema.mutable], costs))
        start, size = start + size, size * 2


def _bred(siege: Siege, who: Ints, forest: Forest, known: Records, sign: float) -> tuple[Records, Floats]:
    """Return for each victim records (k, STEPS * WIDTH, d) and how far from the goal the forest sees them."""
    schema, mutable = siege.schema, siege.schema.mutable
    k, m = len(who), len(mutable)
    original = siege.cohort.records[who]
    alike = nearest(schema, original, known, ALIKE)
    parents = np.repeat(original[:, None], KEPT, axis=1)
    every, scores = [], []
    for step in range(STEPS):
        u = siege.streams.uniform(who, WIDTH * (2 * m + 3)).reshape(k, WIDTH, 2 * m + 3)
        base = parents[np.arange(k)[:, None], (u[:, :, 0] * KEPT).astype(np.int64)]
        row = np.take_along_axis(alike, (u[:, :, 1] * alike.shape[1]).astype(np.int64), axis=1)
        anyone = (u[:, :, 3 : 3 + m] * len(known)).astype(np.int64)
        near = known[row][:, :, mutable]
        far = known[anyone, mutable]
        donor = np.where((u[:, :, 2] < 0.5)[:, :, None], near, far)
        share = np.where(step == 0, 0.6, 0.08 + 0.3 * u[:, :, 2])[:, :, None]
        swap = u[:, :, 3 + m :] < share
        child = base.copy()
        child[:, :, mutable] = np.where(swap, donor, base[:, :, mutable])
        flat = grafted(schema, np.repeat(original, WIDTH, axis=0), child.reshape(k * WIDTH, -1))
        every.append(flat.reshape(k, WIDTH, -1))
        scores.append(sign * forest.harm(flat).reshape(k, WIDTH))
        so_far, marks = np.concatenate(every, axis=1), np.concatenate(scores, axis=1)
        top = np.argsort(marks, axis=1, kind="stable")[:, :KEPT]
        parents = np.take_along_axis(so_far, top[:, :, None], axis=1)
    return np.concatenate(every, axis=1), np.concatenate(scores, axis=1)
