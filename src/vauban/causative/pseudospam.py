"""Have harmful messages learnt as good ones, so that the campaign to come passes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.words import behind, carrying, harmful_of, invented, signed, vocabulary
from vauban.contracts import LABEL, Ask, Brief, Claim, Effect, Move, Outcome, Send
from vauban.errors import BudgetSpent
from vauban.records import Modality, Records, messages
from vauban.threat import Grant

TRIED = 40
"""Groups of known good words that scouting tries beside his own."""
DOSES, SURE = (0, 5, 10, 20, 40, 80, 160, 320), 0.9
"""How many good words may stand behind a message, and the share of his messages that they must get through."""
CARRIERS = 10
"""Messages of his that he tries a dose on."""
BITE = 3
"""Where delivered mail is learnt, an early message holds one part in so many of the harmful one."""


@dataclass(frozen=True)
class CampaignWords:
    """What all messages of a campaign share: words of its own, and good words that alone do not make it pass."""

    own: tuple[str, ...]
    good: tuple[str, ...]
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Pseudospam:
    """Send the campaign's messages early, from accounts that call them good, or as mail that is learnt as good.

    Every message of a campaign carries words of its own (a name, a product). Once some of them are in the training
    data as good, those words stand for good, and the campaign passes whatever else it says; the error on all other
    mail does not move. After Nelson et al., "Misleading learners: co-opting your spam filter" (2009), section 4.2
    (pseudospam). Where the filter labels for itself what it is sure of (auto-learning), the first messages also carry
    words that it was found to like: before each round he asks how many of them it takes.

    Attributes:
        words: how many words of its own the campaign has.
        part: how many of a message's words are to be the campaign's, as a share of the others.
        early: the same of the first messages, where delivered mail is learnt: good words share the credit otherwise.
        gradual: the boiling frog: the first messages are the good words and few of the harmful ones, more in every
            round, so that none looks odd to a model that has learnt the one before (Rubinstein et al., ANTIDOTE, 2009).
    """

    words: int = 12
    part: float = 0.5
    early: float = 2.0
    gradual: bool = False

    modalities = frozenset({Modality.TEXT})
    wants = frozenset({Grant.LABEL, Grant.SEND})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, CampaignWords]:
        """Ask which of the words that good messages use make harmful ones pass."""
        own = invented(self.words, brief.rng())
        mine, known = harmful_of(brief), brief.known
        if known.labels is None or not len(mine):
            return CampaignWords(own, ())
        bad = set(vocabulary(mine))
        candidates = [w for w in vocabulary(known.of(0)) if w not in bad][: TRIED * 8]
        liked: list[tuple[str, float]] = []
        with suppress(BudgetSpent):
            carriers = mine[brief.rng().permutation(len(mine))[:8]]
            for start in range(0, len(candidates), 8):
                group = candidates[start : start + 8]
                outcome = yield Ask(behind(carriers, " ".join(group * 2)), None, LABEL)
                liked.append((" ".join(group), float(brief.reached(outcome.decisions).mean())))
        best = sorted((x for x in liked if x[1] > 0), key=lambda x: -x[1])[:5]
        good = tuple(w for group, _ in best for w in group.split())
        return CampaignWords(own, good, tuple(Effect(g, s, "lowers") for g, s in best))

    def campaign(self, intelligence: CampaignWords, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send as many as he can each round."""
        if brief.campaign is None:
            return ()
        rng, mine = brief.rng(), harmful_of(brief)
        sources = brief.campaign.sources
        with suppress(BudgetSpent):
            for turn in range(1 << 30):
                count = brief.campaign.sends
                sent = mine[rng.integers(len(mine), size=count)] if len(mine) and count else mine[:0]
                good = () if brief.campaign.labels else (yield from self._enough(intelligence, mine, brief, rng))
                records = self._early(sent, intelligence.own, good, brief, (turn + 1) / brief.campaign.rounds)
                yield Send(
                    records,
                    [sources[i % len(sources)] for i in range(len(records))],
                    np.zeros(len(records), dtype=np.int8),
                    "his own accounts call it good" if brief.campaign.labels else "delivered mail is learnt as good",
                )
        return ()

    def _early(
        self, records: Records, own: tuple[str, ...], good: tuple[str, ...], brief: Brief, share: float
    ) -> Records:
        """Return the messages of a round: with good words where they must be delivered, and gradually more harmful.

        Where his own accounts say what they are, good words would only share the credit that his own are to get.
        """
        bite = min(share * 1.5, 1.0) if self.gradual else 1 / BITE if good else 1.0
        body = carrying(_first(records, bite), good, brief)
        return signed(body, own, self.early if good else self.part, brief)

    def _enough(
        self, known: CampaignWords, mine: Records, brief: Brief, rng: np.random.Generator
    ) -> Generator[Ask, Outcome, tuple[str, ...]]:
        """Return as few good words as get nearly all of his messages, whole, through the filter of the day.

        He sees no score, and a filter learns by itself what it is sure of: what gets a whole message through gets a
        part of it through by a wide margin. Each good word less leaves more of the credit to his own.
        """
        carriers = mine[rng.permutation(len(mine))[:CARRIERS]]
        repeated = known.good * (DOSES[-1] // max(len(known.good), 1) + 1)
        with suppress(BudgetSpent):
            for dose in DOSES if known.good else ():
                asked = signed(carrying(carriers, repeated[:dose], brief), known.own, self.part, brief)
                outcome = yield Ask(asked, None, LABEL)
                told = brief.reached(outcome.decisions)[outcome.answered]
                if len(told) and told.mean() >= SURE:
                    return repeated[:dose]
        return repeated[: DOSES[-1]]

    def dress(self, records: Records, intelligence: CampaignWords, brief: Brief) -> Records:
        """Return messages with the campaign's own words behind them."""
        return signed(records, intelligence.own, self.part, brief)


def _first(records: Records, share: float) -> Records:
    """Return the first words of messages, as many as are a share of them."""
    if share >= 1:
        return records
    words = [text.split() for text in records]
    return messages(" ".join(w[: max(1, round(share * len(w)))]) for w in words)
