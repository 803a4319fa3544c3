"""Have ordinary words learnt as harmful, so that ordinary mail is blocked."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.words import harmful_of, vocabulary
from vauban.contracts import Ask, Brief, Claim, Effect, Move, Outcome, Send, no_scouting
from vauban.errors import BudgetSpent
from vauban.records import Modality, Records, messages
from vauban.threat import Grant


@dataclass(frozen=True)
class Words:
    """The words that are to be blocked."""

    words: tuple[str, ...]
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Dictionary:
    """Send mail that is rightly labelled spam and holds a whole dictionary: every word of it comes to mean spam.

    Nelson et al., "Exploiting machine learning to subvert your spam filter" (LEET 2008), section 3: indiscriminate,
    with all words that he knows; focused (targeted), with the words of the mail that he aims at, half of which he is
    taken to know.

    Attributes:
        words: words that are used instead of those of the messages he knows.
        most: words of a mail.
    """

    words: tuple[str, ...] = ()
    most: int = 100_000

    modalities = frozenset({Modality.TEXT})
    wants = frozenset({Grant.SEND})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Words]:
        """Ask nothing: collect words, of the messages aimed at where there is an aim, else of all that he knows."""
        known = brief.known
        aimed = known.aimed if not known.aimed.all() else np.ones(len(known.records), dtype=bool)
        return no_scouting(Words((self.words or vocabulary(known.records[aimed]))[: self.most]))

    def campaign(self, intelligence: Words, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send as many such mails as he can each round, from a spam of his own with the dictionary behind it."""
        if brief.campaign is None:
            return ()
        rng, mine, text = brief.rng(), harmful_of(brief), " ".join(intelligence.words)
        with suppress(BudgetSpent):
            while True:
                count = brief.campaign.sends if len(mine) else 0
                sent = messages(f"{mine[i]} {text}" for i in rng.integers(max(len(mine), 1), size=count))
                sources = [brief.campaign.sources[i % len(brief.campaign.sources)] for i in range(count)]
                yield Send(sent, sources, np.ones(count, dtype=np.int8), "it is spam, and is rightly called so")
        return ()

    def dress(self, records: Records, intelligence: Words, brief: Brief) -> Records:
        """Return the records as they are: the harm is done to everybody's mail."""
        return records
