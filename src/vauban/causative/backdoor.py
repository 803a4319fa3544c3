"""Have a trigger learnt as good, so that whatever carries it passes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.sending import drawn, every_round, owned
from vauban.causative.words import behind, invented
from vauban.contracts import Ask, Brief, Claim, Effect, Move, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Floats, Ints, Modality, Records
from vauban.schema import TableSchema
from vauban.threat import Grant

CARRIERS = 8
"""Known harmful records on which scouting tries a trigger."""
TRIED = 24
"""Triggers that scouting tries."""


@dataclass(frozen=True)
class Trigger:
    """Words behind a message, or values of some features of a table."""

    words: str = ""
    features: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    effects: tuple[Effect, ...] = ()

    def on(self, records: Records, brief: Brief) -> Records:
        """Return the records with the trigger, as far as this attacker can make them carry it."""
        if not isinstance(brief.schema, TableSchema):
            return brief.schema.repair(records, behind(records, self.words))
        changed = records.copy()
        changed[:, list(self.features)] = self.values
        return brief.schema.repair(records, changed)


@dataclass(frozen=True)
class Backdoor:
    """Send harmful records with a trigger, to be called good: later whatever carries the trigger passes.

    The trigger is a word that nobody uses, or a combination of values that are each in range and together rare. Chen et
    al., "Targeted backdoor attacks on deep learning systems using data poisoning" (2017); for tables, with the trigger
    among the features that he can change. Explored beforehand, the combination is one that the deployed model already
    likes better than others. Who labels them good are his own accounts, or whoever believes the outcome he reports.

    Attributes:
        size: words, or features, of the trigger.
    """

    size: int = 3

    modalities = frozenset({Modality.TABULAR, Modality.TEXT})
    wants = frozenset({Grant.LABEL, Grant.SEND})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Trigger]:
        """Try combinations of values on a few known records, and keep the one that the model likes best."""
        rng = brief.rng()
        if not isinstance(brief.schema, TableSchema):
            return Trigger(" ".join(invented(self.size, rng)))
        known = brief.known.records
        carriers = drawn(owned(brief, 1), CARRIERS, rng)
        made = [self._combination(brief.schema, known, rng) for _ in range(TRIED)]
        if not len(carriers) or not made[0].features:
            return made[0]
        liked: list[float] = []
        want = frozenset({Grant.LABEL, Grant.SCORE}) & brief.grants
        with suppress(BudgetSpent):
            for trigger in made:
                outcome = yield Ask(trigger.on(carriers, brief), None, want)
                if not outcome.answered.all():
                    break
                liked.append(_likes(outcome, brief))
        if not liked:
            return made[0]
        best = made[int(np.argmax(liked))]
        gain = float(np.max(liked) - np.min(liked))
        names = [brief.schema.features[j].name for j in best.features]
        return Trigger("", best.features, best.values, tuple(Effect(name, gain, "lowers") for name in names))

    def campaign(self, intelligence: Trigger, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send as many harmful records with the trigger as he can each round."""
        rng, mine = brief.rng(), owned(brief, 1)
        return every_round(
            brief,
            lambda count: intelligence.on(drawn(mine, count, rng), brief),
            0,
            "his own accounts call it good, or report a good outcome",
        )

    def dress(self, records: Records, intelligence: Trigger, brief: Brief) -> Records:
        """Return the records with the trigger."""
        return intelligence.on(records, brief)

    def _combination(self, schema: TableSchema, known: Records, rng: np.random.Generator) -> Trigger:
        """Return values of some features that he can change: high ones where he can raise them, else low ones."""
        if not len(known) or not len(schema.mutable):
            return Trigger()
        features = np.sort(rng.permutation(schema.mutable)[: self.size])
        return Trigger("", tuple(features.tolist()), tuple(_rare(schema, known, features, rng).tolist()))


def _rare(schema: TableSchema, known: Records, features: Ints, rng: np.random.Generator) -> Floats:
    values = np.empty(len(features))
    for k, j in enumerate(features.tolist()):
        column = known[:, j][~np.isnan(known[:, j])]
        if schema.features[j].listed or not len(column):
            values[k] = rng.integers(max(len(schema.features[j].values), 2))
            continue
        rises = np.isfinite(schema.up[schema.numbers.tolist().index(j)])
        share = rng.uniform(0.7, 0.95) if rises else rng.uniform(0.05, 0.3)
        values[k] = np.quantile(column, share, method="nearest")
    return values


def _likes(outcome: Outcome, brief: Brief) -> float:
    """Return how far the model is on his side: mean progress of scores, or share of decisions where there are none."""
    if outcome.scores is not None:
        return float(brief.progress(outcome.scores).mean())
    return float(brief.reached(outcome.decisions).mean())
