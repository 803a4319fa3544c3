"""The cheapest set of changes whose gains add up to what is needed: an exact multiple-choice covering knapsack.

Branch and bound over the features, a state for each undominated pair (what is still needed, what is spent), pruned by
the fractional optimum of the features not yet decided (Sinha and Zoltners, "The multiple-choice knapsack problem",
Operations Research 27, 1979). Grids of a million steps cost no more than coarse ones: of a fine line only the stretch
is looked at where the fractional bound leaves room. No solver tolerance enters: the bound is as exact as its sums.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vauban.records import Floats, Ints

ROUNDING = 1e-12
"""Relative slack of sums of floats: a need is met, a cost is equal, within it."""
COARSE = 64
"""Lines of up to so many steps are treated as lists of options."""
STATES = 50_000
"""Most states kept. Beyond, the least promising are dropped, and the bound says what that may have cost."""


@dataclass(frozen=True)
class Options:
    """Changes of which at most one can be made: gains (k,) and costs (k,), all 0 or more. Not to change is free."""

    gains: Floats
    costs: Floats


@dataclass(frozen=True)
class Line:
    """A change of any amount on a grid: 0, ``first``, ``first + step`` ... ``last``; any up to ``last`` if step is 0.

    ``rate`` is the gain and ``price`` the cost of a unit. ``last`` may be infinite.
    """

    rate: float
    price: float
    first: float
    step: float
    last: float

    def amounts(self, k: Ints) -> Floats:
        """Return the amount of the k-th step; 0 is none."""
        return np.where(k > 0, self.first + (k - 1) * self.step, 0.0)

    @property
    def steps(self) -> int:
        """How many steps there are, beside none."""
        return int(np.rint((self.last - self.first) / self.step)) + 1

    def cut(self, need: float) -> Line:
        """Return the line up to the first amount that covers a need alone: more is never of use."""
        enough = need / self.rate
        if self.step > 0:
            enough = self.first + max(0, math.ceil((enough - self.first) / self.step - ROUNDING)) * self.step
        return Line(self.rate, self.price, self.first, self.step, min(self.last, enough))


@dataclass(frozen=True)
class Cover:
    """A cheapest choice.

    Attributes:
        cost: of the choice; infinite where all changes together do not suffice.
        bound: no choice costs less. Equal to ``cost`` unless states had to be dropped.
        picks: for each part, the option taken (-1 is none) or the amount of a line.
    """

    cost: float
    bound: float
    picks: tuple[float, ...]


@dataclass(frozen=True)
class _Ladder:
    """The fractional optimum of some parts: segments by rising price of a unit of gain, summed up (Dantzig 1957)."""

    gains: Floats
    costs: Floats
    owner: Ints
    sums: Floats
    totals: Floats
    first: Floats
    step: Floats
    slack: float

    def fractional(self, need: Floats) -> Floats:
        """Return the least that covering needs (n,) costs if every change could be made in part; inf if none can."""
        return np.interp(need - self.slack, self.sums, self.totals, left=0.0, right=np.inf)

    def rounded_up(self, need: Floats) -> Floats:
        """Return what covering needs (n,) costs when the last change is made whole: an upper bound."""
        at = np.searchsorted(self.sums, need - self.slack, side="left")  # sums[0] is 0
        out = np.where(at == 0, 0.0, np.inf)
        mid = (at > 0) & (at < len(self.sums))
        seg = at[mid] - 1
        share = (need[mid] - self.sums[seg]) / self.gains[seg]
        first, step = self.first[seg], self.step[seg]
        with np.errstate(divide="ignore", invalid="ignore"):
            whole = np.where(step > 0, first + np.maximum(np.ceil((share - first) / step - ROUNDING), 0) * step, share)
        out[mid] = self.totals[seg] + self.costs[seg] * np.minimum(whole, 1.0)
        return out


def _hull(part: Options) -> tuple[Floats, Floats]:
    """Return the increments of gain and cost along the lower convex hull of the options, from (0, 0)."""
    order = np.lexsort((-part.gains, part.costs))
    corners: list[tuple[float, float]] = [(0.0, 0.0)]
    for gain, cost in zip(part.gains[order].tolist(), part.costs[order].tolist(), strict=True):
        if gain <= corners[-1][0]:
            continue
        while len(corners) > 1:
            (g0, c0), (g1, c1) = corners[-2:]
            if (c1 - c0) * (gain - g1) < (cost - c1) * (g1 - g0):
                break
            corners.pop()
        corners.append((gain, cost))
    both = np.diff(np.array(corners), axis=0).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _ladder(parts: Sequence[tuple[int, Options | Line]], slack: float) -> _Ladder:
    gains, costs, owner, first, step = [], [], [], [], []
    for i, part in parts:
        if isinstance(part, Line):
            whole = part.last
            g, c = np.array([part.rate * whole]), np.array([part.price * whole])
            f, s = np.array([part.first / whole]), np.array([part.step / whole])
        else:
            g, c = _hull(part)
            f, s = np.ones(len(g)), np.ones(len(g))
        gains.append(g)
        costs.append(c)
        owner.append(np.full(len(g), i))
        first.append(f)
        step.append(s)
    if not gains:
        none = np.empty(0)
        return _Ladder(none, none, none.astype(np.int64), np.zeros(1), np.zeros(1), none, none, slack)
    g, c = np.concatenate(gains), np.concatenate(costs)
    order = np.argsort(c / g, kind="stable")
    g, c = g[order], c[order]
    sums, totals = np.concatenate([[0.0], np.cumsum(g)]), np.concatenate([[0.0], np.cumsum(c)])
    return _Ladder(
        g,
        c,
        np.concatenate(owner)[order],
        sums,
        totals,
        np.concatenate(first)[order],
        np.concatenate(step)[order],
        slack,
    )


@dataclass
class _States:
    """Partial choices: what each still needs (n,), what it costs (n,), and what it picked (n, parts)."""

    need: Floats
    cost: Floats
    picks: Floats

    def keep(self, which: Ints) -> None:
        self.need, self.cost, self.picks = self.need[which], self.cost[which], self.picks[which]


def cheapest(parts: Sequence[Options | Line], need: float) -> Cover:
    """Return the cheapest choice, at most one change a part, whose gains add up to ``need``.

    Args:
        parts: what can be changed; changes that gain nothing are ignored.
        need: what the gains must add up to.

    Returns:
        The choice, exact to rounding; its cost is infinite where no choice suffices.
    """
    picks = np.array([-1.0 if isinstance(p, Options) else 0.0 for p in parts])
    if need <= 0:
        return Cover(0.0, 0.0, tuple(picks.tolist()))
    lists, fine, continua, spent = _sorted(parts, need, picks)
    left = need - spent
    order = [*lists, *fine]
    slack = need * ROUNDING
    ladders = [_ladder([*order[i:], *continua], slack) for i in range(len(order) + 1)]
    if left - slack > ladders[0].sums[-1]:
        return Cover(math.inf, math.inf, tuple(picks.tolist()))
    now = _States(np.array([left]), np.zeros(1), picks[None, :].copy())
    floor = math.inf
    best = float(ladders[0].rounded_up(now.need)[0])
    for (i, part), rest in zip(order, ladders[1:], strict=True):
        floor = min(floor, _branch(now, i, part, rest, best))
        best = min(best, float((now.cost + rest.rounded_up(now.need)).min()))
        floor = min(floor, _prune(now, rest, best))
    last = ladders[-1]
    finals = now.cost + last.fractional(now.need)
    at = int(np.argmin(finals))
    chosen, owed = now.picks[at].copy(), float(now.need[at])
    for gain, i in zip(last.gains, last.owner, strict=True):
        part = parts[i]
        if owed > 0 and isinstance(part, Line):
            chosen[i] = min(owed, gain) / part.rate
            owed -= gain
    cost = float(finals[at])
    return Cover(cost, min(cost, floor), tuple(chosen.tolist()))


def _sorted(
    parts: Sequence[Options | Line], need: float, picks: Floats
) -> tuple[list[tuple[int, Options | Line]], list[tuple[int, Line]], list[tuple[int, Line]], float]:
    """Return parts by kind (lists, fine lines by rising price of gain, continua), with what is free taken at once."""
    lists: list[tuple[int, Options | Line]] = []
    fine: list[tuple[int, Line]] = []
    continua: list[tuple[int, Line]] = []
    spent = 0.0
    for i, part in enumerate(parts):
        if isinstance(part, Options):
            if (part.gains > 0).any():
                lists.append((i, part))
            continue
        if part.rate <= 0 or part.last <= 0:
            continue
        line = part.cut(need)
        if line.price == 0:
            picks[i] = line.last
            spent += line.rate * line.last
        elif line.step == 0:
            continua.append((i, line))
        elif line.steps <= COARSE:
            lists.append((i, line))
        else:
            fine.append((i, line))
    fine.sort(key=lambda entry: entry[1].price / entry[1].rate)
    return lists, fine, continua, spent


def _branch(now: _States, i: int, part: Options | Line, rest: _Ladder, best: float) -> float:
    """Replace states by all that the part can make of them; return a bound of those left out."""
    n, floor = len(now.need), math.inf
    if isinstance(part, Options):
        useful = np.flatnonzero(part.gains > 0)
        picked = np.concatenate([[-1.0], useful])
        gains, costs = np.concatenate([[0.0], part.gains[useful]]), np.concatenate([[0.0], part.costs[useful]])
        parent, option = np.repeat(np.arange(n), len(picked)), np.tile(np.arange(len(picked)), n)
        gain, cost, pick = gains[option], costs[option], picked[option]
    else:
        low, high, floor = _stretch(now, part, rest, best)
        width = high - low + 1
        parent = np.repeat(np.arange(n), width)
        k = np.arange(len(parent)) - np.repeat(np.cumsum(width) - width, width) + low[parent]
        pick = part.amounts(k)
        gain, cost = part.rate * pick, part.price * pick
    picks = now.picks[parent]
    picks[:, i] = pick
    now.need, now.cost, now.picks = now.need[parent] - gain, now.cost[parent] + cost, picks
    return floor


def _stretch(now: _States, line: Line, rest: _Ladder, best: float) -> tuple[Ints, Ints, float]:
    """Return the first and last step (n,) of a line that may belong to a choice no dearer than ``best``.

    The fractional bound is convex in the amount, so these steps are a stretch around its lowest point.
    """
    top = np.full(len(now.need), line.steps)
    if line.steps <= COARSE:
        return np.zeros_like(top), top, math.inf

    def bound(k: Ints) -> Floats:
        amount = line.amounts(k)
        return now.cost + line.price * amount + rest.fractional(now.need - line.rate * amount)

    def first(where: Ints, until: Ints, holds: object) -> Ints:
        low, high = where.copy(), until.copy()
        while (low < high).any():
            mid = (low + high) // 2
            good = holds(mid)  # type: ignore[operator]
            high = np.where(good, mid, high)
            low = np.where(good, low, np.minimum(mid + 1, high))
        return low

    limit = best * (1 + ROUNDING)
    zero = np.zeros_like(top)
    # infinite needs more; beyond the lowest point the bound rises, and stays level where nothing is needed any more
    lowest = first(zero, top, lambda k: np.isfinite(bound(k)) & (bound(np.minimum(k + 1, top)) >= bound(k)))
    low = first(zero, lowest, lambda k: bound(k) <= limit)
    high = np.maximum(first(lowest, top, lambda k: (k >= top) | (bound(np.minimum(k + 1, top)) > limit)), low)
    room = max(STATES // len(top), 1)
    floor = math.inf
    cut_low, cut_high = np.maximum(low, lowest - room), np.minimum(high, lowest + room)
    if (cut_low > low).any():
        floor = min(floor, float(bound(cut_low - 1)[cut_low > low].min()))
    if (cut_high < high).any():
        floor = min(floor, float(bound(cut_high + 1)[cut_high < high].min()))
    return cut_low, cut_high, floor


def _prune(now: _States, rest: _Ladder, best: float) -> float:
    """Drop states that cannot beat ``best`` or are dominated; return a bound of those dropped for their number."""
    bound = now.cost + rest.fractional(now.need)
    alive = np.flatnonzero(bound <= best * (1 + ROUNDING))
    needs = np.where(now.need <= rest.slack, 0.0, now.need)
    order = alive[np.lexsort((needs[alive], now.cost[alive]))]
    needs = needs[order]
    before = np.concatenate([[np.inf], np.minimum.accumulate(needs)[:-1]])
    order = order[needs < before]
    floor = math.inf
    if len(order) > STATES:
        order = order[np.argsort(bound[order], kind="stable")]
        floor = float(bound[order[STATES]])
        order = order[:STATES]
    now.keep(order)
    return floor
