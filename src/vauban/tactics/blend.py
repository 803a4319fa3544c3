"""Combine measured one-feature moves into a cheap change of many features, for a whole cohort at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vauban.records import Floats, Ints
from vauban.tactics.moves import Moves

_TINY = 1e-12
_ROUNDING = 1e-9
"""What a bound is lowered by, so that the order in which parts were added up does not matter."""
_PER_MOVE = ("gains", "costs", "near", "near_cost", "slope", "start")
BLOCK = 256
"""Victims combined at a time: their arrays stay in the processor's cache."""


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
        if not gains.size:
            none = np.zeros((len(gains), 0))
            return Stairs(none, none, none)
        starts = np.flatnonzero(np.diff(slot, prepend=-1))
        useful = np.maximum(gains, 0.0)
        rate = np.maximum.reduceat(useful / np.maximum(costs, _TINY), starts, axis=1)
        most = np.maximum.reduceat(useful, starts, axis=1)
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
        column, slot: (k, K) which of the M each is, and its slot.
        gains, costs: (k, K) of each move over the original value; -inf and inf where there is none.
        near: (k, K) the column, of M, of the next move towards the original value.
        near_cost: (k, K) what that one costs.
        slope, start: (k, K) cost between the two is ``start + slope * gain``, if the gain rises evenly.
        stairs: what gains cost at the least; see `Stairs`.
    """

    moves: Moves
    column: Ints
    slot: Ints
    gains: Floats
    costs: Floats
    near: Ints
    near_cost: Floats
    slope: Floats
    start: Floats
    stairs: Stairs

    @staticmethod
    def of(moves: Moves, gains: Floats) -> Measured:
        """Return moves with their gains (k, M) over the original value, NaN where unknown."""
        usable = ~np.isnan(gains) & (moves.costs < np.inf) & ~moves.home
        near = moves.nearer
        near_gain = np.take_along_axis(np.where(moves.home, 0.0, gains), near, axis=1)
        near_cost = np.take_along_axis(np.where(moves.home, 0.0, moves.costs), near, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (moves.costs - near_cost) / (gains - near_gain)
        even = usable & moves.smooth & (gains > near_gain) & np.isfinite(slope)
        slope = np.where(even, slope, 0.0)
        costs = np.where(usable, moves.costs, np.inf)
        start = np.where(even, near_cost - slope * np.where(even, near_gain, 0.0), costs)
        near_cost = np.where(even, near_cost, 0.0)
        gains = np.where(usable, gains, -np.inf)
        stairs = Stairs.of(moves.slot, gains, costs)
        gaining = gains > _TINY
        column = np.argsort(~gaining, axis=1, kind="stable")[:, : int(gaining.sum(axis=1).max(initial=0))]
        whole = Measured(moves, column, moves.slot[column], gains, costs, near, near_cost, slope, start, stairs)
        parts: dict[str, Any] = {name: np.take_along_axis(getattr(whole, name), column, axis=1) for name in _PER_MOVE}
        return replace(whole, **parts)

    def pick(self, which: Ints) -> Measured:
        """Return what is known of some of the victims."""
        m = self.moves
        moves = Moves(m.feature, m.slot, m.smooth, m.values[which], m.costs[which], m.home[which], m.here[which])
        parts: dict[str, Any] = {name: getattr(self, name)[which] for name in ("column", "slot", *_PER_MOVE)}
        return replace(self, moves=moves, stairs=self.stairs.pick(which), **parts)


def blend(measured: Measured, need: Floats, below: Floats, *, between: bool, most_steps: int = 12) -> Blend:
    """Choose moves, one a feature, whose gains add up to what is needed, cheaply.

    Greedy by gain for cost, and at each step the cheapest single move that completes the choice is tried; the best
    completion of all steps is returned (the greedy cover of a multiple-choice knapsack).

    Args:
        measured: moves and gains of k victims.
        need: (k,) what the gains must add up to.
        below: (k,) what the choice must cost less than.
        between: whether a number's gain is taken to rise evenly between two measured values, so that the last move
            stops in between; otherwise it comes only at the further value.
        most_steps: most moves chosen.
    """
    values, cost = np.zeros((len(need), int(measured.moves.slot.max(initial=-1)) + 1)), np.full(len(need), np.inf)
    hope = np.flatnonzero(measured.stairs.least(need) < below)
    for i in range(0, len(hope), BLOCK):
        at = hope[i : i + BLOCK]
        part = _blend(measured.pick(at), need[at], below[at], between, most_steps)
        values[at], cost[at] = part.values, part.cost
    return Blend(values, cost)


def _blend(measured: Measured, need: Floats, below: Floats, between: bool, most_steps: int) -> Blend:
    n, slots, slot_of = len(need), int(measured.moves.slot.max(initial=-1)) + 1, measured.slot
    picked = np.full((n, slots), -1)
    best_cost, best_pick, best_last, best_need = below.copy(), picked.copy(), np.full(n, -1), np.zeros(n)
    rows = np.arange(n)  # those still open, and their part of everything:
    gains, costs, owed, spent = measured.gains, measured.costs, need.copy(), np.zeros(n)
    slope, start, least = measured.slope, measured.start, measured.near_cost
    held_gain, held_cost = np.zeros(gains.shape), np.zeros(gains.shape)
    for _ in range(most_steps if gains.size else 0):
        gain, every = gains - held_gain, np.arange(len(rows))
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = np.where(gain > _TINY, gain / np.maximum(costs - held_cost, _TINY), -np.inf)
            bound = spent + owed / np.maximum(rate.max(axis=1), 0.0)
        hope = np.flatnonzero(bound < best_cost[rows])  # as above, of what is left
        if len(hope) < len(rows):
            rows, gain, rate, every = rows[hope], gain[hope], rate[hope], np.arange(len(hope))
            slot_of = slot_of[hope]
            gains, costs, slope, start, least = gains[hope], costs[hope], slope[hope], start[hope], least[hope]
            held_gain, held_cost, owed, spent = held_gain[hope], held_cost[hope], owed[hope], spent[hope]
        if not len(rows):
            break
        enough = gain >= owed[:, None] - _TINY
        last = np.maximum(start + slope * (held_gain + owed[:, None]), least) if between else costs
        finish = np.where(enough, last - held_cost, np.inf)
        k = np.argmin(finish, axis=1)
        total = spent + finish[every, k]
        better = np.flatnonzero(total < best_cost[rows])
        mine, at = rows[better], k[better]
        best_cost[mine], best_pick[mine], best_last[mine] = total[better], picked[mine], at
        best_need[mine] = held_gain[better, at] + owed[better]
        rate[enough] = -np.inf
        k = np.argmax(rate, axis=1)
        slot = slot_of[every, k]
        go = rate[every, k] > 0
        owed = np.where(go, owed - gain[every, k], np.inf)  # who has no further move owes more than he can gain
        spent = spent + np.where(go, costs[every, k] - held_cost[every, k], 0.0)
        picked[rows[go], slot[go]] = k[go]
        same = (slot_of == slot[:, None]) & go[:, None]
        held_gain = np.where(same, gains[every, k][:, None], held_gain)
        held_cost = np.where(same, costs[every, k][:, None], held_cost)
    best_cost[best_last < 0] = np.inf
    return _read(measured, best_pick, best_last, best_need, best_cost, between)


def _read(measured: Measured, pick: Ints, last: Ints, wanted: Floats, cost: Floats, between: bool) -> Blend:
    """Return the values that picks stand for; the last move stops where it gains what was wanted of it."""
    moves = measured.moves
    values = np.zeros(pick.shape)
    row, k = np.nonzero(moves.home)
    values[row, moves.slot[k]] = moves.values[row, k]
    row, slot = np.nonzero(pick >= 0)
    values[row, slot] = moves.values[row, measured.column[row, pick[row, slot]]]
    row = np.flatnonzero(last >= 0)
    k = last[row]
    end, near = moves.values[row, measured.column[row, k]], moves.values[row, measured.near[row, k]]
    if between:
        slope, start, least = measured.slope[row, k], measured.start[row, k], measured.near_cost[row, k]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (start + slope * wanted[row] - least) / (measured.costs[row, k] - least)
        end = np.where((slope > 0) & (share < 1), near + np.maximum(share, 0.0) * (end - near), end)
    values[row, measured.slot[row, k]] = end
    return Blend(values, cost)
