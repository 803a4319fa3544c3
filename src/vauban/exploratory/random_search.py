"""The baseline that every attack must beat: random changes of features, random words."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, NothingLearnt, Outcome, no_scouting
from vauban.errors import BadInput, BudgetSpent
from vauban.records import Floats, Mask, Modality, Records
from vauban.schema import TableSchema, TextSchema
from vauban.tactics.additions import Additions
from vauban.tactics.ledger import Ledger
from vauban.tactics.moves import Range
from vauban.tactics.random_words import add_random_words
from vauban.tactics.wording import vocabulary


@dataclass(frozen=True)
class RandomSearch:
    """Give random features random values, taking back at random what passed; add random words to messages.

    A changed value is that of a known record of the class that reaches the goal, or uniform over what is attainable.
    Once something passed, half of the questions shrink it. Words are drawn uniformly from those of known messages: 1,
    2, 4, 8, ... of them. Random words do not pass a filter of mail (Wittel and Wu, "On attacking statistical spam
    filters", CEAS 2004); whatever they reach on another filter, good words have to beat.

    Attributes:
        batch: records made at a time; those that are new and cheaper than the best are asked about.
        patience: batches without any such record after which a victim is left alone.
        words: draw exactly as many; by default every power of two up to ``most``.
        draws: sets drawn of each size for each victim; by default as many as his budget allows.
        most: words that are drawn at most.
    """

    batch: int = 60
    patience: int = 5
    words: int | None = None
    draws: int | None = None
    most: int = 64

    modalities = frozenset(Modality)
    wants = LABEL

    def __post_init__(self) -> None:
        """Refuse sizes that are none."""
        if min(n for n in (self.most, self.words, self.draws, self.batch) if n is not None) < 1:
            raise BadInput(f"Random changes are drawn 1 or more at a time. Got {self!r}.")

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        """Ask nothing."""
        return no_scouting(NothingLearnt())

    def search(
        self, cohort: Cohort, intelligence: NothingLearnt, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask batch after batch, until the questions are spent."""
        with suppress(BudgetSpent):
            if isinstance(brief.schema, TextSchema):
                state = Additions(cohort, vocabulary(brief.known.records), brief.schema, brief)
                yield from add_random_words(state, self.words, self.draws, self.most)
            elif len(cohort) and len(brief.schema.mutable):
                yield from self._search(Ledger.open(brief.schema, brief, cohort, LABEL, -np.inf, np.inf))
        return ()

    def _search(self, ledger: Ledger) -> Generator[Ask, Outcome, None]:
        n, schema, cohort = len(ledger.cohort), ledger.schema, ledger.cohort
        known = ledger.brief.known.of(0 if ledger.brief.cell.harmful else 1)
        ranges = Range.of(schema, ledger.brief.known.records)
        streams = [cohort.rng(i) for i in range(n)]
        idle = np.zeros(n, dtype=np.int64)
        while True:
            live = np.flatnonzero((ledger.left > 0) & (idle < self.patience))
            if not len(live):
                return
            draws = np.stack([streams[i].random((self.batch, 3, len(schema.mutable) + 1)) for i in live])
            rows = np.repeat(live, self.batch)
            draws = draws.reshape(len(rows), 3, -1)
            original = cohort.records[rows]
            records = original.copy()
            shrinking = ledger.flipped[rows] & (np.arange(len(rows)) % 2 == 1)
            fresh = ~shrinking
            records[fresh] = _jump(schema, original[fresh], known, ranges, draws[fresh])
            records[shrinking] = _nearer(schema, original[shrinking], ledger.best[rows[shrinking]], draws[shrinking])
            records = schema.repair(original, records)
            costs = schema.cost(original, records)
            changed = (records != original)[:, schema.mutable].any(axis=1)
            left = ledger.left[live].copy()
            yield from ledger.ask(rows[changed], records[changed], costs[changed], distinct=False)
            idle[live] = np.where(ledger.left[live] < left, 0, idle[live] + 1)


def _jump(schema: TableSchema, original: Records, known: Records, ranges: Range, draws: Floats) -> Records:
    """Return records with 1 to m of their m mutable features at random values (k, d)."""
    m = len(schema.mutable)
    after = original.copy()
    if len(known):
        donors = known[(draws[:, 1, :m] * len(known)).astype(np.intp), schema.mutable]
    else:
        donors = original[:, schema.mutable]
    low, high = schema.span(original)
    n = schema.numbers
    low[:, n] = np.maximum(low[:, n], np.minimum(ranges.low, original[:, n]))
    high[:, n] = np.minimum(high[:, n], np.maximum(ranges.high, original[:, n]))
    for j in schema.categories:
        low[:, j], high[:, j] = 0.0, len(schema.moves(int(j))) - 1e-9
    spread = low[:, schema.mutable] + draws[:, 2, :m] * (high - low)[:, schema.mutable]
    spread = np.where(np.isin(schema.mutable, schema.categories), np.floor(spread), spread)
    take = np.where(draws[:, 1, m:] < 0.5, donors, spread)
    count = 1 + (draws[:, 0, m:] * m).astype(np.int64)
    which = np.argsort(np.argsort(draws[:, 0, :m], axis=1), axis=1) < count
    after[:, schema.mutable] = np.where(which, take, original[:, schema.mutable])
    return after


def _nearer(schema: TableSchema, original: Records, best: Records, draws: Floats) -> Records:
    """Return the best records with about half of their changes taken back, wholly or in part (k, d)."""
    m = len(schema.mutable)
    after = best.copy()
    was, now = original[:, schema.mutable], best[:, schema.mutable]
    numbers: Mask = np.isin(schema.mutable, schema.numbers)
    share = np.where(draws[:, 1, :m] < 0.5, 0.0, draws[:, 2, :m])
    back = np.where(numbers, was + share * (now - was), was)
    after[:, schema.mutable] = np.where(draws[:, 0, :m] < 0.5, back, now)
    return after
