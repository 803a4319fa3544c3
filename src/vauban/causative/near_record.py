"""Have records near one very record learnt under the label that this record is to get."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.sending import every_round, owned
from vauban.contracts import LABEL, Ask, Brief, Claim, Effect, Move, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Modality, Records, messages
from vauban.schema import TableSchema
from vauban.threat import Grant


@dataclass(frozen=True)
class Aim:
    """The very records that are to be decided otherwise."""

    records: Records
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class NearRecord:
    """Send records at and near a record of his own, called good: when he hands it in, it passes.

    Instance-targeted poisoning: Suciu et al., "When does machine learning FAIL?" (USENIX Security 2018, section 4), and
    Shafahi et al., "Poison frogs!" (NeurIPS 2018, section 2), by input space rather than by features: what lies next to
    the record is decided as it is. Tables: what he can change differs a little, on its grid; messages: most of its
    words. His own accounts call them good, or he reports a good outcome of small applications like the one to come. For
    availability it is another's record, of which he knows what it will say, and bad outcomes.

    Attributes:
        jitter: share of a number's spread by which records differ from it.
        kept: share of a message's words that each keeps.
    """

    jitter: float = 0.05
    kept: float = 0.9

    modalities = frozenset({Modality.TABULAR, Modality.TEXT})
    wants = frozenset({Grant.SEND})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Aim]:
        """Ask which of his records are decided otherwise today; where he is told of none, aim at one that he knows."""
        chosen = brief.known.chosen
        mine = owned(brief, int(brief.cell.harmful)) if chosen is None else chosen
        if not len(mine):
            return Aim(mine)
        if chosen is None:
            mine = mine[brief.rng().integers(len(mine), size=1)]
        with suppress(BudgetSpent):
            outcome = yield Ask(mine, None, LABEL & brief.grants)
            needed = outcome.answered & ~brief.reached(outcome.decisions)
            mine = mine[needed] if needed.any() else mine
        return Aim(mine)

    def campaign(self, intelligence: Aim, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send as many as he can each round, the same number near each record."""
        rng, aim, sent = brief.rng(), intelligence.records, 0

        def near(count: int) -> Records:
            nonlocal sent
            if not len(aim) or not count:
                return aim[:0]
            sent += count
            base = aim[np.arange(sent - count, sent) % len(aim)]
            return self._near(base, brief, rng)

        why = "his own accounts, or the outcomes that he reports, say so"
        return every_round(brief, near, 1 - int(brief.cell.harmful), why)

    def dress(self, records: Records, intelligence: Aim, brief: Brief) -> Records:
        """Return the records as they are: it is these very records that are to be decided otherwise."""
        return records

    def _near(self, base: Records, brief: Brief, rng: np.random.Generator) -> Records:
        schema = brief.schema
        if not isinstance(schema, TableSchema):
            return messages(self._most_words(text, rng) for text in base)
        numbers, known = schema.numbers, brief.known.records
        moved = base.copy()
        spread = np.nan_to_num(np.nanstd(known[:, numbers], axis=0)) if len(known) else np.zeros(len(numbers))
        moved[:, numbers] += rng.normal(size=(len(base), len(numbers))) * spread * self.jitter
        return np.asarray(schema.repair(base, moved))

    def _most_words(self, text: str, rng: np.random.Generator) -> str:
        words = text.split()
        return " ".join(w for w, u in zip(words, rng.uniform(size=len(words)), strict=True) if u < self.kept) or text
