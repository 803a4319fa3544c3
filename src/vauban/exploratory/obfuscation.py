"""Obfuscation: write the words that the filter hangs on so that people still read them and the filter does not."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from vauban.contracts import LABEL, SCORE, Ask, Brief, Claim, Cohort, Outcome, Search, each
from vauban.errors import BadInput, BudgetSpent
from vauban.records import Modality, messages
from vauban.schema import TextSchema
from vauban.tactics.carriers import look, sample_known
from vauban.tactics.fewest_edits import fewest_edits
from vauban.tactics.letters import OBFUSCATIONS, variants
from vauban.tactics.reading import Reading, read
from vauban.tactics.rewording import Page, cannot_rewrite, editable, rewritten, text_schema
from vauban.threat import Grant

MIXED = "mixed"

SAMPLES = 8
"""Known messages on which each family is tried."""


@dataclass(frozen=True)
class Obfuscation:
    """Write words with look-alike letters, invisible characters, digits for letters, or spaces, as few as will do.

    Scouting finds the words that speak against the goal and, where families are mixed, which family the filter falls
    for: some filters undo one. The search rewrites the words that matter most, one character each as long as that does,
    until the goal is reached, then does with fewer. Payload, addresses and numbers stay as they are.

    After Salman, Ikram and Kaafar, "Investigating evasive techniques in SMS spam filtering" (IEEE Access 2024); words
    are ranked as in DeepWordBug (Gao et al., IEEE SPW 2018), by what changing each does to the score, or by decisions.

    Attributes:
        family: ``homoglyph``, ``zero-width``, ``leet``, ``spacing``, or ``mixed``: each in turn, the best first.
        tries: questions a victim on smaller sets of words.
    """

    family: str = MIXED
    tries: int = 300

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    def __post_init__(self) -> None:
        """Refuse a family that is none."""
        if self.family not in (*OBFUSCATIONS, MIXED):
            raise BadInput(f"obfuscation has the families {', '.join((*OBFUSCATIONS, MIXED))}. Got {self.family!r}.")

    inapt = staticmethod(cannot_rewrite)

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Reading]:
        """Try the families on known messages, then find the words that speak against the goal."""
        ways: tuple[str, ...] = (self.family,)
        left = brief.budget.scouting
        if self.family == MIXED:
            ways, asked = yield from _best_families(brief)
            left = max(0, left - asked)
        spent_less = replace(brief, budget=replace(brief.budget, scouting=left))
        return replace((yield from read(spent_less, text_schema(brief, "obfuscation"))), ways=ways)

    def search(self, cohort: Cohort, intelligence: Reading, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Rewrite each victim's words, family after family, each time for less."""
        schema = text_schema(brief, "obfuscation")

        def one(victim: Cohort) -> Search:
            told: dict[str, tuple[bool, float]] = {}
            price = np.inf
            for family in intelligence.ways:
                page = Page(victim, partial(variants, family=family), schema, brief, told)
                page.price = price  # the next one need not be tried for more
                yield from fewest_edits(page, page.gains(intelligence), self.tries)
                price = page.price
            return ()

        return (yield from each(cohort, one))


def _best_families(brief: Brief) -> Generator[Ask, Outcome, tuple[tuple[str, ...], int]]:
    """Return the families, best first by messages brought to the goal for the price of a word, and how much was asked.

    All words of a message are rewritten. Ties go to the family that can rewrite more words, then to the one that moves
    scores further.
    """
    asked = 0
    schema = text_schema(brief, "obfuscation")
    worth = np.zeros((len(OBFUSCATIONS), 3))
    with suppress(BudgetSpent):
        seen = yield from look(brief, sample_known(brief, min(2 * SAMPLES, brief.budget.scouting // 16)))
        asked += len(seen.texts)
        samples = seen.texts[~seen.reached & seen.answered][:SAMPLES]
        made = [_wholly(text, family, schema) for family in OBFUSCATIONS for text in samples]
        texts = messages(text for text, _ in made)
        outcome = yield Ask(texts, None, SCORE if Grant.SCORE in brief.grants else LABEL)
        asked += len(texts)
        if len(samples) and outcome.answered.all():
            price = schema.cost(np.tile(samples, len(OBFUSCATIONS)), texts).reshape(len(OBFUSCATIONS), -1).sum(axis=1)
            words = np.array([n for _, n in made]).reshape(len(OBFUSCATIONS), -1).sum(axis=1)
            worth[:, 0] = brief.reached(outcome.decisions).reshape(len(OBFUSCATIONS), -1).sum(axis=1)
            worth[:, 0] = np.round(worth[:, 0] * words / np.maximum(price, 1e-9))
            worth[:, 1] = words
            if outcome.scores is not None:
                worth[:, 2] = brief.progress(outcome.scores).reshape(len(OBFUSCATIONS), -1).mean(axis=1)
    order = np.lexsort((np.arange(len(worth)), -worth[:, 2], -worth[:, 1], -worth[:, 0]))
    return tuple(OBFUSCATIONS[i] for i in order), asked


def _wholly(text: str, family: str, schema: TextSchema) -> tuple[str, int]:
    """Return a message with all its words rewritten, and how many those are."""
    changes = []
    for start, end in editable(text, schema):
        other = variants(text[start:end], family)
        changes += [(start, end, other[0])] if other else []
    return rewritten(text, changes), len(changes)
