"""Combine measured one-feature moves into a cheap change of many features, for a whole cohort at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.records import Floats, Ints
from vauban.tactics.moves import Moves

_TINY = 1e-12
_ROUNDING = 1e-9
"""What a bound is lowered by, so that the order in which parts were added up does not matter."""
_GAIN, _COST, _SLOPE, _START, _LEAST = range(5)
"""The parts of `Measured.table`."""
BLOCK = 512
"""Victims combined at a time: their arrays stay in the processor's cache."""
_BOTH = np.arange(2)[:, None]
CROWDED = 0.75
"""Share of the victims still open below which the others' arrays are left behind."""


@dataclass(frozen=True)
class Blend:
    """A choice for each victim.

    Attributes:
        values: (n, m) of the mutable features, in the schema's order.
        cost: (n,) what it costs; infinite where none was found.
    """

    values: Floats
    cost: Floats


@dataclass(frozen=True)
class Stairs:
    """A bound on what gains cost: every slot gains at its best rate, up to the most that it can gain, best slots first.

    The fractional relaxation of the multiple-choice knapsack: no choice of one move a slot, nor of a value between
    two, is cheaper, since along a line between two moves the rate is best at one of its ends.

    Attributes:
        gain, cost: (k, S) gained and spent when the best, the two best, ... slots are used up.
        rate: (k, S) gain for cost of each, falling.
    """

    gain: Floats
    cost: Floats
    rate: Floats

    @staticmethod
    def of(slot: Ints, gains: Floats, costs: Floats) -> Stairs:
        """Return the bound for moves (k, M), whose ``slot`` (M,) does not fall."""
        rate, most = np.zeros((2, len(gains), int(slot.max(initial=-1)) + 1))
        row, k = np.nonzero(gains > 0)
        if len(row):
            gain, place = gains[row, k], row * rate.shape[1] + slot[k]
            starts = np.flatnonzero(np.diff(place, prepend=-1))
            rate.reshape(-1)[place[starts]] = np.maximum.reduceat(gain / np.maximum(costs[row, k], _TINY), starts)
            most.reshape(-1)[place[starts]] = np.maximum.reduceat(gain, starts)
        order = np.argsort(-rate, axis=1)
        rate, most = np.take_along_axis(rate, order, axis=1), np.take_along_axis(most, order, axis=1)
        return Stairs(most.cumsum(axis=1), (most / np.where(rate > 0, rate, 1.0)).cumsum(axis=1), rate)

    @property
    def most(self) -> Floats:
        """What all slots can gain together (k,)."""
        return self.gain[:, -1] if self.gain.shape[1] else np.zeros(len(self.gain))

    def least(self, need: Floats) -> Floats:
        """Return what gaining ``need`` (k,) costs at the least; infinite where it cannot be gained."""
        every, slots = np.arange(len(need)), self.gain.shape[1]
        full = (self.gain < need[:, None]).sum(axis=1)  # slots used up
        out = np.where(need > 0, np.inf, 0.0)
        some = np.flatnonzero((full < slots) & (need > 0))
        at, row = full[some], every[some]
        before = np.maximum(at - 1, 0)
        gained, spent = (np.where(at > 0, x[row, before], 0.0) for x in (self.gain, self.cost))
        out[some] = (spent + (need[some] - gained) / self.rate[row, at]) * (1 - _ROUNDING) - _ROUNDING
        return out

    def pick(self, which: Ints) -> Stairs:
        """Return the bound for some of the victims."""
        return Stairs(self.gain[which], self.cost[which], self.rate[which])


@dataclass(frozen=True)
class Measured:
    """Moves with what they gain, made ready to be combined again and again.

    Only moves that gain are here, at most K of a victim: no other is ever chosen.

    Attributes:
        moves: k victims, M columns.
        home: (k, S) the original values by slot; 0 where one is missing.
        column, slot: (k, K) which of the M each is, and its slot.
        near: (k, K) the column, of M, of the next move towards the original value.
        table: (5, k, K) of each move: its gain and its cost over the original value, -inf and inf where there is none;
            slope and start: between the two moves the cost is ``start + slope * gain``, if the gain rises evenly; and
            what the next move towards the original value costs, below which it does not fall.
        stairs: what gains cost at the least; see `Stairs`.
    """

    moves: Moves
    home: Floats
    column: Ints
    slot: Ints
    near: Ints
    table: Floats
    stairs: Stairs

    @staticmethod
    def of(moves: Moves, gains: Floats) -> Measured:
        """Return moves with their gains (k, M) over the original value, NaN where unknown."""
        k, slots = len(gains), int(moves.slot.max(initial=-1)) + 1
        home = np.zeros((k, slots))
        row, at = np.nonzero(moves.home)
        home[row, moves.slot[at]] = moves.values[row, at]
        usable = ~np.isnan(gains) & (moves.costs < np.inf) & ~moves.home
        row, at = np.nonzero(usable & (gains > _TINY))
        gain, cost, near = gains[row, at], moves.costs[row, at], moves.nearer(row, at)
        near_home = moves.home[row, near]
        near_gain = np.where(near_home, 0.0, gains[row, near])
        near_cost = np.where(near_home, 0.0, moves.costs[row, near])
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (cost - near_cost) / (gain - near_gain)
        even = moves.smooth[at] & (gain > near_gain) & np.isfinite(slope)
        slope = np.where(even, slope, 0.0)
        start = np.where(even, near_cost - slope * np.where(even, near_gain, 0.0), cost)
        count = np.bincount(row, minlength=k)
        place = np.arange(len(row)) - (np.cumsum(count) - count)[row]
        shape = (k, int(count.max(initial=0)))
        column, nearer, slot = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        table = np.empty((5, *shape))
        table[:] = np.array([-np.inf, np.inf, 0.0, np.inf, 0.0])[:, None, None]
        table[:, row, place] = gain, cost, slope, start, np.where(even, near_cost, 0.0)
        column[row, place], nearer[row, place], slot[row, place] = at, near, moves.slot[at]
        stairs = Stairs.of(moves.slot, np.where(usable, gains, 0.0), np.where(usable, moves.costs, np.inf))
        return Measured(moves, home, column, slot, nearer, table, stairs)


def blend(measured: Measured, who: Ints, need: Floats, below: Floats, *, most_steps: int = 12) -> tuple[Blend, Blend]:
    """Choose moves, one a feature, whose gains add up to what is needed, cheaply.

    Greedy by gain for cost, and at each step the cheapest single move that completes the choice is tried; the best
    completion of all steps is returned (the greedy cover of a multiple-choice knapsack).

    Args:
        measured: moves and gains.
        who: (n,) the victims to choose for.
        need: (n,) what the gains must add up to.
        below: (n,) what the choice must cost less than.
        most_steps: most moves chosen.

    Returns:
        Two choices for each: the gain of the last number is taken to rise evenly between two measured values, so that
        it stops in between; and it is taken to come only at the further value.
    """
    values, cost = np.zeros((2, len(need), measured.home.shape[1])), np.full((2, len(need)), np.inf)
    hope = np.flatnonzero(measured.stairs.pick(who).least(need) < below)
    for i in range(0, len(hope), BLOCK):
        at = hope[i : i + BLOCK]
        with np.errstate(invalid="ignore", divide="ignore"):
            values[:, at], cost[:, at] = _blend(measured, who[at], need[at], below[at], most_steps)
    return Blend(values[0], cost[0]), Blend(values[1], cost[1])


def _blend(measured: Measured, who: Ints, need: Floats, below: Floats, most_steps: int) -> tuple[Floats, Floats]:
    """Return values (2, n, S) and costs (2, n) of both choices, which share the way and differ in how it ends."""
    n, slots = len(need), measured.home.shape[1]
    picked = np.full((n, slots), -1)
    best, pick, last, wanted = np.tile(below, (2, 1)), np.tile(picked, (2, 1, 1)), np.full((2, n), -1), np.zeros(n)
    rows, open_ = np.arange(n), np.ones((2, n), dtype=bool)  # those that go on, and for which of the two choices
    table, slot_of, owed, spent = measured.table[:, who], measured.slot[who], need.copy(), np.zeros(n)
    held = np.zeros((2, *slot_of.shape))  # gain and cost of what is picked of each move's slot
    for _ in range(most_steps if table.size else 0):
        more = table[: _COST + 1] - held
        gain, cost = more
        rate = gain / np.maximum(cost, _TINY)
        np.copyto(rate, -np.inf, where=gain <= _TINY)
        bound = spent + owed / np.maximum(rate.max(axis=1), 0.0)  # as `Stairs`, of what is left
        open_ &= bound < best[:, rows]
        going = np.flatnonzero(open_[0] | open_[1])
        if not len(going):
            break
        if len(going) < CROWDED * len(rows):
            rows, open_, slot_of, owed, spent = rows[going], open_[:, going], slot_of[going], owed[going], spent[going]
            table, held, rate = table[:, going], held[:, going], rate[going]
            gain, cost = more[:, going]
        every = np.arange(len(rows))
        enough = gain >= owed[:, None] - _TINY
        between = np.maximum(table[_START] + table[_SLOPE] * (held[_GAIN] + owed[:, None]), table[_LEAST])
        finish = np.where(enough, (between - held[_COST], cost), np.inf)
        k = finish.argmin(axis=2)
        total = spent + finish[_BOTH, every, k]
        which, row = np.nonzero(open_ & (total < best[:, rows]))
        mine, at = rows[row], k[which, row]
        best[which, mine], pick[which, mine], last[which, mine] = total[which, row], picked[mine], at
        row, at = row[which == 0], at[which == 0]
        wanted[rows[row]] = held[_GAIN, row, at] + owed[row]
        np.copyto(rate, -np.inf, where=enough)
        k = rate.argmax(axis=1)
        go = rate[every, k] > 0
        slot = slot_of[every, k]
        owed = np.where(go, owed - gain[every, k], np.inf)  # who has no further move owes more than he can gain
        spent = spent + np.where(go, cost[every, k], 0.0)
        picked[rows[go], slot[go]] = k[go]
        np.copyto(held, table[: _COST + 1, every, k][:, :, None], where=(slot_of == slot[:, None]) & go[:, None])
    best[last < 0] = np.inf
    return np.stack([_read(measured, who, pick[0], last[0], wanted), _read(measured, who, pick[1], last[1])]), best


def _read(measured: Measured, who: Ints, pick: Ints, last: Ints, wanted: Floats | None = None) -> Floats:
    """Return the values (n, S) that picks stand for; the last move stops where it gains what was wanted of it (n,)."""
    values = measured.home[who]
    row, slot = np.nonzero(pick >= 0)
    values[row, slot] = measured.moves.values[who[row], measured.column[who[row], pick[row, slot]]]
    row = np.flatnonzero(last >= 0)
    own, k = who[row], last[row]
    end = measured.moves.values[own, measured.column[own, k]]
    if wanted is not None:
        near = measured.moves.values[own, measured.near[own, k]]
        _, cost, slope, start, least = measured.table[:, own, k]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (start + slope * wanted[row] - least) / (cost - least)
        end = np.where((slope > 0) & (share < 1), near + np.maximum(share, 0.0) * (end - near), end)
    values[row, measured.slot[own, k]] = end
    return values
