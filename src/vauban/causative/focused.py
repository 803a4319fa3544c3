"""Have the words of one expected mail learnt as harmful, so that this very mail does not arrive."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.sending import drawn, every_round, owned
from vauban.causative.words import carrying, vocabulary
from vauban.contracts import Ask, Brief, Claim, Effect, Move, Outcome, no_scouting
from vauban.records import Modality, Records
from vauban.threat import Grant


@dataclass(frozen=True)
class Guessed:
    """Words that he believes the mail will have."""

    words: tuple[str, ...]
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Focused:
    """Send spam, rightly called spam, with the words that he guesses of mail that somebody expects: it is blocked.

    Nelson et al., "Exploiting machine learning to subvert your spam filter" (LEET 2008, section 3.3): a rival knows
    what an offer will say, and guesses each of its words with some probability. Where no mail is named he takes the
    words of good mail that he knows of the slice. He controls no label and needs no account.

    Attributes:
        guessed: share of a named mail's words that he guesses.
    """

    guessed: float = 0.5

    modalities = frozenset({Modality.TEXT})
    wants = frozenset({Grant.SEND})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Guessed]:
        """Ask nothing: guess."""
        chosen = brief.known.chosen
        if chosen is None:
            return no_scouting(Guessed(vocabulary(owned(brief, 0))))
        words = vocabulary(chosen)
        lucky = brief.rng().uniform(size=len(words)) < self.guessed
        return no_scouting(Guessed(tuple(w for w, hit in zip(words, lucky.tolist(), strict=True) if hit)))

    def campaign(self, intelligence: Guessed, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send as many such mails as he can each round, from spam of his own with the words behind, in any order."""
        rng, mine, words = brief.rng(), owned(brief, 1), np.array(intelligence.words, dtype=object)

        def make(count: int) -> Records:
            return carrying(drawn(mine, count, rng), rng.permutation(words).tolist(), brief)

        return every_round(brief, make, 1, "it is spam, and is rightly called so")

    def dress(self, records: Records, intelligence: Guessed, brief: Brief) -> Records:
        """Return the records as they are: it is other people's mail that is blocked."""
        return records
