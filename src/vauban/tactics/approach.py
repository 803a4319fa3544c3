"""The first record that reaches the goal: along a guess, by donors, by crossings of donors and of records alike."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Floats, Ints, Records
from vauban.tactics.additive_guess import AdditiveGuess
from vauban.tactics.arms import grafted
from vauban.tactics.bisection import Bisection
from vauban.tactics.likeness import nearest
from vauban.tactics.siege import Proposals, Siege

_HALVINGS = 14
_STOPS = 48
_WAYS = (4, 3, 3)
_ALIKE = 200
_BEST = 12
_WIDTH = 20


def approach(siege: Siege, picture: AdditiveGuess) -> Generator[Ask, Outcome, Floats]:
    """Bisect each victim's path of rising guessed progress for the first stop that reaches the goal.

    Returns:
        (n, a) the guessed progress per unit of money of each arm, at its best length.
    """
    values, spent, worth = _path(siege, picture)
    everyone = np.arange(len(siege.cohort))
    span = Bisection(np.full(len(everyone), -1.0), np.full(len(everyone), float(_STOPS)))
    for turn, ways in enumerate(_WAYS):
        points = np.clip(np.ceil(span.between(ways)), 0, _STOPS - 1)
        if turn == 0:
            points[:, -1] = _STOPS - 1
        stop = points.astype(np.int64)
        who = np.repeat(everyone, ways)
        yield from siege.ask(Proposals(who, values[stop.reshape(-1), who], spent[stop.reshape(-1), who]))
        reached = siege.held[:, None] & (spent[stop, everyone[:, None]].sum(axis=2) >= siege.total[:, None])
        span = span.narrowed(points, reached)
    return worth


def _path(siege: Siege, picture: AdditiveGuess) -> tuple[Floats, Floats, Floats]:
    """Return stops (s, n, m) of rising guessed progress, their prices (s, n, m), and each arm's worth (n, a).

    For a falling price of progress in money every feature takes the level that is worth most: a stop is the cheapest
    record of its guessed progress (Lagrange's relaxation of the multiple-choice knapsack; Everett 1963).
    """
    arms = siege.arms
    n, m = arms.start.shape
    levels = np.where(arms.number, _HALVINGS, 1)
    arm = np.repeat(np.arange(len(levels)), levels)
    halved = np.concatenate([np.arange(k) for k in levels])
    everyone = np.arange(n)
    value, cost, gain = (np.empty((n, len(arm))) for _ in range(3))
    for level, (a, times) in enumerate(zip(arm, halved, strict=True)):
        full, was = arms.full[:, a], arms.start[:, arms.feature[a]]
        can = np.isfinite(full)
        j = int(siege.schema.mutable[arms.feature[a]])
        value[:, level], cost[:, level] = arms.spend(everyone, np.full(n, a), np.where(can, full, 0.0) * 0.5**times)
        more = picture.part(j, value[:, level]) - picture.part(j, was)
        gain[:, level] = np.where(can & (value[:, level] != was), more, -np.inf)
    rate = np.where(gain > 0, gain / np.maximum(cost, 1e-9), 0.0)
    worth = np.stack([rate[:, arm == a].max(axis=1) for a in range(len(levels))], axis=1)
    top = np.maximum(rate.max(axis=1), 1e-9)
    least = np.where(rate > 0, rate, np.inf).min(axis=1)
    least = np.minimum(np.where(np.isfinite(least), least, top), top) * 0.5
    values, spent = np.empty((_STOPS, n, m)), np.zeros((_STOPS, n, m))
    of_feature = [np.flatnonzero(arms.feature[arm] == f) for f in range(m)]
    for stop, share in enumerate(np.linspace(0, 1, _STOPS)):
        price = top * (least / top) ** share
        for f, mine in enumerate(of_feature):
            net = gain[:, mine] - price[:, None] * cost[:, mine]
            pick = net.argmax(axis=1)
            take = net[everyone, pick] > 0
            values[stop, :, f] = np.where(take, value[everyone, mine[pick]], arms.start[:, f])
            spent[stop, :, f] = np.where(take, cost[everyone, mine[pick]], 0.0)
    return values, spent, worth


def borrow(siege: Siege, donors: Records) -> Generator[Ask, Outcome, None]:
    """For whom nothing reached the goal yet: be as a donor wherever possible, cheapest first, in growing batches."""
    who = siege.open()
    if not len(who) or not len(donors):
        return
    before = np.repeat(siege.cohort.records[who], len(donors), axis=0)
    after = grafted(siege.schema, before, np.tile(donors, (len(who), 1)))
    shape = (len(who), len(donors), -1)
    costs = siege.schema.costs(before, after).reshape(shape)
    values = after[:, siege.schema.mutable].reshape(shape)
    order = np.argsort(costs.sum(axis=2), axis=1, kind="stable")
    start, size = 0, 4
    while start < len(donors):
        left = ~siege.held[who]
        picked = order[left, start : start + size]
        row = np.repeat(np.flatnonzero(left), picked.shape[1])
        donor = picked.reshape(-1)
        yield from siege.ask(Proposals(who[row], values[row, donor], costs[row, donor]))
        start, size = start + size, size * 2


def cross(siege: Siege, donors: Records, known: Records) -> Generator[Ask, Outcome, None]:
    """For whom nothing reached the goal yet: cross values of known records that he resembles, and of the best donors.

    Args:
        siege: the search.
        donors: (k, d) records that reached the goal, the best first.
        known: (c, d) known records of the class that the goal is for. Where there are none, arms are gone at random.
    """
    who = siege.open()
    if not len(who):
        return
    m = len(siege.schema.mutable)
    place = np.zeros(len(siege.cohort), dtype=np.int64)
    place[who] = np.arange(len(who))
    pool = known if len(known) else donors
    alike = nearest(siege.schema, siege.cohort.records[who], pool, _ALIKE)
    anyone, best = pool[:, siege.schema.mutable], donors[:_BEST, siege.schema.mutable]
    for _ in range(siege.brief.budget.queries // _WIDTH):
        who = siege.open()
        if not len(who):
            return
        victims = np.repeat(who, _WIDTH)
        u = siege.streams.uniform(who, _WIDTH * (3 * m + 1)).reshape(-1, 3 * m + 1)
        pick, other, change, kind = u[:, :m], u[:, m : 2 * m], u[:, 2 * m : 3 * m], u[:, 3 * m :]
        drawn = _anywhere(siege, victims, pick, other)
        if len(pool):
            odd = _crossed(anyone, other)
            row = np.take_along_axis(alike[place[victims]], (pick * alike.shape[1]).astype(np.int64), axis=1)
            drawn = np.where(kind < 0.45, anyone[row, np.arange(m)], np.where(kind < 0.93, odd, drawn))
            if len(best):
                bred = np.where(change < 0.25, odd, _crossed(best, pick))
                bred = np.where(change > 0.8, siege.arms.start[victims], bred)
                drawn = np.where((kind >= 0.45) & (kind < 0.88), bred, drawn)
        before = siege.cohort.records[victims]
        after = before.copy()
        after[:, siege.schema.mutable] = drawn
        after = grafted(siege.schema, before, after)
        yield from siege.ask(Proposals(victims, after[:, siege.schema.mutable], siege.schema.costs(before, after)))


def _crossed(pool: Floats, uniform: Floats) -> Floats:
    """Return values (r, m), each drawn from its column of the pool (k, m)."""
    return np.asarray(pool[(uniform * len(pool)).astype(np.int64), np.arange(pool.shape[1])])


def _anywhere(siege: Siege, victims: Ints, pick: Floats, share: Floats) -> Floats:
    """Return values (r, m): each feature gone along one of its arms, two times in five all the way."""
    values = siege.arms.start[victims].copy()
    for f in range(values.shape[1]):
        mine = np.flatnonzero(siege.arms.feature == f)
        arm = mine[(pick[:, f] * len(mine)).astype(np.int64)]
        full = siege.arms.full[victims, arm]
        can = np.isfinite(full)
        full = np.where(can, full, 0.0)
        to, _ = siege.arms.spend(victims, arm, full * np.minimum(share[:, f] / 0.6, 1.0))
        values[:, f] = np.where(can, to, values[:, f])
    return values
