"""Combine measured one-feature moves into a cheap change of many features, for a whole cohort at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.records import Floats, Ints, Mask
from vauban.tactics.moves import Moves

_TINY = 1e-12


@dataclass(frozen=True)
class Blend:
    """A choice for each victim.

    Attributes:
        values: (n, m) of the mutable features, in the schema's order.
        cost: (n,) what it costs; infinite where none was found.
        spare: (n,) how much more than needed it should gain.
    """

    values: Floats
    cost: Floats
    spare: Floats


def blend(
    moves: Moves, gains: Floats, need: Floats, *, between: bool, banned: Ints | None = None, most_steps: int = 16
) -> Blend:
    """Choose moves, one a feature, whose gains add up to what is needed, cheaply.

    Greedy by gain for cost, and at each step the cheapest single move that completes the choice is tried; the best
    completion of all steps is returned (the greedy cover of a multiple-choice knapsack).

    Args:
        moves: M columns of values and costs.
        gains: (n, M) of each move over the original value; NaN where unknown.
        need: (n,) what the gains must add up to.
        between: whether a number's gain is taken to rise evenly between two measured values, so that the last move
            stops in between; otherwise it comes only at the further value.
        banned: (n,) a slot that must keep its original value; -1 is none.
        most_steps: most moves chosen.
    """
    n, width = gains.shape
    slots = int(moves.slot.max(initial=-1)) + 1
    rows = np.arange(n)
    usable = ~np.isnan(gains) & (moves.costs < np.inf) & ~moves.home
    if banned is not None:
        usable &= moves.slot[None, :] != banned[:, None]
    total = np.where(usable, gains, -np.inf)
    price = np.where(usable, moves.costs, np.inf)
    near = moves.nearer
    base_gain = np.where(moves.home, 0.0, gains)
    near_gain = np.take_along_axis(base_gain, near, axis=1)
    near_cost = np.take_along_axis(np.where(moves.home, 0.0, moves.costs), near, axis=1)
    has_gain, has_cost = np.zeros((n, slots)), np.zeros((n, slots))
    picked = np.full((n, slots), -1)
    best_cost, best_gain = np.full(n, np.inf), np.zeros(n)
    best_pick, best_last, best_share = picked.copy(), np.full(n, -1), np.ones(n)
    open_ = np.ones(n, dtype=bool)
    for _ in range(most_steps):
        if not width or not open_.any():
            break
        held_gain, held_cost = has_gain[:, moves.slot], has_cost[:, moves.slot]
        owed = need - has_gain.sum(axis=1)
        spent = has_cost.sum(axis=1)
        wanted = owed[:, None] + held_gain
        share = np.ones_like(gains)
        if between:
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = (wanted - near_gain) / (total - near_gain)
            inside = moves.smooth & (ratio > 0) & (ratio < 1)
            share[inside] = ratio[inside]
        at = price.copy()
        part = share < 1
        at[part] = near_cost[part] + share[part] * (price[part] - near_cost[part])
        finish = np.where((total >= wanted - _TINY) & open_[:, None], spent[:, None] - held_cost + at, np.inf)
        k = np.argmin(finish, axis=1)
        better = finish[rows, k] < best_cost
        best_cost = np.where(better, finish[rows, k], best_cost)
        best_pick[better], best_last[better] = picked[better], k[better]
        best_share[better] = share[rows, k][better]
        reached = has_gain.sum(axis=1) - held_gain[rows, k] + np.where(share < 1, wanted, total)[rows, k]
        best_gain = np.where(better, reached, best_gain)
        k, open_ = _next(total - held_gain, price - held_cost, owed, open_ & (spent < best_cost))
        go = rows[open_]
        slot = moves.slot[k[go]]
        has_gain[go, slot], has_cost[go, slot], picked[go, slot] = total[go, k[go]], price[go, k[go]], k[go]
    return _read(moves, best_pick, best_last, best_share, near, best_cost, best_gain - need)


def _next(gain: Floats, cost: Floats, owed: Floats, open_: Mask) -> tuple[Ints, Mask]:
    """Return the move of the most gain for its cost among those that do not complete the choice, and who has one."""
    useful = (gain > _TINY) & (gain < owed[:, None]) & open_[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(useful, gain / np.maximum(cost, _TINY), -np.inf)
    k = np.argmax(rate, axis=1)
    return k, rate[np.arange(len(k)), k] > 0


def _read(moves: Moves, pick: Ints, last: Ints, share: Floats, near: Ints, cost: Floats, spare: Floats) -> Blend:
    n, slots = pick.shape
    values = np.zeros((n, slots))
    row, k = np.nonzero(moves.home)
    values[row, moves.slot[k]] = moves.values[row, k]
    row, slot = np.nonzero(pick >= 0)
    values[row, slot] = moves.values[row, pick[row, slot]]
    row = np.flatnonzero(last >= 0)
    k = last[row]
    end = moves.values[row, k]
    start = moves.values[row, near[row, k]]
    values[row, moves.slot[k]] = np.where(share[row] < 1, start + share[row] * (end - start), end)
    return Blend(values, cost, spare)
