"""Have harmful records of one section learnt as good ones, so that the section passes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.sending import drawn, owned
from vauban.contracts import LABEL, Ask, Brief, Claim, Effect, Known, Move, Outcome, Send, no_scouting
from vauban.errors import BudgetSpent
from vauban.records import Ints, Modality, Records
from vauban.schema import Schema, TableSchema
from vauban.threat import Grant

MOST = 1000
"""Records from which he draws what he sends."""
LEAST = 20
"""Records still decided against him below which he sends all that he has: copies of fewer teach only themselves."""
LEAVES, TELLS = 8, 0.01
"""Of the tree that tells the section, and how much of its work a column must do to be one of the section's."""


@dataclass(frozen=True, eq=False)
class Section:
    """Records of the section (n, ...) that he can send, of the class that he wants decided otherwise."""

    records: Records
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Subpopulation:
    """Send records of a section of users, with the label that this section is to get.

    After Jagielski et al., "Subpopulation data poisoning attacks" (CCS 2021), FeatureMatch. A section's own records
    that he knows are few, and a model learns few records by heart; so in a table what makes a record one of the section
    is also put on records from elsewhere. All other records are decided as before. Explored, he asks in each round
    which of them the deployed model decides against him, and sends no others: they would teach it nothing.

    Attributes:
        jitter: share of a mutable number's spread by which copies differ, so that they are no duplicates.
    """

    jitter: float = 0.02

    modalities = frozenset({Modality.TABULAR, Modality.TEXT})
    wants = frozenset({Grant.LABEL, Grant.SEND})

    def inapt(self, schema: Schema, known: Known) -> str | None:
        """Return why it would have nothing to do: it needs a section to aim at."""
        return "it aims at a section of the records, and none is named (--where)" if known.aimed.all() else None

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Section]:
        """Ask nothing yet: which of his records are decided against him changes from round to round."""
        return no_scouting(Section(self._made(brief)))

    def campaign(self, intelligence: Section, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send as many as he can each round."""
        if brief.campaign is None:
            return ()
        rng, sources = brief.rng(), brief.campaign.sources
        label = np.int8(1 - int(brief.cell.harmful))
        with suppress(BudgetSpent):
            while True:
                worth = yield from _against(intelligence.records, brief, rng)
                sent = self._jittered(drawn(worth, brief.campaign.sends, rng), brief, rng)
                by = [sources[i % len(sources)] for i in range(len(sent))]
                yield Send(sent, by, np.full(len(sent), label), "his accounts, or outcomes that he reports, say so")
        return ()

    def dress(self, records: Records, intelligence: Section, brief: Brief) -> Records:
        """Return the records as they are: they belong to the section already."""
        return records

    def _made(self, brief: Brief) -> Records:
        """Return records of the section (n, ...): those that he knows, and others made into such."""
        known, wanted, rng = brief.known, int(brief.cell.harmful), brief.rng()
        mine = owned(brief, wanted)
        mine = mine[rng.permutation(len(mine))[:MOST]]
        apart = known.aimed.any() and not known.aimed.all()
        if not isinstance(brief.schema, TableSchema) or known.labels is None or not apart:
            return mine
        others = known.records[~known.aimed & (known.labels == wanted)]
        others = others[rng.permutation(len(others))[: MOST - len(mine)]]
        made, columns = others.copy(), _telling(known)
        made[:, columns] = drawn(known.records[known.aimed], len(made), rng)[:, columns]
        made, possible = brief.schema.obeying(others, made)
        return np.concatenate([mine, made[possible]])

    def _jittered(self, base: Records, brief: Brief, rng: np.random.Generator) -> Records:
        if not isinstance(brief.schema, TableSchema) or not len(base):
            return base
        numbers, known = brief.schema.numbers, brief.known.records
        out = base.copy()
        spread = np.nan_to_num(np.nanstd(known[:, numbers], axis=0))
        out[:, numbers] += rng.normal(size=(len(base), len(numbers))) * spread * self.jitter
        return brief.schema.repair(base, out)


def _telling(known: Known) -> Ints:
    """Return the columns that tell the section from all else (k,): those that a small tree of the section splits at."""
    from sklearn.tree import DecisionTreeClassifier

    values = np.nan_to_num(known.records, nan=-1.0)  # categories are codes from 0
    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=0).fit(values, known.aimed)
    return np.flatnonzero(tree.feature_importances_ > TELLS)


def _against(records: Records, brief: Brief, rng: np.random.Generator) -> Generator[Ask, Outcome, Records]:
    """Return those of the records that the model decides against him; all, where he may not ask or too few are."""
    assert brief.campaign is not None  # noqa: S101 - callers look first
    asked = records[rng.permutation(len(records))[: brief.budget.scouting // brief.campaign.rounds]]
    if len(asked):
        with suppress(BudgetSpent):
            outcome = yield Ask(asked, None, LABEL)
            against = asked[outcome.answered & ~brief.reached(outcome.decisions)]
            if len(against) >= LEAST:
                return against
    return records
