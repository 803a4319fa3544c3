"""Probing: what an attacker learns of a deployed model by asking, before he attacks any record."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from vauban.contracts import LABEL, Ask, Brief, Outcome, Picture
from vauban.records import Modality
from vauban.schema import TableSchema
from vauban.tactics.probing_messages import probe_messages
from vauban.tactics.probing_tables import probe_table


@dataclass(frozen=True)
class Probing:
    """Learn which features, values, thresholds and words move the decision, and which way, from answers alone.

    Known records in the slice that he aims at are asked about first, then records near the boundary of a substitute
    that is fitted to the answers, and records changed in one feature or word. With labels alone he learns from
    decisions, with scores from log-odds. He may ask about any record that can occur, also with features changed that he
    could not change of his own: look-alikes differ in those. Questions come in an order that does not depend on the
    budget, so that a longer exploration begins as a shorter one does.

    Attributes:
        bases: records that are bisected along a feature; the threshold is the median of those that turn.
        most: no round of questions is begun after so many, whatever the budget.
        reported: most words in the picture's effects.
    """

    bases: int = 15
    most: int = 20_000
    reported: int = 200

    modalities = frozenset(Modality)
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Picture]:
        """Ask within the budget and return the picture; without questions it is made from known labels alone."""
        if isinstance(brief.schema, TableSchema):
            return (yield from probe_table(brief, brief.schema, self.bases, self.most))
        return (yield from probe_messages(brief, brief.schema, self.most, self.reported))
