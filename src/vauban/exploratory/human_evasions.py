"""Human evasions: what people made of these very messages to get them past a filter."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Known, NothingLearnt, Outcome, no_scouting
from vauban.errors import BudgetSpent
from vauban.records import Modality, messages
from vauban.schema import FORBIDDEN, Schema
from vauban.tactics.rewording import cannot_rewrite, text_schema


@dataclass(frozen=True)
class HumanEvasions:
    """Send what people made of a message by hand, as it is.

    It plays on data that come in pairs, an original and what was made of it, such as ``sms-evasion-pairs`` (Salman,
    Ikram and Kaafar, "Investigating evasive techniques in SMS spam filtering", IEEE Access 2024). What lost its payload
    on the way, as some paraphrases did, or breaks the schema otherwise, is not asked about.
    """

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    @staticmethod
    def inapt(schema: Schema, known: Known) -> str | None:
        """Return why there is nothing to play, or None if there is."""
        if not known.rewritten:
            return "nobody has rewritten these messages by hand: it plays on data in pairs, such as sms-evasion-pairs"
        return cannot_rewrite(schema, known)

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        """Ask nothing."""
        return no_scouting(NothingLearnt())

    def search(
        self, cohort: Cohort, intelligence: NothingLearnt, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask about every version of every victim that he can make, in one round."""
        made = [(i, text) for i in range(len(cohort)) for text in brief.known.rewritten.get(cohort.records[i], ())]
        if made:
            owners = np.array([i for i, _ in made])
            texts = messages(text for _, text in made)
            price = text_schema(brief, "human-evasions").cost(cohort.records[owners], texts)
            most = np.inf if brief.budget.cost is None else brief.budget.cost
            rows = (price < FORBIDDEN) & (price <= most) & (price > 0)
            if rows.any():
                with suppress(BudgetSpent):
                    yield Ask(texts[rows], cohort.ids[owners[rows]])
        return ()
