"""Chaff: passages that make good mail look bad, for others to quote."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Floats, Ints, Modality
from vauban.tactics.additions import Additions
from vauban.tactics.carriers import look, sample_known
from vauban.tactics.fewest_words import drop, fewest
from vauban.tactics.fragments import power, shortest_passages, within
from vauban.tactics.rewording import text_schema
from vauban.tactics.wording import WordList

CHUNK = 32
"""Passages a victim in one round."""


@dataclass(frozen=True)
class Passages:
    """What scouting learnt: passages that turn messages behind which they are put.

    Attributes:
        passages: those that were found, then what can be cut out of them.
        weights: (p,) share of the messages tried that each turns; 0 where it was not tried.
        raises: whether they raise the harm that the filter sees.
    """

    passages: WordList
    weights: Floats
    raises: bool

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The passages that were found to work, strongest first."""
        direction = "raises" if self.raises else "lowers"
        found = [(float(w), p) for p, w in zip(self.passages.words, self.weights, strict=True) if w > 0]
        return tuple(Effect(p, w, direction) for w, p in sorted(found, key=lambda x: (-x[0], x[1])))


@dataclass(frozen=True)
class Chaff:
    """Put a passage behind a good message - a quoted line, a signature, a footer - until the filter blocks it.

    Scouting cuts known messages that the filter blocks down to the shortest passages that still take a good message
    with them, by decisions alone. The search tries these on each victim, then pieces of them, then several at once.

    A disruption of the filter: the dictionary of Nelson et al., "Exploiting machine learning to subvert your spam
    filter" (LEET 2008) is its causative form. `good-words` finds single words in the same cell.

    Attributes:
        sources: known messages from which passages are cut.
        carriers: known messages on which they are compared.
        tries: questions a victim on single passages.
    """

    sources: int = 32
    carriers: int = 6
    tries: int = 400

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Passages]:
        """Find the passages, shortest first, and on how many messages each works."""
        left = brief.budget.scouting
        found: list[str] = []
        weights = np.empty(0)
        with suppress(BudgetSpent):
            seen = yield from look(brief, sample_known(brief, min(4 * self.sources, left // 6)))
            carriers = seen.texts[~seen.reached & seen.answered]
            sources = seen.texts[seen.reached][: self.sources]
            if len(carriers) and len(sources):
                found = yield from shortest_passages(brief, sources, carriers)
                if found:
                    weights = yield from power(brief, found, carriers[: self.carriers])
        weights = weights if len(weights) == len(found) else np.zeros(len(found))
        everything = within(found, self.tries)
        weights = np.r_[weights, np.zeros(len(everything))][: len(everything)]
        return Passages(WordList(tuple(everything)), weights, raises=not brief.cell.harmful)

    def search(self, cohort: Cohort, intelligence: Passages, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Try single passages on each victim, cheapest first among those that work; several where none does alone."""
        schema = text_schema(brief, "chaff")
        state = Additions(cohort, intelligence.passages, schema, brief)
        with suppress(BudgetSpent):
            if len(cohort) and len(intelligence.passages):
                strong = np.flatnonzero(intelligence.weights > 0)
                by_power = strong[np.argsort(-intelligence.weights[strong], kind="stable")]
                yield from _alone(state, by_power)
                price = state.words.price(np.arange(len(state.words))[:, None], schema)
                yield from _alone(state, np.argsort(price, kind="stable"))
                if len(by_power):
                    yield from fewest(state, np.tile(by_power, (len(cohort), 1)))
                yield from drop(state)
        return ()


def _alone(state: Additions, order: Ints) -> Generator[Ask, Outcome, None]:
    """Ask about single passages in order, those only that are cheaper than what has worked."""
    for start in range(0, len(order), CHUNK):
        some = order[start : start + CHUNK]
        live = np.flatnonzero(state.live)
        yield from state.ask(np.repeat(live, len(some)), np.tile(some, len(live))[:, None])
