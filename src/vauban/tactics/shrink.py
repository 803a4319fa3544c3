"""Take a change of the best records back, wholly or in part."""

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
QUARTERINGS = 3
"""Most quarterings of one change: each is a question to the model for all victims together."""


def shrink(ledger: Ledger, live: Ints, turn: int) -> Generator[Ask, Outcome, None]:
    """Take a change of each best record back, wholly or as far as quartering finds: the dearest, next turn the next."""
    schema = ledger.schema
    mine = live[ledger.flipped[live] & (ledger.left[live] > 0)]
    parts = schema.costs(ledger.cohort.records[mine], ledger.best[mine])
    rank = turn % np.maximum((parts > 0).sum(axis=1), 1)
    slot = np.argsort(-parts, axis=1, kind="stable")[np.arange(len(mine)), rank]
    worthy = parts[np.arange(len(mine)), slot] > SHARE * ledger.cost[mine]
    mine, slot, parts = mine[worthy], slot[worthy], parts[worthy]
    every, feature = np.arange(len(mine)), schema.mutable[slot]
    low, high, change = ledger.cohort.records[mine, feature], ledger.best[mine, feature], parts[every, slot]
    was, step, number = low.copy(), schema.step[feature], np.isin(feature, schema.numbers)
    rest, unit = parts.sum(axis=1) - change, change / np.maximum(np.abs(high - low), 1e-300)
    for tries in range(QUARTERINGS):
        if not len(mine):
            return
        values = low[:, None] + np.array([0.0, 0.25, 0.5, 0.75]) * (high - low)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            onto = np.rint(values / step[:, None]) * step[:, None]
        values[:, 1:] = np.where(step[:, None] > 0, onto, values)[:, 1:]
        worth = (values != low[:, None]) & (values != high[:, None]) & number[:, None]
        worth[:, 0] = tries == 0
        worth[:, 2:] &= values[:, 2:] != values[:, 1:-1]
        row, k = np.nonzero(worth)
        costs = rest[row] + unit[row] * np.abs(values[row, k] - was[row])
        got = yield from ledger.ask_changes(mine[row], ledger.best[mine], row, slot[row], values[row, k], costs)
        enough = np.zeros(values.shape, dtype=bool)
        enough[row, k] = got >= ledger.above[mine[row]]
        first = np.where(enough.any(axis=1), enough.argmax(axis=1), 4)  # the least of the change that is enough
        every, edges = np.arange(len(mine)), np.concatenate([values, high[:, None]], axis=1)
        low, high = edges[every, np.maximum(first - 1, 0)], edges[every, first]
        wide = np.abs(high - low) > np.maximum(NARROW * np.abs(high - was), step * 1.5)
        on = number & (first > 0) & wide
        mine, slot, low, high, was = mine[on], slot[on], low[on], high[on], was[on]
        step, number, rest, unit = step[on], number[on], rest[on], unit[on]
