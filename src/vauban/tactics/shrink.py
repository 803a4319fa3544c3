"""Take changes of the best records back, wholly or in part."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Ints
from vauban.tactics.ledger import Ledger

SHARE = 0.01
"""Share of a record's cost below which a change is not worth shrinking."""
NARROW = 0.02
"""How narrow, relative to the change, quartering makes the interval in which it may end."""
QUARTERINGS = 4
"""Most quarterings of one change."""


def shrink(ledger: Ledger, live: Ints) -> Generator[Ask, Outcome, None]:
    """Take single changes of the best records back, the dearest first: wholly, or as far as quartering finds."""
    schema = ledger.schema
    mine = live[ledger.flipped[live]]
    number = np.isin(schema.mutable, schema.numbers)
    done = np.zeros((len(mine), len(schema.mutable)), dtype=bool)
    slot, tries = np.full(len(mine), -1), np.zeros(len(mine), dtype=np.int64)
    low, high, unit, rest = (np.zeros(len(mine)) for _ in range(4))
    while len(mine):
        fresh = np.flatnonzero(slot < 0)
        if len(fresh):
            original, best = ledger.cohort.records[mine[fresh]], ledger.best[mine[fresh]]
            parts = schema.costs(original, best)
            left = np.where(done[fresh], 0.0, parts)
            slot[fresh] = np.argmax(left, axis=1)
            every = np.arange(len(fresh))
            feature, dearest = schema.mutable[slot[fresh]], left[every, slot[fresh]]
            low[fresh], high[fresh], tries[fresh] = original[every, feature], best[every, feature], 0
            rest[fresh] = parts.sum(axis=1) - dearest
            unit[fresh] = dearest / np.maximum(np.abs(high[fresh] - low[fresh]), 1e-300)
            done[fresh, slot[fresh]] = True
            keep = ledger.left[mine] > 0
            keep[fresh] &= dearest > SHARE * ledger.cost[mine[fresh]]
            mine, slot, done, tries = mine[keep], slot[keep], done[keep], tries[keep]
            low, high, unit, rest = low[keep], high[keep], unit[keep], rest[keep]
        feature = schema.mutable[slot]
        was, step = ledger.cohort.records[mine, feature], schema.step[feature]
        values = low[:, None] + np.array([0.0, 0.25, 0.5, 0.75]) * (high - low)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            onto = np.rint(values / step[:, None]) * step[:, None]
        values[:, 1:] = np.where(step[:, None] > 0, onto, values)[:, 1:]
        worth = (values != low[:, None]) & (values != high[:, None]) & number[slot][:, None]
        worth[:, 0] = tries == 0
        worth[:, 2:] &= values[:, 2:] != values[:, 1:-1]
        row, k = np.nonzero(worth)
        costs = rest[row] + unit[row] * np.abs(values[row, k] - was[row])
        got = yield from ledger.ask_changes(mine[row], ledger.best[mine], row, slot[row], values[row, k], costs)
        enough = np.zeros(values.shape, dtype=bool)
        enough[row, k] = got >= ledger.above[mine[row]]
        first = np.where(enough.any(axis=1), enough.argmax(axis=1), 4)  # the least of the change that is enough
        every = np.arange(len(mine))
        edges = np.concatenate([values, high[:, None]], axis=1)
        low, high = edges[every, np.maximum(first - 1, 0)], edges[every, first]
        tries += 1
        wide = np.abs(high - low) > np.maximum(NARROW * np.abs(high - was), step * 1.5)
        slot[~number[slot] | (first == 0) | ~wide | (tries >= QUARTERINGS)] = -1
