"""Measure what one-feature changes gain, and combine those that gain most for their cost."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Floats, Ints, Records
from vauban.schema import TableSchema
from vauban.tactics.blend import Measured, blend
from vauban.tactics.ledger import Ledger
from vauban.tactics.moves import Moves, Range, moves_around

CORRECTIONS = 3
"""How often a prediction is corrected by its answer before the gains are measured anew."""
WORTH = 1e-3
"""Share of its cost that a new record must be predicted to save."""


def measure(
    ledger: Ledger, live: Ints, anchor: Records, progress: Floats, ranges: Range, levels: int, turn: int
) -> Generator[Ask, Outcome, tuple[Moves, Floats]]:
    """Ask about every one-feature change of the anchors; return the moves and gains (k, M) over the original value."""
    schema, original = ledger.schema, ledger.cohort.records[live]
    moves = moves_around(schema, original, anchor, ledger.cost[live], ranges, levels, (0.618 * turn) % 1.0)
    k, width = moves.values.shape
    slots = len(schema.mutable)
    here_cost = np.zeros((k, slots))
    row, column = np.nonzero(moves.here)
    here_cost[row, moves.slot[column]] = moves.costs[row, column]
    row, column = np.nonzero(~np.isnan(moves.values) & ~moves.here)
    slot = moves.slot[column]
    costs = here_cost.sum(axis=1)[row] - here_cost[row, slot] + moves.costs[row, column]
    got = yield from ledger.ask_changes(live[row], anchor, row, slot, moves.values[row, column], costs)
    measured = np.full((k, width), np.nan)
    measured[moves.here] = 0.0
    measured[row, column] = got - progress[row]
    home = np.zeros((k, slots))
    row, column = np.nonzero(moves.home)
    home[row, moves.slot[column]] = measured[row, column]
    return moves, measured - home[:, moves.slot]


@dataclass(frozen=True)
class Tried:
    """Of each victim, the combination that came nearest to the goal: record (k, d) and progress (k,).

    ``error`` (k,) is by how much of what was needed the first prediction was wrong; NaN where none was made.
    """

    records: Records
    progress: Floats
    error: Floats


def combine(
    ledger: Ledger, live: Ints, moves: Moves, gains: Floats, at_anchor: Floats
) -> Generator[Ask, Outcome, Tried]:
    """Ask about the cheapest combinations that the measured gains predict to reach; correct the prediction; repeat."""
    schema = ledger.schema
    measured = Measured.of(moves, gains)
    base = at_anchor.copy()  # progress of the original, as the sum of gains sees it
    row, column = np.nonzero(moves.here)
    np.subtract.at(base, row, np.nan_to_num(gains[row, column]))
    full = measured.stairs.most * (1 - 1e-9)  # where nothing is known to suffice, try all that gains
    tried = Tried(ledger.cohort.records[live], np.full(len(live), -np.inf), np.full(len(live), np.nan))
    open_, miss = np.arange(len(live)), np.zeros(len(live))
    for turn in range(CORRECTIONS):
        rows = live[open_]
        aim = ledger.above[rows]
        if 0 < turn < CORRECTIONS - 1:  # the decision may turn before the least progress that is known to be enough
            aim = np.where(np.isfinite(ledger.below[rows]), aim / 2 + ledger.below[rows] / 2, aim)
        need = aim - base[open_] + miss[open_]
        need = np.where(ledger.flipped[rows], need, np.minimum(need, full[open_]))
        chosen = blend(measured, open_, need, ledger.cost[rows] * (1 - WORTH))
        going = [np.flatnonzero(chosen[0].cost < np.inf)]
        # the further value costs more than one in between, so that only who found the one takes the other
        going.append(going[0][chosen[1].cost[going[0]] < np.inf])
        trying = np.concatenate(going)
        values = np.concatenate([choice.values[at] for choice, at in zip(chosen, going, strict=True)])
        original = ledger.cohort.records[rows[trying]]
        records = original.copy()
        records[:, schema.mutable] = _outward(schema, original[:, schema.mutable], values)
        got = yield from ledger.ask(rows[trying], records, schema.cost(original, records), distinct=False)
        short = np.full(len(open_), np.nan)
        for at in (slice(None, len(going[0])), slice(len(going[0]), None)):
            who = open_[trying[at]]
            short[trying[at]] = np.fmin(short[trying[at]], aim[trying[at]] - got[at])
            nearer = got[at] > tried.progress[who]
            tried.records[who[nearer]], tried.progress[who[nearer]] = records[at][nearer], got[at][nearer]
        if turn == 0:
            first = going[0]
            with np.errstate(invalid="ignore", divide="ignore"):
                tried.error[first] = np.abs((aim[first] - got[: len(first)]) / need[first])
        again = np.isfinite(short)
        miss[open_[again]] += short[again]
        open_ = open_[again]
        if not len(open_):
            break
    return tried


def _outward(schema: TableSchema, was: Floats, values: Floats) -> Floats:
    """Return values (k, m) of the mutable features put on their grid, away from the original."""
    step = schema.step[schema.mutable]
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = values / step
        onto = np.where(values > was, np.ceil(steps - 1e-6), np.floor(steps + 1e-6)) * step
    return np.where((step > 0) & (values != was), onto, values)
