"""What an explorer has been told: questions and answers, seen from one side of one line."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import LABEL, SCORE, Ask, Brief, Decisions, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Floats, Mask, Records, fingerprints
from vauban.schema import TableSchema
from vauban.threat import Decision, Grant

Keys: TypeAlias = NDArray[np.uint64]


def blocked(decisions: Decisions, brief: Brief) -> Mask:
    """Return on which side of the line that matters to him decisions lie (n,): true on the harmful one.

    A referral is no pass to whoever wants to pass, and no block to whoever wants blocks.
    """
    reached = brief.reached(decisions)
    return ~reached if brief.cell.goal is Decision.PASS else reached


@dataclass(frozen=True)
class Answered:
    """All that has been answered, in the order of asking.

    Attributes:
        records: (n, ...) asked about.
        blocked: (n,) which are on the harmful side.
        margins: (n,) score (log-odds of a probability) less the deployed threshold as far as the answers tell it, or
            None where only labels are granted.
        natural: (n,) records as they occur, not made to find something out.
        family: (n,) key of the record that each was made of (its own, where it is as it occurs): what cross-validation
            must not tear apart.
    """

    records: Records
    blocked: Mask
    margins: Floats | None
    natural: Mask
    family: Keys

    def __len__(self) -> int:
        """Return the number of answers."""
        return len(self.blocked)

    def pick(self, which: Mask) -> Answered:
        """Return some of the answers."""
        margins = None if self.margins is None else self.margins[which]
        return Answered(self.records[which], self.blocked[which], margins, self.natural[which], self.family[which])

    @property
    def torn(self) -> bool:
        """Whether records of both sides are among them."""
        return bool(self.blocked.any() and not self.blocked.all())


@dataclass
class Notebook:
    """Asks, and writes down what is answered. The one thing that changes while an explorer works."""

    brief: Brief
    _asked: list[Records] = field(default_factory=list)
    _blocked: list[Mask] = field(default_factory=list)
    _harm: list[Floats] = field(default_factory=list)
    _natural: list[Mask] = field(default_factory=list)
    _family: list[Keys] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    @property
    def scored(self) -> bool:
        """Whether scores are granted."""
        return Grant.SCORE in self.brief.grants

    def __len__(self) -> int:
        """Return the number of answers."""
        return sum(map(len, self._blocked))

    def new(self, records: Records) -> Mask:
        """Return which records (n,) have not been asked about; of equal ones the first."""
        keys = fingerprints(self._derived(records))
        first = np.zeros(len(keys), dtype=np.bool_)
        first[np.unique(keys, return_index=True)[1]] = True
        return first & np.array([k not in self._seen for k in keys.tolist()], dtype=np.bool_)

    def ask(
        self, records: Records, *, natural: bool = False, made_of: Records | None = None
    ) -> Generator[Ask, Outcome, tuple[Mask, Floats]]:
        """Ask about records.

        Args:
            records: (n, ...) to ask about.
            natural: see `Answered`.
            made_of: (n, ...) the records that they were made of; themselves by default.

        Returns:
            (n,) which are on the harmful side, and (n,) scores as log-odds or margins, higher is more harmful; zeros
            where only labels are granted.

        Raises:
            BudgetSpent: not all could be answered. What was, is written down.
        """
        if not len(records):
            return np.empty(0, dtype=np.bool_), np.empty(0)
        records = self._derived(records)
        outcome = yield Ask(records, None, SCORE if self.scored else LABEL)
        told = outcome.answered
        side = blocked(outcome.decisions, self.brief)
        harm = np.zeros(len(records)) if outcome.scores is None else self._harmful(outcome.scores)
        keys = fingerprints(records)
        self._asked.append(records[told])
        self._blocked.append(side[told])
        self._harm.append(harm[told])
        self._natural.append(np.full(int(told.sum()), natural))
        self._family.append((keys if made_of is None else fingerprints(made_of))[told])
        self._seen.update(keys[told].tolist())
        if not told.all():
            raise BudgetSpent("Not all questions of an explorer could be answered.")
        return side, harm

    def _derived(self, records: Records) -> Records:
        schema = self.brief.schema
        return schema.derived(records) if isinstance(schema, TableSchema) else records

    def _harmful(self, scores: Floats) -> Floats:
        progress = self.brief.progress(scores)
        return -progress if self.brief.cell.goal is Decision.PASS else progress

    def answered(self) -> Answered:
        """Return all answers so far."""
        if not len(self):
            none = np.empty(0, dtype=np.bool_)
            return Answered(self.brief.known.records[:0], none, np.empty(0), none, np.empty(0, dtype=np.uint64))
        side = np.concatenate(self._blocked)
        harm = np.concatenate(self._harm) if self.scored else None
        return Answered(
            np.concatenate(self._asked),
            side,
            None if harm is None else harm - line(harm, side),
            np.concatenate(self._natural),
            np.concatenate(self._family),
        )


def line(harm: Floats, side: Mask) -> float:
    """Return the score at which the decision turns, as scores (n,) and decisions (n,) tell it: half-way between sides.

    With one side only it is just beyond what was seen of that side.
    """
    if side.all():
        return float(harm.min())
    highest = float(harm[~side].max())
    if not side.any():
        return float(np.nextafter(highest, np.inf))
    return (highest + float(harm[side].min())) / 2
