"""Directions made of blocks of features, checked at the best radius so far: the search of RayS, in money."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Floats, Ints, Mask
from vauban.tactics.siege import Proposals, Siege, joined
from vauban.tactics.trade import GAIN, IDLE, MADE, Chances, eased, traded

_ANEW = 0.4
"""Share of directions for which all features are one block."""


@dataclass(frozen=True)
class Ways:
    """The arms of each feature, and how likely each is gone.

    Attributes:
        arm: (m, k) arms of each mutable feature; -1 behind the last.
        draw: (n, m, k) running sums of how likely each is, 1 at the end; 0 where none can be gone.
    """

    arm: Ints
    draw: Floats

    @staticmethod
    def of(siege: Siege, worth: Floats) -> Ways:
        """Return the ways of every victim: half by worth (n, a), half evenly over what can be gone."""
        arms = siege.arms
        m = arms.start.shape[1]
        count = np.bincount(arms.feature, minlength=m)
        arm = np.full((m, int(count.max(initial=1))), -1)
        place = np.arange(len(arms.feature)) - (np.cumsum(count) - count)[arms.feature]
        arm[arms.feature, place] = np.arange(len(arms.feature))
        can = np.isfinite(arms.full)[:, arm] & (arm >= 0)
        even = can / np.maximum(can.sum(axis=2, keepdims=True), 1)
        guided = worth[:, arm] * can
        total = guided.sum(axis=2, keepdims=True)
        weight = even + np.where(total > 0, guided / np.maximum(total, 1e-300), even)
        draw = np.cumsum(weight, axis=2)
        return Ways(arm, draw / np.maximum(draw[:, :, -1:], 1e-300))


def search_blocks(siege: Siege, worth: Floats, width: int, rounds: int) -> Generator[Ask, Outcome, None]:
    """Make the held records cheaper: other directions at the best radius so far, trades, and less of each change.

    Args:
        siege: the search; only victims for whom a record reached the goal are asked about.
        worth: (n, a) how good each arm is thought to be; any scale.
        width: questions a round for each victim, half of them trades; half as many while there is something to bisect.
        rounds: most rounds.
    """
    ways, chances = Ways.of(siege, worth), Chances.of(siege, worth)
    idle = np.zeros(len(siege.cohort), dtype=np.int64)
    half, quarter = width // 2, width // 4
    for _ in range(rounds):
        who = np.flatnonzero(siege.live & siege.held & (siege.total > 0) & (idle < IDLE))
        if not len(who):
            return
        chances.renew(siege, who)
        less = eased(siege, who)
        busy = np.isin(who, less.victims)
        proposals = joined(
            less,
            _directions(siege, ways, who[~busy], width - half),
            _directions(siege, ways, who[busy], quarter),
            traded(siege, chances, who[~busy], half),
            traded(siege, chances, who[busy], quarter),
        )
        answered = yield from siege.ask(proposals)
        idle += 1
        idle[proposals.victims[answered]] = 0


def _directions(siege: Siege, ways: Ways, who: Ints, count: int) -> Proposals:
    """Return records in which a block of features goes other ways, for a little less than the best in all.

    Features outside the block stay as they are held. Of those inside, some are left at the victim's own values;
    categories are paid for first, and numbers share what is left, evenly or at random.
    """
    m, tries = siege.spent.shape[1], count * MADE
    u = siege.streams.uniform(who, tries * (5 + 3 * m)).reshape(-1, 5 + 3 * m)
    takes, which, much = u[:, 5 : 5 + m], u[:, 5 + m : 5 + 2 * m], u[:, 5 + 2 * m :]
    victims = np.repeat(who, tries)
    block = _block(u[:, 0], u[:, 1], m) | (u[:, 2] < _ANEW)[:, None]
    values = np.where(block, siege.arms.start[victims], siege.values[victims])
    spent = np.where(block, 0.0, siege.spent[victims])
    most = siege.total[victims] * (1 - GAIN)
    left = most - spent.sum(axis=1)

    row, f = np.nonzero(block & (takes < float(m) ** -u[:, 3, None]))
    way = (ways.draw[victims[row], f] < which[row, f, None]).sum(axis=1)
    arm = ways.arm[f, np.minimum(way, ways.arm.shape[1] - 1)]
    whole, full = ~siege.arms.number[arm], siege.arms.full[victims[row], arm]
    fare = np.where(whole & (full <= left[row]), full, 0.0)
    running = np.cumsum(fare)
    first = np.searchsorted(row, row)
    running -= running[first] - fare[first]
    can = (arm >= 0) & np.where(whole, (fare > 0) & (running <= left[row]), np.isfinite(full))
    row, f, arm, whole, fare = row[can], f[can], arm[can], whole[can], fare[can]
    left -= np.bincount(row, fare, minlength=len(victims))
    part = np.where(whole, 0.0, np.where(u[row, 4] < 0.5, 1.0, 0.1 + much[row, f]))
    parts = np.bincount(row, part, minlength=len(victims))
    money = np.where(whole, np.inf, part / np.maximum(parts, 1e-12)[row] * np.maximum(left, 0.0)[row])
    values[row, f], spent[row, f] = siege.arms.spend(victims[row], arm, money)

    total = spent.sum(axis=1)
    pick = siege.choose(who, values, (total > 0) & (total <= most), count)
    return Proposals(victims[pick], values[pick], spent[pick], new=True)


def _block(level: Floats, place: Floats, m: int) -> Mask:
    """Return blocks (r, m): one of 1, 2, 4, ... about equal parts of the features."""
    parts = 2 ** (level * (np.ceil(np.log2(max(m, 2))) + 1)).astype(np.int64)
    return np.asarray((np.arange(m) * parts[:, None]) // m == (place * parts).astype(np.int64)[:, None])
