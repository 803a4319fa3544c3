"""Where along single features the decision turns: found by bisection between records that fail and ones that pass."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Brief, Outcome
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import TableSchema
from vauban.tactics.arms import table_of
from vauban.tactics.recipes import Told

_HALVINGS = 8
"""Most questions on one number; afterwards the turn lies within 1/256 of the way that was gone."""


@dataclass(frozen=True)
class Turns:
    """Values on the passing side of where decisions turned, one feature each.

    Attributes:
        slot: (t,) position of the feature among the mutable ones.
        value: (t,) encoded.
    """

    slot: Ints
    value: Floats

    def __len__(self) -> int:
        """Return the number of turns."""
        return len(self.slot)


NO_TURNS = Turns(np.zeros(0, dtype=np.int64), np.zeros(0))


def price_of_a_turn(schema: TableSchema) -> int:
    """Return about how many questions one turn takes: which feature, and where on it."""
    return 1 + int(np.ceil(np.log2(max(len(schema.mutable), 2)))) + _HALVINGS


def find_turns(
    brief: Brief, fails: Records, passes: Records, rng: np.random.Generator
) -> Generator[Ask, Outcome, tuple[Turns, Told]]:
    """Go from records that fail to ones that pass, feature by feature in random order, and bisect where it turns.

    A path that crosses the boundary does so more often where one step of a feature moves the decision far, so that the
    thresholds of trees that matter most are found first, without a score.

    Args:
        brief: under which threat.
        fails: (c, d) records that do not reach the goal, not asked again.
        passes: (c, d) what may be made of them and is thought to reach it; pairs where it does not are left.
        rng: the stream to draw from.

    Returns:
        The turns, repeated ones once, and what was told.
    """
    schema = table_of(brief)
    told_records, told_reached = [fails[:0]], [np.zeros(0, dtype=np.bool_)]

    def ask(records: Records) -> Generator[Ask, Outcome, tuple[Mask, Mask]]:
        outcome = yield Ask(records)
        reached = brief.reached(outcome.decisions) & outcome.answered
        told_records.append(records[outcome.answered])
        told_reached.append(reached[outcome.answered])
        return reached, outcome.answered

    m = len(schema.mutable)
    live = np.flatnonzero((fails != passes)[:, schema.mutable].any(axis=1))
    if not len(live):
        return NO_TURNS, Told(told_records[0], told_reached[0])
    reached, _ = yield from ask(passes[live])
    live = live[reached]
    order = np.argsort(rng.uniform(size=(len(fails), m)), axis=1)
    rank = np.argsort(order, axis=1)
    low, high = np.zeros(len(fails), dtype=np.int64), np.full(len(fails), m)
    fails, passes = fails.copy(), passes.copy()
    while len(bisected := live[high[live] - low[live] > 1]):
        middle = (low[bisected] + high[bisected]) // 2
        records = _on_path(schema, fails[bisected], passes[bisected], rank[bisected], middle)
        reached, answered = yield from ask(records)
        high[bisected[reached]] = middle[reached]
        low[bisected[answered & ~reached]] = middle[answered & ~reached]
        live = np.setdiff1d(live, bisected[~answered])
    base = _on_path(schema, fails[live], passes[live], rank[live], high[live])
    slot = order[live, high[live] - 1]
    column = schema.mutable[slot]
    near, far = fails[live, column], passes[live, column]
    number = np.isin(column, schema.numbers)
    for _ in range(_HALVINGS):
        middle = _snapped(schema, column, near, (near + far) / 2)
        open_ = np.flatnonzero(number & (middle != near) & (middle != far))
        if not len(open_):
            break
        records = base[open_].copy()
        records[np.arange(len(open_)), column[open_]] = middle[open_]
        reached, answered = yield from ask(schema.derived(records) if schema.relations else records)
        far[open_[reached]] = middle[open_[reached]]
        near[open_[answered & ~reached]] = middle[open_[answered & ~reached]]
    found = np.unique(np.column_stack([slot, far]), axis=0)
    return Turns(found[:, 0].astype(np.int64), found[:, 1]), Told(
        np.concatenate(told_records), np.concatenate(told_reached)
    )


def _on_path(schema: TableSchema, fails: Records, passes: Records, rank: Ints, length: Ints) -> Records:
    """Return records (c, d) with the first ``length`` mutable features, by rank, of those that pass."""
    out = fails.copy()
    out[:, schema.mutable] = np.where(rank < length[:, None], passes[:, schema.mutable], fails[:, schema.mutable])
    return schema.derived(out) if schema.relations else out


def _snapped(schema: TableSchema, column: Ints, near: Floats, middle: Floats) -> Floats:
    """Return values (c,) on the grids of their columns, towards ``near``."""
    step = schema.step[column]
    steps = np.divide(middle, step, out=np.zeros(len(middle)), where=step > 0)
    return np.where(step > 0, np.where(middle > near, np.floor(steps), np.ceil(steps)) * step, middle)
