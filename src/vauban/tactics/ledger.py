"""What a search knows of each victim: his best record so far, its price, and what was answered before."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import Ask, Brief, Cohort, Outcome
from vauban.records import Floats, Ints, Mask, Records, changed_fingerprints, fingerprints
from vauban.schema import TableSchema
from vauban.tactics.memory import Memory
from vauban.threat import Grant

SAME = 1e-9
"""Relative difference below which a cost is no saving."""


@dataclass
class Ledger:
    """The books of a search on a table, one line a victim.

    Attributes:
        schema, brief, cohort: as the search was given them.
        want: what is asked; without SCORE, progress is 1 where the goal was reached and -1 elsewhere.
        below, above: (n,) most progress that did not reach the goal, and least that did.
        best, cost, progress: (n, d) the cheapest record that reached the goal, (n,) what it costs and how far it goes;
            the victim's own record, the most that may be spent, and NaN until one does.
        left: (n,) questions left.
        memory: what was answered before.
    """

    schema: TableSchema
    brief: Brief
    cohort: Cohort
    want: frozenset[Grant]
    below: Floats
    above: Floats
    best: Records
    cost: Floats
    progress: Floats
    left: Ints
    memory: Memory

    @staticmethod
    def open(
        schema: TableSchema, brief: Brief, cohort: Cohort, want: frozenset[Grant], below: float, above: float
    ) -> Ledger:
        """Return empty books; ``below`` and ``above`` are what scouting learnt."""
        n = len(cohort)
        most = np.inf if brief.budget.cost is None else float(np.nextafter(brief.budget.cost, np.inf)) * (1 + SAME)
        return Ledger(
            schema,
            brief,
            cohort,
            want,
            np.full(n, below),
            np.full(n, above),
            cohort.records.copy(),
            np.full(n, most),
            np.full(n, np.nan),
            np.full(n, brief.budget.queries),
            Memory(n, _room(brief.budget.queries)),
        )

    @property
    def flipped(self) -> Mask:
        """Victims for whom some record reached the goal (n,)."""
        return ~np.isnan(self.progress)

    def ask(
        self, rows: Ints, records: Records, costs: Floats, *, distinct: bool = True
    ) -> Generator[Ask, Outcome, Floats]:
        """Ask for those records that were not asked before and that are cheaper than the victim's best.

        Where the schema relates features, what is asked and remembered is what repair makes of the records.

        Args:
            rows: (k,) the line of the victim for whose sake each is asked.
            records: (k, d).
            costs: (k,) what they cost.
            distinct: whether no victim has the same record twice among them.

        Returns:
            Progress (k,), remembered if it was asked before; NaN where there is no answer.
        """
        if self.schema.relations:  # whatever was meant, what is asked obeys them
            original = self.cohort.records[rows]
            records, distinct = self.schema.repair(original, records), False
            costs = self.schema.cost(original, records)
        keys = fingerprints(records[:, self.schema.mutable])
        return (yield from self._ask(rows, keys, costs, partial(_picked, records), distinct=distinct))

    def ask_changes(
        self, rows: Ints, anchors: Records, which: Ints, slot: Ints, values: Floats, costs: Floats
    ) -> Generator[Ask, Outcome, Floats]:
        """Ask as `ask` does for records that are others with a single change; only those that are asked are made.

        Args:
            rows: (k,) the line of the victim for whose sake each is asked.
            anchors: (a, d) what is changed.
            which: (k,) the anchor of each.
            slot: (k,) where in ``schema.mutable`` it is changed.
            values: (k,) to what; no victim has one twice.
            costs: (k,) what the changed records cost.
        """
        mutable = self.schema.mutable

        def made(at: Ints) -> Records:
            records = anchors[which[at]]
            records[np.arange(len(at)), mutable[slot[at]]] = values[at]
            return records

        if self.schema.relations:
            return (yield from self.ask(rows, made(np.arange(len(rows))), costs))
        keys = changed_fingerprints(anchors[:, mutable], which, slot, values)
        return (yield from self._ask(rows, keys, costs, made, distinct=True))

    def _ask(
        self,
        rows: Ints,
        keys: NDArray[np.uint64],
        costs: Floats,
        made: Callable[[Ints], Records],
        *,
        distinct: bool,
    ) -> Generator[Ask, Outcome, Floats]:
        keys = keys | np.uint64(1)
        old, progress, place = self.memory.recall(rows, keys)
        at = np.flatnonzero(~old & (costs < self.cost[rows] * (1 - SAME)) & (self.left[rows] > 0))
        if not distinct:
            at = at[_first_of_its_kind(rows[at], keys[at])]
        if not len(at):
            return progress
        records = made(at)
        outcome = yield Ask(records, self.cohort.ids[rows[at]], self.want, fresh=True)
        self.left = outcome.remaining[self.cohort.ids]
        decisions, scores = outcome.decisions, outcome.scores
        if not outcome.answered.all():
            at, records, decisions = at[outcome.answered], records[outcome.answered], decisions[outcome.answered]
            scores = None if scores is None else scores[outcome.answered]
        reached = self.brief.reached(decisions)
        got = np.where(reached, 1.0, -1.0) if scores is None else self.brief.progress(scores)
        who = rows[at]
        progress[at] = got
        self.memory.keep(who, keys[at], got, place[at])
        np.minimum.at(self.above, who[reached], got[reached])
        np.maximum.at(self.below, who[~reached], got[~reached])
        price = costs[at]
        hit = np.flatnonzero(reached)
        hit = hit[np.lexsort((price[hit], who[hit]))]
        hit = hit[np.diff(who[hit], prepend=-1) != 0]  # the cheapest of each victim
        hit = hit[price[hit] < self.cost[who[hit]]]
        mine = who[hit]
        self.best[mine], self.cost[mine], self.progress[mine] = records[hit], price[hit], got[hit]
        return progress


def _picked(records: Records, at: Ints) -> Records:
    return records if len(at) == len(records) else records[at]


def _room(queries: int) -> int:
    """Return places a victim, a power of two of at most 1,024, in which so many answers are remembered at once."""
    return int(min(1 << (2 * queries).bit_length(), 1024))


def _first_of_its_kind(rows: Ints, keys: NDArray[np.uint64]) -> Ints:
    """Return the places (sorted) where a pair of victim and key occurs for the first time."""
    pairs = keys ^ (rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    order = np.argsort(pairs, kind="stable")
    return np.sort(order[np.concatenate([[True], np.diff(pairs[order]) != 0])]) if len(order) else order
