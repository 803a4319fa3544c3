"""Cheaper records from one that reaches the goal: take changes back, bisect them, trade dear ones for cheap ones."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import Ask, Outcome
from vauban.records import Floats, Ints, Mask
from vauban.tactics.arms import snapped
from vauban.tactics.siege import Proposals, Siege, joined

_TOLERANCE = 0.001
"""A change is bisected until what is left of its interval is worth less than this share of the record's cost."""
MADE = 12
"""Records made for one that is asked about, where ways are remembered: enough that some go ways not yet failed."""
GAIN = 0.002
"""A trade must save this share of the record's cost."""
IDLE = 12
"""Rounds without a question after which a victim is left alone."""
_SLOTS = 64
"""Places of the table that arms are drawn from."""


def trade(siege: Siege, worth: Floats, trades: int) -> Generator[Ask, Outcome, None]:
    """Make the held records cheaper until the questions are spent, or there is nothing left to ask.

    Args:
        siege: the search; only victims for whom a record reached the goal are asked about.
        worth: (n, a) how good each arm is thought to be; any scale.
        trades: questions a round for each victim, if few are allowed in all; half, while there is something to bisect.
    """
    queries = siege.brief.budget.queries
    trades, rounds = max(trades, min(queries // 100, 10)), 5 + queries // 4
    chances = Chances.of(siege, worth)
    idle = np.zeros(len(siege.cohort), dtype=np.int64)
    for _ in range(rounds):
        who = np.flatnonzero(siege.live & siege.held & (siege.total > 0) & (idle < IDLE))
        if not len(who):
            return
        chances.renew(siege, who)
        less = eased(siege, who)
        busy = np.zeros(len(siege.cohort), dtype=np.bool_)
        busy[less.victims] = True
        proposals = joined(
            less,
            traded(siege, chances, who[~busy[who]], trades),
            traded(siege, chances, who[busy[who]], trades // 2),
        )
        answered = yield from siege.ask(proposals)
        idle += 1
        idle[proposals.victims[answered]] = 0


# --- taking back ----------------------------------------------------------------------------------


def eased(siege: Siege, who: Ints) -> Proposals:
    """Return the held records with less of one change, and those with all that is known to do with less.

    A change is taken back whole first; then a number is bisected between what does and what is known not to.
    """
    spent, floor, total = siege.spent[who], siege.floor[who], siege.total[who]
    whole = floor < 0
    left = spent - np.maximum(floor, 0.0)
    row, f = np.nonzero((spent > 0) & (whole | (siege.numbers & (left > _TOLERANCE * total[:, None]))))
    half = np.where(whole[row, f], 0.0, (floor[row, f] + spent[row, f]) / 2)
    to, cost = _lessened(siege, who[row], f, half)
    stuck = ~whole[row, f] & (cost <= floor[row, f])  # the grid has nothing in between
    siege.floor[who[row[stuck]], f[stuck]] = half[stuck]
    row, f, to, cost = row[~stuck], f[~stuck], to[~stuck], cost[~stuck]
    values, costs = siege.values[who[row]], spent[row]
    at = np.arange(len(row))
    values[at, f], costs[at, f] = to, cost
    new = siege.asked.add(who[row], values)
    siege.floor[who[row[~new]], f[~new]] = cost[~new]  # asked before and not held: it does not do
    one = Proposals(who[row[new]], values[new], costs[new], f[new], new=True)
    return joined(one, _eased_together(siege, who))


def _eased_together(siege: Siege, who: Ints) -> Proposals:
    use = siege.lesser[who] < siege.spent[who]
    many = np.flatnonzero(use.any(axis=1))
    values, costs = siege.values[who[many]], siege.spent[who[many]]
    row, f = np.nonzero(use[many])
    victims = who[many[row]]
    values[row, f], costs[row, f] = _lessened(siege, victims, f, siege.lesser[victims, f])
    siege.lesser[who] = np.nan
    new = siege.asked.add(who[many], values)
    return Proposals(who[many[new]], values[new], costs[new], new=True)


def _lessened(siege: Siege, victims: Ints, f: Ints, money: Floats) -> tuple[Floats, Floats]:
    """Return values and costs (r,) of features that go the way they are held, for at most this money."""
    x, b, spent = siege.arms.start[victims, f], siege.values[victims, f], siege.spent[victims, f]
    share = np.divide(money, spent, out=np.zeros(len(x)), where=(spent > 0) & siege.numbers[f])
    to = np.where(share > 0, snapped(x, x + (b - x) * share, siege.step[f]), x)
    return to, spent * np.divide(to - x, b - x, out=np.zeros(len(x)), where=b != x)


# --- trading --------------------------------------------------------------------------------------


@dataclass
class Chances:
    """How likely each arm is drawn for each victim: half by its worth, half evenly over the features.

    Attributes:
        weights: (n, a), 0 where the victim cannot go.
        whole: (a,) whether an arm can only be gone all the way.
        table: (n, slots) arms, as often as they are likely.
        count: (n,) affordable arms when the table was made.
    """

    weights: Floats
    whole: Mask
    table: NDArray[np.int16]
    count: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @staticmethod
    def of(siege: Siege, worth: Floats) -> Chances:
        """Return the chances where everything can be afforded; tables are made by ``renew``."""
        arms = siege.arms
        can = np.isfinite(arms.full)
        of_feature = (arms.feature[:, None] == np.arange(arms.start.shape[1])).astype(np.float64)
        even = can / np.maximum(can @ of_feature, 1.0)[:, arms.feature]
        even /= np.maximum(even.sum(axis=1, keepdims=True), 1e-12)
        guided = np.sqrt(worth) * can
        sum_ = guided.sum(axis=1, keepdims=True)
        weights = (even + np.where(sum_ > 0, guided / np.maximum(sum_, 1e-300), even)) / 2
        n = len(weights)
        return Chances(weights, ~arms.number, np.zeros((n, _SLOTS), dtype=np.int16), np.full(n, -1))

    def renew(self, siege: Siege, who: Ints) -> None:
        """Make the tables anew of victims whose best record became so cheap that some arm is too dear."""
        can = ~self.whole | (siege.arms.full[who] < siege.total[who, None])
        count = can.sum(axis=1)
        stale = count != self.count[who]
        if not stale.any():
            return
        victims = who[stale]
        self.count[victims] = count[stale]
        share = np.cumsum(self.weights[victims] * can[stale], axis=1)
        share /= np.maximum(share[:, -1:], 1e-300)
        places = (np.arange(_SLOTS) + 0.5) / _SLOTS
        for slot, place in enumerate(places):
            self.table[victims, slot] = np.minimum((share < place).sum(axis=1), share.shape[1] - 1)


def traded(siege: Siege, chances: Chances, who: Ints, trades: int) -> Proposals:
    """Return records in which some changes are dropped and most of what that saves is spent elsewhere."""
    m = siege.spent.shape[1]
    tries = trades + trades // 3 if siege.failed is None else trades * MADE
    u = siege.streams.uniform(who, tries * 8).reshape(-1, 8)
    victims = np.repeat(who, tries)
    rows = np.arange(len(victims))
    values, spent, total = siege.values[victims], siege.spent[victims], siege.total[victims]

    # drop one change, drawn by its price: whole or in part; sometimes another one, sometimes all
    until = np.repeat(np.cumsum(siege.spent[who], axis=1), tries, axis=0)
    first = np.minimum((until < (u[:, 0] * total)[:, None]).sum(axis=1), m - 1)
    also = (u[:, 1] * m).astype(np.int64)
    part = u[:, 1] * m - also
    mode = u[:, 2]
    keep = np.where((mode < 0.2) & siege.numbers[first], part * spent[rows, first], 0.0)
    values[rows, first], spent[rows, first] = _lessened(siege, victims, first, keep)
    two = np.flatnonzero((mode > 0.55) & (mode <= 0.8))
    values[two, also[two]], spent[two, also[two]] = siege.arms.start[victims[two], also[two]], 0.0
    everything = np.flatnonzero(mode > 0.8)
    values[everything], spent[everything] = siege.arms.start[victims[everything]], 0.0

    # and spend on one arm, or on two
    twice = u[:, 3] < 0.4
    left = total * (1 - GAIN) - spent.sum(axis=1)
    for turn, at in enumerate((rows, np.flatnonzero(twice))):
        slot = (u[at, 4 + turn] * _SLOTS).astype(np.int64)
        arm = chances.table[victims[at], slot].astype(np.int64)
        f = siege.arms.feature[arm]
        much = u[at, 6 + turn]
        share = np.where(much < 0.5, 0.97, (2 * much - 1) ** 2)
        if turn == 0:
            share = np.where(twice, share * 0.7, share)
        to, cost = siege.arms.spend(victims[at], arm, spent[at, f] + np.maximum(left[at], 0.0) * share)
        moved = to != siege.arms.start[victims[at], f]
        at, f, to, cost = at[moved], f[moved], to[moved], cost[moved]
        left[at] -= cost - spent[at, f]
        values[at, f], spent[at, f] = to, cost

    pick = siege.choose(who, values, left >= 0, trades)
    return Proposals(victims[pick], values[pick], spent[pick], new=True)
