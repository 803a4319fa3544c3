"""Where each victim of a label-only search stands, and the one way to ask: cheaper than the best, and never twice."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Brief, Cohort, Outcome
from vauban.records import Floats, Ints, Mask
from vauban.schema import TableSchema
from vauban.tactics.arms import Arms, table_of
from vauban.tactics.asked import Asked
from vauban.tactics.streams import Streams


@dataclass(frozen=True)
class Proposals:
    """Records to ask about, r of them.

    Attributes:
        victims: (r,) whose, rising or in groups.
        values: (r, m) of the mutable features.
        spent: (r, m) what each change costs.
        eased: (r,) the one feature on which less is spent than in the victim's best record, all else being equal; -1
            where there is no such feature.
        new: whether it is known already that none of them was asked before.
    """

    victims: Ints
    values: Floats
    spent: Floats
    eased: Ints | None = None
    new: bool = False

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.victims)


@dataclass
class Siege:
    """The state of a search for n victims over m mutable features; arrays are changed in place as answers come.

    Attributes:
        numbers: (m,) which mutable features can be changed in part; ``step`` (m,) is their grid.
        failed: which features were changed, and which way, in records that did not reach the goal; None: nobody
            remembers, since making and telling apart many records takes longer than a fast model does to answer.
        live: (n,) who has questions left.
        held: (n,) for whom a record reached the goal.
        values, spent, total: of the cheapest such record: values (n, m), what each change costs (n, m), and the sum
            (n,). Before there is one: the victim's own, 0, and the most that he may spend.
        floor: (n, m) money on a feature that is known not to do, the others being as they are; -1 where unknown.
        lesser: (n, m) money on a feature that did as well, but is not in the best record yet; NaN where there is none.
    """

    schema: TableSchema
    cohort: Cohort
    brief: Brief
    arms: Arms
    streams: Streams
    asked: Asked
    failed: Asked | None
    numbers: Mask
    step: Floats
    live: Mask
    held: Mask
    values: Floats
    spent: Floats
    total: Floats
    floor: Floats
    lesser: Floats

    @staticmethod
    def of(cohort: Cohort, brief: Brief, *, ways: bool = False) -> Siege:
        """Return the state in which nothing was asked yet; ContractViolation if the schema is none of a table.

        ``ways``: whether it is remembered which ways have failed.
        """
        schema = table_of(brief)
        arms = Arms.of(schema, cohort.records, brief.known.records)
        n, m = arms.start.shape
        asked = Asked.nothing(n, m, brief.budget.queries)
        asked.add(np.arange(n), arms.start)
        cap = np.inf if brief.budget.cost is None else np.nextafter(brief.budget.cost, np.inf)
        return Siege(
            schema=schema,
            cohort=cohort,
            brief=brief,
            arms=arms,
            streams=Streams.of(cohort),
            asked=asked,
            failed=Asked.nothing(n, m, brief.budget.queries) if ways else None,
            numbers=np.isin(schema.mutable, schema.numbers),
            step=schema.step[schema.mutable],
            live=np.ones(n, dtype=np.bool_),
            held=np.zeros(n, dtype=np.bool_),
            values=arms.start.copy(),
            spent=np.zeros((n, m)),
            total=np.full(n, cap),
            floor=np.full((n, m), -1.0),
            lesser=np.full((n, m), np.nan),
        )

    def open(self) -> Ints:
        """Return the victims that can be asked about and have nothing that reaches the goal."""
        return np.flatnonzero(self.live & ~self.held)

    def ask(self, proposals: Proposals) -> Generator[Ask, Outcome, Mask]:
        """Ask about those that are new and cheaper than what their victim has, and take note of the answers.

        Returns:
            (r,) which were answered. Nothing is asked if there is none to ask.
        """
        unsure = np.full(len(proposals), not proposals.new)
        if self.schema.relations:
            proposals, other = self._obeying(proposals)
            unsure |= other
        total = proposals.spent.sum(axis=1)
        # Sums in another order differ in their last bits: what costs the same is no saving.
        wanted = (total < self.total[proposals.victims] * (1 - 1e-12)) & self.live[proposals.victims]
        unsure &= wanted
        if unsure.any():
            wanted[unsure] = self.asked.add(proposals.victims[unsure], proposals.values[unsure])
        done = np.zeros(len(proposals), dtype=np.bool_)
        at = np.flatnonzero(wanted)
        if not len(at):
            return done
        owners = proposals.victims[at]
        records = self.cohort.records[owners]
        records[:, self.schema.mutable] = proposals.values[at]
        if self.schema.relations:
            records = self.schema.rules.derive(self.cohort.records[owners], records)
        ids = self.cohort.ids[owners]
        outcome = yield Ask(records, ids)
        self.live[owners] = outcome.remaining[ids] > 0
        hit = self.brief.reached(outcome.decisions) & outcome.answered
        done[at] = outcome.answered
        no = at[outcome.answered & ~hit]
        if self.failed is not None:
            self.failed.add(proposals.victims[no], self._ways(proposals.victims[no], proposals.values[no]))
        self._note_eased(proposals, no, at[hit])
        self._take_best(proposals, total, at[hit])
        return done

    def choose(self, who: Ints, values: Floats, wanted: Mask, most: int) -> Ints:
        """Return the rows to ask about: each victim's first ``most`` that are wanted and new.

        Where ways are remembered, new ones come before others. A way is which features are changed, and of each whether
        it rises or falls, or which value is taken. Amounts that failed say little of other ways, and much of other
        amounts.

        Args:
            who: (n,) victims, each once.
            values: (n * k, m), k records for each victim in turn.
            wanted: (n * k,) which of them to consider.
            most: records a victim.
        """
        if self.failed is None:
            return self.asked.add_some(who, values, wanted, most)
        victims = np.repeat(who, len(values) // max(len(who), 1))
        order = self.failed.new_first(who, self._ways(victims, values), wanted)
        return np.asarray(order[self.asked.add_some(who, values[order], wanted[order], most)])

    def _ways(self, victims: Ints, values: Floats) -> Floats:
        start = self.arms.start[victims]
        return np.where(self.numbers, np.sign(values - start), np.where(values == start, -1.0, values))

    def _obeying(self, proposals: Proposals) -> tuple[Proposals, Mask]:
        """Return what the schema's relations make of the proposals, and where that is another record (r,)."""
        before = self.cohort.records[proposals.victims]
        after = before.copy()
        after[:, self.schema.mutable] = proposals.values
        after = self.schema.repair(before, after)
        values = after[:, self.schema.mutable]
        other = ~((values == proposals.values) | np.isnan(values)).all(axis=1)
        spent = np.where(other[:, None], self.schema.costs(before, after), proposals.spent)
        eased = None if proposals.eased is None else np.where(other, -1, proposals.eased)
        return Proposals(proposals.victims, values, spent, eased), other

    def _note_eased(self, proposals: Proposals, failed: Ints, did: Ints) -> None:
        if proposals.eased is None:
            return
        for rows, into in ((failed, self.floor), (did, self.lesser)):
            rows = rows[proposals.eased[rows] >= 0]
            feature = proposals.eased[rows]
            into[proposals.victims[rows], feature] = proposals.spent[rows, feature]

    def _take_best(self, proposals: Proposals, total: Floats, rows: Ints) -> None:
        rows = rows[np.lexsort((total[rows], proposals.victims[rows]))]
        victims = proposals.victims[rows]
        first = np.ones(len(rows), dtype=np.bool_)
        first[1:] = victims[1:] != victims[:-1]
        best, who = rows[first], victims[first]
        self.values[who], self.spent[who] = proposals.values[best], proposals.spent[best]
        self.total[who] = total[best]
        self.held[who] = True
        # what was known not to do still does not where only one change was eased
        moved = who if proposals.eased is None else who[proposals.eased[best] < 0]
        self.floor[moved] = -1.0
        self.lesser[moved] = np.nan


def joined(*parts: Proposals) -> Proposals:
    """Return several proposals as one, new only if all of them are."""
    return Proposals(
        np.concatenate([p.victims for p in parts]),
        np.concatenate([p.values for p in parts]),
        np.concatenate([p.spent for p in parts]),
        np.concatenate([np.full(len(p), -1) if p.eased is None else p.eased for p in parts]),
        all(p.new for p in parts),
    )
