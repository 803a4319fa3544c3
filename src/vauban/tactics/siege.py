"""A label-only search for cheap records that reach the goal, for many victims in step.

Every victim holds the cheapest record found so far. Each round asks about cheaper ones: that record with one change taken
back (whole, then by bisection), and with dear changes traded for cheaper ones.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Brief, Cohort, Outcome
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import TableSchema
from vauban.tactics.additive_guess import AdditiveGuess
from vauban.tactics.arms import Arms, snapped
from vauban.tactics.asked import Asked
from vauban.tactics.bisection import Bisection
from vauban.tactics.likeness import nearest
from vauban.tactics.streams import Streams

_HALVINGS = 14
_PATH = 48
_TOLERANCE = 0.01
_GAIN = 0.002
_IDLE = 12
_ALIKE = 200
_BEST = 12

Asking = Generator[Ask, Outcome, Mask]


@dataclass
class Siege:
    """Where each of n victims stands; m mutable features, a arms.

    Attributes:
        values, spent, total: of the cheapest record that reached the goal: its mutable features (n, m), what each
            change costs (n, m), and their sum (n,); infinite, or the most he may spend, before there is one.
        floor: (n, m) money on a feature that is known not to do, the others being as they are; -1 where unknown.
        lesser: (n, m) money on a feature that was found to do, but is not used yet; NaN where there is none.
        likely: (n, a) how likely each arm is tried.
    """

    schema: TableSchema
    cohort: Cohort
    brief: Brief
    arms: Arms
    picture: AdditiveGuess
    streams: Streams
    asked: Asked
    live: Mask
    values: Floats
    spent: Floats
    total: Floats
    reached: Mask
    floor: Floats
    lesser: Floats
    likely: Floats

    @staticmethod
    def of(cohort: Cohort, brief: Brief, picture: AdditiveGuess) -> Siege:
        schema = brief.schema
        assert isinstance(schema, TableSchema)
        arms = Arms.of(schema, cohort.records, brief.known.records)
        n, m = arms.start.shape
        cap = np.inf if brief.budget.cost is None else np.nextafter(brief.budget.cost, np.inf)
        asked = Asked.nothing(n, m, brief.budget.queries)
        asked.add(np.arange(n), arms.start)
        return Siege(
            schema, cohort, brief, arms, picture, Streams.of(cohort), asked,
            np.ones(n, dtype=np.bool_), arms.start.copy(), np.zeros((n, m)), np.full(n, cap),
            np.zeros(n, dtype=np.bool_), np.full((n, m), -1.0), np.full((n, m), np.nan),
            np.zeros(arms.full.shape),
        )

    # --- asking -----------------------------------------------------------------------------------

    def ask(self, victims: Ints, values: Floats, spent: Floats, feature: Ints | None = None) -> Asking:
        """Ask about those records that are new and cheaper than what the victim has, and note what came of it.

        Args:
            victims: (r,) whose.
            values, spent: (r, m).
            feature: (r,) the feature on which only money was taken back, or -1.

        Returns:
            (r,) which were answered; nothing is asked if there is none to ask.
        """
        total = spent.sum(axis=1)
        wanted = (total < self.total[victims]) & self.live[victims]
        unseen = wanted if feature is None else wanted & (feature > -2)
        wanted[unseen] = self.asked.add(victims[unseen], values[unseen])
        at = np.flatnonzero(wanted)
        done = np.zeros(len(victims), dtype=np.bool_)
        if not len(at):
            return done
        owners = victims[at]
        records = self.cohort.records[owners]
        records[:, self.schema.mutable] = values[at]
        ids = self.cohort.ids[owners]
        outcome = yield Ask(records, ids)
        self.live[owners] = outcome.remaining[ids] > 0
        hit = self.brief.reached(outcome.decisions) & outcome.answered
        done[at] = outcome.answered
        if feature is not None:
            lost = outcome.answered & ~hit & (feature[at] >= 0)
            rows = at[lost]
            self.floor[victims[rows], feature[rows]] = spent[rows, feature[rows]]
            won = at[hit & (feature[at] >= 0)]
            self.lesser[victims[won], feature[won]] = spent[won, feature[won]]
        self._hold(at[hit], victims, values, spent, total, feature)
        return done

    def _hold(
        self, rows: Ints, victims: Ints, values: Floats, spent: Floats, total: Floats, feature: Ints | None
    ) -> None:
        """Take each victim's cheapest of the rows that reached the goal."""
        rows = rows[np.lexsort((total[rows], victims[rows]))]
        best = rows[np.concatenate([[True], np.diff(victims[rows]) > 0])] if len(rows) else rows
        who = victims[best]
        self.values[who], self.spent[who], self.total[who] = values[best], spent[best], total[best]
        self.reached[who] = True
        fresh = who if feature is None else who[feature[best] < 0]
        self.floor[fresh] = -1.0
        self.lesser[fresh] = np.nan

    # --- the first record that reaches the goal -----------------------------------------------------

    def approach(self) -> Generator[Ask, Outcome, None]:
        """Ask along the guess: for a rising price of money, the record whose guessed progress is worth it."""
        values, spent, best = self._path()
        self.likely = best
        n = len(self.cohort)
        rows = np.arange(n)
        span = Bisection(np.full(n, -1.0), np.full(n, float(_PATH)))
        for ways in (4, 3, 3):
            points = np.ceil(span.between(ways) - 1e-9)
            points = np.clip(points, 0, _PATH - 1)
            if ways == 4:
                points[:, -1] = _PATH - 1
            index = points.astype(np.int64)
            who = np.repeat(rows, ways)
            flat = index.reshape(-1)
            before = self.total.copy()
            yield from self.ask(who, values[flat, who], spent[flat, who])
            held = self.reached[:, None] & (spent[index, rows[:, None]].sum(axis=2) >= self.total[:, None] - 1e-12)
            span = span.narrowed(points, held)
            del before

    def _path(self) -> tuple[Floats, Floats, Floats]:
        """Return records (p, n, m) of rising guessed progress, what their changes cost, and how good each arm is."""
        n, m = self.arms.start.shape
        count = len(self.arms.feature)
        levels = np.where(self.arms.number, _HALVINGS, 1)
        arm = np.repeat(np.arange(count), levels)
        power = np.concatenate([np.arange(k) for k in levels]) if count else np.zeros(0)
        value, cost, gain = (np.empty((n, len(arm))) for _ in range(3))
        everyone = np.arange(n)
        for column, (a, halved) in enumerate(zip(arm, power, strict=True)):
            full = self.arms.full[:, a]
            money = np.where(np.isinf(full), 0.0, full) * 0.5**halved
            value[:, column], cost[:, column] = self.arms.spend(everyone, np.full(n, a), money)
            j = int(self.schema.mutable[self.arms.feature[a]])
            was = self.arms.start[:, self.arms.feature[a]]
            gain[:, column] = self.picture.part(j, value[:, column]) - self.picture.part(j, was)
            stays = np.isinf(full) | (value[:, column] == was)
            gain[stays, column], cost[stays, column] = -np.inf, 0.0
        worth = np.where(gain > 0, gain / np.maximum(cost, 1e-9), 0.0)
        best = np.zeros((n, count))
        for a in range(count):
            best[:, a] = worth[:, arm == a].max(axis=1)
        top = np.maximum(worth.max(axis=1), 1e-9)
        low = np.where(worth > 0, worth, np.inf).min(axis=1)
        low = np.where(np.isfinite(low), np.minimum(low, top), top) * 0.5
        values = np.empty((_PATH, n, m))
        spent = np.zeros((_PATH, n, m))
        for p, share in enumerate(np.linspace(0, 1, _PATH)):
            price = top * (low / top) ** share
            for f in range(m):
                mine = np.flatnonzero(self.arms.feature[arm] == f)
                net = gain[:, mine] - price[:, None] * cost[:, mine]
                pick = net.argmax(axis=1)
                take = net[everyone, pick] > 0
                values[p, :, f] = np.where(take, value[everyone, mine[pick]], self.arms.start[:, f])
                spent[p, :, f] = np.where(take, cost[everyone, mine[pick]], 0.0)
        return values, spent, self._chances(best)

    def _chances(self, worth: Floats) -> Floats:
        """Return how likely each arm is tried (n, a): half by its worth, half evenly over features."""
        can = np.isfinite(self.arms.full)
        worth = np.sqrt(worth) * can
        m = self.arms.start.shape[1]
        of = np.zeros((len(self.arms.feature), m))
        of[np.arange(len(of)), self.arms.feature] = 1.0
        count = can @ of
        even = can / np.maximum(count, 1)[:, self.arms.feature] if len(of) else can.astype(float)
        share = even / np.maximum(even.sum(axis=1, keepdims=True), 1e-12)
        guided = worth / np.maximum(worth.sum(axis=1, keepdims=True), 1e-12)
        return 0.5 * share + 0.5 * np.where(worth.sum(axis=1, keepdims=True) > 0, guided, share)

    def borrow(self, donors: Records) -> Generator[Ask, Outcome, None]:
        """For whom nothing reached the goal yet: be as a donor wherever possible, cheapest first, in growing batches."""
        who = np.flatnonzero(~self.reached & self.live)
        if not len(who) or not len(donors):
            return
        d = len(donors)
        before = np.repeat(self.cohort.records[who], d, axis=0)
        after = self.schema.repair(before, np.tile(donors, (len(who), 1)))
        costs = self.schema.costs(before, after).reshape(len(who), d, -1)
        after = after[:, self.schema.mutable].reshape(len(who), d, -1)
        order = np.argsort(costs.sum(axis=2), axis=1, kind="stable")
        start, size = 0, 4
        while start < d:
            picked = order[:, start : start + size]
            open_ = ~self.reached[who]
            at = np.repeat(np.flatnonzero(open_), picked.shape[1])
            which = picked[open_].reshape(-1)
            yield from self.ask(who[at], after[at, which], costs[at, which])
            start, size = start + size, size * 2

    def mix(self, donors: Records, known: Records, width: int = 20) -> Generator[Ask, Outcome, None]:
        """For whom nothing reached the goal yet: cross values of donors and of known records that he resembles."""
        m = self.arms.start.shape[1]
        who = np.flatnonzero(~self.reached & self.live)
        if not len(who) or not len(donors):
            return
        near = np.full(len(self.cohort), -1)
        near[who] = np.arange(len(who))
        known = known if len(known) else donors
        alike = nearest(self.schema, self.cohort.records[who], known, _ALIKE)
        best, like, any_ = (r[:, self.schema.mutable] for r in (donors[:_BEST], known, known))
        for _ in range(self.brief.budget.queries // width):
            who = np.flatnonzero(~self.reached & self.live)
            if not len(who):
                return
            u = self.streams.uniform(who, width * (3 * m + 1)).reshape(-1, 3 * m + 1)
            v = np.repeat(who, width)
            pick, change, kind = u[:, :m], u[:, m : 2 * m], u[:, 3 * m :]
            mine = alike[near[v]]
            column = np.arange(m)
            resembling = like[mine[np.arange(len(v))[:, None], _at(pick, mine.shape[1])], column]
            bred = best[_at(pick, len(best)), column]
            strange = any_[_at(u[:, 2 * m : 3 * m], len(any_)), column]
            bred = np.where(change < 0.25, strange, bred)
            bred = np.where(change > 0.8, self.arms.start[v], bred)
            before = self.cohort.records[v]
            after = before.copy()
            after[:, self.schema.mutable] = np.where(kind < 0.45, resembling, np.where(kind < 0.9, bred, strange))
            after = self.schema.repair(before, after)
            yield from self.ask(v, after[:, self.schema.mutable], self.schema.costs(before, after))

    # --- and cheaper ones ---------------------------------------------------------------------------

    def trade(self, trades: int) -> Generator[Ask, Outcome, None]:
        """Take changes back and trade them, until the questions are spent or there is nothing left to ask."""
        idle = np.zeros(len(self.cohort), dtype=np.int64)
        for _ in range(self.brief.budget.queries // 5 - self.brief.budget.queries // 100 + 5):
            who = np.flatnonzero(self.live & self.reached & (self.total > 0) & (idle < _IDLE))
            if not len(who):
                return
            less = self._lessened(who)
            busy = np.bincount(less[0], minlength=len(self.cohort)) > 0
            some = self._traded(who[~busy[who]], trades)
            few = self._traded(who[busy[who]], trades // 2)
            parts = [np.concatenate(p) for p in zip(less, some, few, strict=True)]
            done = yield from self.ask(*parts)
            asked = np.bincount(parts[0][done], minlength=len(self.cohort)) > 0
            idle = np.where(asked, 0, idle + 1)

    def _lessened(self, who: Ints) -> tuple[Ints, Floats, Floats, Ints]:
        """Return records with less of one change: none of it first, then half-way to what is known not to do."""
        m = self.spent.shape[1]
        spent, floor, x, b = self.spent[who], self.floor[who], self.arms.start[who], self.values[who]
        number = np.isin(self.schema.mutable, self.schema.numbers)
        half = np.where(floor < 0, 0.0, (floor + spent) / 2)
        left = np.where(number | (floor < 0), spent - np.maximum(floor, 0.0), 0.0)
        open_ = (spent > 0) & ((floor < 0) | (left > _TOLERANCE * self.total[who, None]))
        row, f = np.nonzero(open_)
        share = half[row, f] / spent[row, f]
        to = snapped(x[row, f], x[row, f] + (b[row, f] - x[row, f]) * share, self.schema.step[self.schema.mutable[f]])
        to = np.where(number[f], to, x[row, f])
        cost = spent[row, f] * np.where(b[row, f] != x[row, f], (to - x[row, f]) / (b[row, f] - x[row, f]), 0.0)
        known = (floor[row, f] >= 0) & (cost <= floor[row, f] + 1e-12)
        self.floor[who[row[known]], f[known]] = half[row[known], f[known]]
        row, f, to, cost = row[~known], f[~known], to[~known], cost[~known]
        values, costs = b[row], spent[row]
        values[np.arange(len(row)), f], costs[np.arange(len(row)), f] = to, cost
        # all that was found to do with less, at once
        lesser = self.lesser[who]
        use = ~np.isnan(lesser) & (lesser < spent)
        many = np.flatnonzero(use.sum(axis=1) > 0)
        share = np.where(use, lesser / np.where(spent > 0, spent, 1.0), 1.0)[many]
        joint = x[many] + (b[many] - x[many]) * share
        for k in range(m):
            joint[:, k] = np.where(share[:, k] == 1, b[many, k], np.where(share[:, k] == 0, x[many, k], snapped(x[many, k], joint[:, k], np.full(len(many), self.schema.step[self.schema.mutable[k]]))))
        gone = np.divide(joint - x[many], b[many] - x[many], out=np.ones_like(joint), where=b[many] != x[many])
        self.lesser[who] = np.nan
        return (
            np.concatenate([who[row], who[many]]),
            np.concatenate([values, joint]),
            np.concatenate([costs, spent[many] * gone]),
            np.concatenate([f, np.full(len(many), -1)]),
        )

    def _traded(self, who: Ints, trades: int) -> tuple[Ints, Floats, Floats, Ints]:
        """Return records in which some changes are dropped and most of what that saves is spent on others."""
        m = self.spent.shape[1]
        tries = 2 * trades
        v = np.repeat(who, tries)
        u = self.streams.uniform(who, tries * 10).reshape(-1, 10)
        values, spent, total = self.values[v], self.spent[v], self.total[v]
        rows = np.arange(len(v))
        # drop one change, picked by its price; sometimes others with it
        first = np.minimum((np.cumsum(spent, axis=1) < (u[:, 0] * total)[:, None]).sum(axis=1), m - 1)
        others = np.where(u[:, 1] < 0.55, 0.0, np.where(u[:, 1] < 0.8, 0.4, 1.0))
        drop = (u[:, 2, None] + 0.6180339887 * np.arange(m)) % 1.0 < others[:, None]
        drop[rows, first] = True
        start = self.arms.start[v]
        kept = np.where(u[:, 3] < 0.6, 0.0, u[:, 4])
        number = np.isin(self.schema.mutable, self.schema.numbers)
        some = (kept > 0) & number[first] & (others == 0)
        x, b = start[rows, first], values[rows, first]
        part = snapped(x, x + (b - x) * kept, self.schema.step[self.schema.mutable[first]])
        partial = spent[rows, first] * np.divide(part - x, b - x, out=np.zeros(len(v)), where=b != x)
        values, spent = np.where(drop, start, values), np.where(drop, 0.0, spent)
        values[rows[some], first[some]] = part[some]
        spent[rows[some], first[some]] = partial[some]
        # and spend
        again = u[:, 5] < 0.4
        for turn in range(2):
            draw, much = u[:, 6 + 2 * turn], u[:, 7 + 2 * turn]
            saved = total * (1 - _GAIN) - spent.sum(axis=1)
            can = self.arms.number | (self.arms.full[v] <= spent[:, self.arms.feature] + saved[:, None])
            chance = np.cumsum(self.likely[v] * can, axis=1)
            arm = np.minimum((chance < draw[:, None] * chance[:, -1:]).sum(axis=1), len(self.arms.feature) - 1)
            f = self.arms.feature[arm]
            share = np.where(much < 0.5, 0.97, (2 * much - 1) ** 2)
            if turn == 0:
                share = np.where(again, share * 0.7, share)
            money = spent[rows, f] + saved * share
            to, cost = self.arms.spend(v, arm, np.maximum(money, 0.0))
            moved = (to != start[rows, f]) & (saved > 0)
            if turn == 1:
                moved &= again
            values[rows[moved], f[moved]], spent[rows[moved], f[moved]] = to[moved], cost[moved]
        cheap = spent.sum(axis=1) < total * (1 - _GAIN / 2)
        cheap[cheap] = self.asked.add(v[cheap], values[cheap])
        cheap &= np.cumsum(cheap.reshape(-1, tries), axis=1).reshape(-1) <= trades
        return v[cheap], values[cheap], spent[cheap], np.full(int(cheap.sum()), -2)


def _at(uniform: Floats, size: int) -> Ints:
    return np.asarray(uniform * size, dtype=np.int64)
