"""Directions made of blocks of features, checked at the best radius so far: the search of RayS, in money."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Floats, Ints, Mask
from vauban.tactics.additive_guess import AdditiveGuess
from vauban.tactics.siege import Proposals, Siege, joined
from vauban.tactics.trade import GAIN, IDLE, eased
from vauban.tactics.turns import Turns

_MADE = 4
"""Directions made for one that is asked about: those that promise most are."""
_PUTS = 3
"""Features on which what was dropped is spent, at most."""


@dataclass(frozen=True)
class Places:
    """Where victims' features can be put: the ends of arms, that can be gone in part, and turns, that cannot.

    Attributes:
        slot: (p,) position among the mutable features.
        part: (p,) whether anything between the victim's value and this one will do.
        arm: (p,) the arm; -1 for turns.
        value, cost: (n, p); the cost is infinite where a victim cannot go.
        draw: (n, p) running sums of how likely each is drawn, 1 at the end; all 0 where nothing can be done.
    """

    slot: Ints
    part: Mask
    arm: Ints
    value: Floats
    cost: Floats
    draw: Floats

    @staticmethod
    def of(siege: Siege, worth: Floats, turns: Turns) -> Places:
        """Return the places; half of the draws go to turns, the others to arms by worth and evenly."""
        arms, schema = siege.arms, siege.schema
        n, t = len(siege.cohort), len(turns)
        before = np.repeat(siege.cohort.records, t, axis=0)
        after = before.copy()
        column = np.tile(schema.mutable[turns.slot], n)
        after[np.arange(n * t), column] = np.tile(turns.value, n)
        after = schema.repair(before, after) if t else after
        values = after[np.arange(n * t), column].reshape(n, t)
        costs = schema.costs(before, after)[np.arange(n * t), np.tile(turns.slot, n)].reshape(n, t)
        costs = np.where((values == turns.value) & (costs > 0), costs, np.inf)
        can, go = np.isfinite(arms.full), np.isfinite(costs)
        even = _even(can, arms.feature)
        guided = np.sqrt(worth) * can
        total = guided.sum(axis=1, keepdims=True)
        of_arms = even + np.where(total > 0, guided / np.maximum(total, 1e-300), even)
        weight = np.concatenate([of_arms, 2 * _even(go, turns.slot)], axis=1)
        draw = np.cumsum(weight, axis=1)
        draw /= np.maximum(draw[:, -1:], 1e-300)
        return Places(
            np.concatenate([arms.feature, turns.slot]),
            np.concatenate([arms.number, np.zeros(t, dtype=np.bool_)]),
            np.concatenate([np.arange(len(arms.feature)), np.full(t, -1)]),
            np.concatenate([arms.end, values], axis=1),
            np.concatenate([arms.full, costs], axis=1),
            draw,
        )


def _even(can: Mask, slot: Ints) -> Floats:
    """Return weights (n, p) that are even over features, then over what each can be; they add up to 1, or to 0."""
    of_feature = (slot[:, None] == np.arange(int(slot.max(initial=-1)) + 1)).astype(np.float64)
    weight = can / np.maximum(can @ of_feature, 1.0)[:, slot] if len(slot) else can.astype(np.float64)
    return np.asarray(weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12))


def search_blocks(
    siege: Siege, worth: Floats, picture: AdditiveGuess, turns: Turns, width: int, rounds: int
) -> Generator[Ask, Outcome, None]:
    """Make the held records cheaper: drop blocks of changes, spend what that saves in another block, ease what passed.

    Args:
        siege: the search; only victims for whom a record reached the goal are asked about.
        worth: (n, a) how good each arm is thought to be; any scale.
        picture: what ranks directions that were not asked about.
        turns: values at which decisions were seen to turn.
        width: questions a round for each victim; half, while there is something to bisect.
        rounds: most rounds.
    """
    places = Places.of(siege, worth, turns)
    idle = np.zeros(len(siege.cohort), dtype=np.int64)
    for _ in range(rounds):
        who = np.flatnonzero(siege.live & siege.held & (siege.total > 0) & (idle < IDLE))
        if not len(who):
            return
        less = eased(siege, who)
        busy = np.zeros(len(siege.cohort), dtype=np.bool_)
        busy[less.victims] = True
        proposals = joined(
            less,
            _directions(siege, places, picture, who[~busy[who]], width),
            _directions(siege, places, picture, who[busy[who]], width // 2),
        )
        answered = yield from siege.ask(proposals)
        idle += 1
        idle[proposals.victims[answered]] = 0


def _directions(siege: Siege, places: Places, picture: AdditiveGuess, who: Ints, width: int) -> Proposals:
    m, tries = siege.spent.shape[1], width * _MADE
    u = siege.streams.uniform(who, tries * (4 + 2 * _PUTS)).reshape(-1, 4 + 2 * _PUTS)
    victims = np.repeat(who, tries)
    values, spent, total = siege.values[victims], siege.spent[victims], siege.total[victims]
    dropped = _block(u[:, 0], u[:, 1], m)
    dropped = np.where((u[:, 2] < 0.3)[:, None], True, dropped)
    values = np.where(dropped, siege.arms.start[victims], values)
    spent = np.where(dropped, 0.0, spent)
    left = total * (1 - GAIN) - spent.sum(axis=1)
    puts = 1 + (u[:, 3] * _PUTS).astype(np.int64)
    for turn in range(_PUTS):
        at = np.flatnonzero((puts > turn) & (left > 0))
        place = (places.draw[victims[at]] < u[at, 4 + turn, None]).sum(axis=1)
        place = np.minimum(place, len(places.slot) - 1)
        f, much = places.slot[place], u[at, 4 + _PUTS + turn]
        fare = places.cost[victims[at], place]
        share = np.where(puts[at] == turn + 1, np.where(much < 0.6, 1.0, much), much)
        money = spent[at, f] + left[at] * share
        part = places.part[place] & (places.arm[place] >= 0)
        to, cost = places.value[victims[at], place], fare
        gone = np.flatnonzero(part & np.isfinite(fare))
        to, cost = to.copy(), cost.copy()
        to[gone], cost[gone] = siege.arms.spend(victims[at[gone]], places.arm[place[gone]], money[gone])
        can = (cost <= spent[at, f] + left[at]) & (cost > 0)
        at, f, to, cost = at[can], f[can], to[can], cost[can]
        left[at] -= cost - spent[at, f]
        values[at, f], spent[at, f] = to, cost
    wanted = (left >= 0) & (spent.sum(axis=1) > 0)
    order = _by_promise(siege, picture, victims, values, spent, wanted, tries)
    pick = siege.asked.add_some(who, values[order], wanted[order], width)
    pick = order[pick]
    return Proposals(victims[pick], values[pick], spent[pick], new=True)


def _block(level: Floats, place: Floats, m: int) -> Mask:
    """Return blocks (r, m): one of 1, 2, 4, ... equal parts of the features."""
    levels = int(np.ceil(np.log2(max(m, 2)))) + 1
    parts = 2 ** (level * levels).astype(np.int64)
    mine = (place * parts).astype(np.int64)
    return np.asarray((np.arange(m) * parts[:, None]) // m == mine[:, None])


def _by_promise(
    siege: Siege, picture: AdditiveGuess, victims: Ints, values: Floats, spent: Floats, wanted: Mask, tries: int
) -> Ints:
    """Return the rows, each victim's by what he may hope to save: every other one as drawn."""
    gain = np.zeros(len(victims))
    for f, j in enumerate(siege.schema.mutable.tolist()):
        gain += picture.part(j, values[:, f]) - picture.part(j, siege.values[victims, f])
    saved = 1 - spent.sum(axis=1) / siege.total[victims]
    hope = np.where(wanted, saved / (1 + np.exp(-np.clip(gain, -30, 30))), -np.inf)
    hope = hope.reshape(-1, tries)
    hope[:, ::4] = np.where(np.isfinite(hope[:, ::4]), np.inf, -np.inf)
    order = np.argsort(-hope, axis=1, kind="stable")
    return np.asarray((order + np.arange(len(order))[:, None] * tries).reshape(-1))
