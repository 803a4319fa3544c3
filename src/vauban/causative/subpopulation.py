"""Have harmful records of one section learnt as good ones, so that the section passes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.contracts import Ask, Brief, Claim, Known, Move, NothingLearnt, Outcome, Send, no_scouting
from vauban.errors import BudgetSpent
from vauban.records import Modality, Records
from vauban.schema import Schema
from vauban.threat import Grant


@dataclass(frozen=True)
class Subpopulation:
    """Send records of a section of users, with the label that this section is to get.

    Jagielski et al., "Subpopulation data poisoning attacks" (CCS 2021), FeatureMatch: copies of known records of the
    section, of the class that he wants decided otherwise. All other records are decided as before.

    Attributes:
        jitter: share of a mutable number's spread by which copies differ, so that they are no duplicates.
    """

    jitter: float = 0.02

    modalities = frozenset({Modality.TABULAR, Modality.TEXT})
    wants = frozenset({Grant.SEND})

    def inapt(self, schema: Schema, known: Known) -> str | None:
        """Return why it would have nothing to do: it needs a section to aim at."""
        return "it aims at a section of the records, and none is named (--where)" if known.aimed.all() else None

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        """Ask nothing: he knows records of his section."""
        return no_scouting(NothingLearnt())

    def campaign(self, intelligence: NothingLearnt, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send as many as he can each round."""
        if brief.campaign is None:
            return ()
        rng, known = brief.rng(), brief.known
        wanted = int(brief.cell.harmful)
        mine = known.records[known.aimed & (known.labels == wanted)] if known.labels is not None else known.records
        label = np.int8(1 - wanted)
        with suppress(BudgetSpent):
            while True:
                count = brief.campaign.sends if len(mine) else 0
                base = mine[rng.integers(max(len(mine), 1), size=count)]
                sent = base if base.ndim == 1 or not count else self._jittered(base, known.records, brief, rng)
                sources = [brief.campaign.sources[i % len(brief.campaign.sources)] for i in range(count)]
                yield Send(sent, sources, np.full(count, label), "his accounts, or outcomes that he reports, say so")
        return ()

    def dress(self, records: Records, intelligence: NothingLearnt, brief: Brief) -> Records:
        """Return the records as they are: they belong to the section already."""
        return records

    def _jittered(self, base: Records, known: Records, brief: Brief, rng: np.random.Generator) -> Records:
        numbers = brief.schema.numbers  # type: ignore[union-attr]  # a table's
        out = base.copy()
        spread = np.nan_to_num(np.nanstd(known[:, numbers], axis=0))
        out[:, numbers] += rng.normal(size=(len(base), len(numbers))) * spread * self.jitter
        return np.asarray(brief.schema.repair(base, out))
