"""Ask a model about records that it should block, to see which pass all the same.

Records that the model blocks most firmly are given other values in many features at once, so that one question looks at
many combinations. What features do one by one is learnt from the answers, and the next are asked about records that by
this would be blocked: each that passes is a surprise. Later rounds draw more near the surprises of earlier ones, as the
cross-entropy method does (Rubinstein 1999).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from vauban.assurance.properties import limits
from vauban.records import Floats, Mask, Records
from vauban.schema import TableSchema

Passes = Callable[[Records], Mask]
"""Says of records (n, d) which the model passes (n,)."""

SHARES = (0.12, 0.3, 0.6)
"""Shares of the features that are given other values in the first round."""
WIDE = (0.4, 0.9)
"""Between which shares of them lie in later ones."""
FIRST = 0.25
"""Share of the questions of the first round."""
ROUNDS = 3
"""Later rounds."""
TO_ONE = 4
"""Records that are made for each that is asked about."""
NEAR = 0.4
"""Share of what is made near earlier surprises."""
LIKELY = 0.05
"""Chance to pass up to which a record that passes is a surprise."""


def surprising(
    schema: TableSchema, passes: Passes, hardest: Records, donors: Records, budget: int, rng: np.random.Generator
) -> tuple[Records, Mask, Floats]:
    """Return what was asked about (n, d), which passed (n,), and how likely each was to, by its features one by one.

    Args:
        schema: of the records.
        passes: asks the model.
        hardest: (k, d) records that it blocks firmly.
        donors: (m, d) real ones, whose values are given.
        budget: questions.
        rng: random stream.
    """
    first = int(FIRST * budget)
    share = np.array(SHARES)[rng.integers(len(SHARES), size=first)]
    records = moved(schema, hardest, donors, share, rng)
    passed = passes(records)
    for _ in range(ROUNDS):
        each = (budget - first) // ROUNDS
        made = moved(schema, hardest, donors, rng.uniform(*WIDE, size=TO_ONE * each), rng)
        likely = each_alone(records, passed, made)
        strange = records[passed & (each_alone(records, passed, records) < LIKELY)]
        if len(strange):
            near = rng.uniform(size=len(made)) < NEAR
            made[near] = _near(schema, made[near], strange, rng)
            likely[near] = each_alone(records, passed, made[near])
        kept = np.argsort(likely, kind="stable")[: 2 * each]
        kept = rng.permutation(kept)[:each]
        records, passed = np.concatenate([records, made[kept]]), np.concatenate([passed, passes(made[kept])])
    return records, passed, each_alone(records, passed, records)


def each_alone(records: Records, passed: Mask, asked: Records) -> Floats:
    """Return how likely records (n,) are to pass by what their features do one by one: a sum of one-split trees.

    What is left unexplained is what only certain values together bring about.
    """
    if passed.all() or not passed.any():
        return np.full(len(asked), float(passed.mean()))
    stumps = HistGradientBoostingClassifier(max_leaf_nodes=2, max_iter=200, learning_rate=0.2, random_state=0)
    likely = stumps.fit(records, passed).predict_proba(asked)[:, 1]
    return np.asarray(np.clip(likely, 0.001, 0.999))


def moved(schema: TableSchema, base: Records, donors: Records, share: Floats, rng: np.random.Generator) -> Records:
    """Return n base records with a share (n,) of features of others, or drawn from all that the schema allows."""
    n = len(share)
    out = base[rng.integers(len(base), size=n)]
    other = donors[rng.integers(len(donors), size=(n, out.shape[1])), np.arange(out.shape[1])]
    low, high = limits(schema, donors)
    anywhere = low + rng.uniform(size=out.shape) * (high - low)
    step = schema.step
    with np.errstate(invalid="ignore", divide="ignore"):
        anywhere = np.where(step > 0, np.rint(anywhere / step) * step, anywhere)
    other = np.where((rng.uniform(size=out.shape) < 0.3) & np.isfinite(anywhere), np.clip(anywhere, low, high), other)
    swap = rng.uniform(size=out.shape) < share[:, None]
    return schema.derived(np.where(swap, other, out))


def _near(schema: TableSchema, made: Records, strange: Records, rng: np.random.Generator) -> Records:
    """Return made records with half of the features of surprises."""
    some = strange[rng.integers(len(strange), size=len(made))]
    return schema.derived(np.where(rng.uniform(size=made.shape) < 0.5, some, made))
