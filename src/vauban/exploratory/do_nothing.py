"""The control: what passes without any attack."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, NothingLearnt, Outcome, no_scouting
from vauban.errors import BudgetSpent
from vauban.records import Modality


@dataclass(frozen=True)
class DoNothing:
    """Send each record as it is. Whatever succeeds here owes nothing to an attack: the control of every cell."""

    modalities = frozenset(Modality)
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        """Ask nothing."""
        return no_scouting(NothingLearnt())

    def search(
        self, cohort: Cohort, intelligence: NothingLearnt, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask once about each victim, unchanged."""
        with suppress(BudgetSpent):
            yield Ask(cohort.records, cohort.ids)
        return ()
