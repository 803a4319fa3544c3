"""Have the words of one kind of ordinary mail learnt as harmful, in spam that is rightly called spam."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.sending import drawn, every_round, owned
from vauban.causative.words import behind, carrying, frequencies
from vauban.contracts import SCORE, Ask, Brief, Claim, Effect, Move, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Modality, Records
from vauban.threat import Grant

GROUP = 10
"""Words that scouting tries together."""
LIFT = 3.0
"""How much more frequent in the class than in all good mail a word must be, where a class is aimed at."""
CARRIERS = 4
"""Messages of his own behind which it tries them."""


@dataclass(frozen=True)
class ClassWords:
    """Words of the mail aimed at, those first that do most for its delivery."""

    words: tuple[str, ...]
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class BenignWords:
    """Send spam, rightly labelled spam, with the words of a class of benign mail behind: the class comes to be blocked.

    He controls no label and needs no account. The words of a narrow class (a supplier, a project) are few and rare
    elsewhere, so a little spam that holds all of them outweighs the ham that does; recall does not fall, and a
    dashboard of recall shows nothing. After the correlated outlier attack of Newsome, Karp and Song, "Paragraph:
    thwarting signature learning by training maliciously" (RAID 2006, section 4), and the dictionary attack.

    Spread, each message carries a few of the words, drawn for it alone: none looks much like good mail, and no two are
    alike. It takes more messages for the same harm.

    Attributes:
        words: most words of the class that are used.
        spread: words of these that one message carries; 0 is all that there is room for.
    """

    words: int = 1000
    spread: int = 0

    modalities = frozenset({Modality.TEXT})
    wants = frozenset({Grant.SEND})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, ClassWords]:
        """Ask which of the class's words make a spam look good: these are what delivers the class's mail."""
        listed = _worth(brief)[: 2 * self.words]
        carriers = drawn(owned(brief, 1), CARRIERS, brief.rng())
        if not (brief.grants >= SCORE and len(carriers)):
            return ClassWords(tuple(listed))
        effect: dict[str, float] = {}
        with suppress(BudgetSpent):
            plain = yield Ask(carriers, None, SCORE)
            for start in range(0, len(listed), GROUP):
                group = listed[start : start + GROUP]
                outcome = yield Ask(behind(carriers, " ".join(group)), None, SCORE)
                gained = _gained(plain, outcome, brief)
                if gained is None:
                    break
                effect |= dict.fromkeys(group, gained)
        ranked = sorted(listed, key=lambda w: effect.get(w, 0.0) < 0)  # stable: what raises suspicion comes last
        best = sorted(((w, e) for w, e in effect.items() if e > 0), key=lambda x: -x[1])[:GROUP]
        return ClassWords(tuple(ranked), tuple(Effect(w, e, "lowers") for w, e in best))

    def campaign(self, intelligence: ClassWords, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send as many spam messages with the class's words as he can each round."""
        rng, mine = brief.rng(), owned(brief, 1)
        words = intelligence.words[: self.words]

        def make(count: int) -> Records:
            bodies = drawn(mine, count, rng)
            if not self.spread or not len(bodies):
                return carrying(bodies, words, brief)
            own = [rng.permutation(words)[: self.spread].tolist() for _ in range(len(bodies))]
            return np.concatenate([carrying(bodies[i : i + 1], w, brief) for i, w in enumerate(own)])

        return every_round(brief, make, 1, "it is spam, and is rightly called so")

    def dress(self, records: Records, intelligence: ClassWords, brief: Brief) -> Records:
        """Return the records as they are: it is other people's mail that is blocked."""
        return records


def _worth(brief: Brief) -> list[str]:
    """Return the words of the class, those first that become worst: often in the class, and learnt as good so far.

    A word's odds of spam are taken from the messages he knows, before and after as much spam as he can send has it.
    """
    known, campaign = brief.known, brief.campaign
    listed = frequencies(owned(brief, 0))
    if known.labels is None or campaign is None:
        return sorted(listed, key=lambda w: (-listed[w], w))
    good, bad = (frequencies(known.of(label)) for label in (0, 1))
    sizes = [max(int((known.labels == label).sum()), 1) for label in (0, 1)]
    added = campaign.sends / max(campaign.sends + campaign.collected, 1)

    def worth(word: str) -> float:
        ham, spam = (good.get(word, 0) + 0.5) / sizes[0], (bad.get(word, 0) + 0.5) / sizes[1]
        after = spam + added
        return listed[word] * float(np.log(after / (after + ham)) - np.log(spam / (spam + ham)))

    # Words that all good mail uses as much would have all good mail blocked, and somebody would notice.
    members = max(len(owned(brief, 0)), 1)
    narrow = [w for w, count in listed.items() if count / members >= LIFT * good.get(w, 0) / sizes[0]]
    return sorted(narrow if known.aimed.any() and not known.aimed.all() else listed, key=lambda w: (-worth(w), w))


def _gained(plain: Outcome, outcome: Outcome, brief: Brief) -> float | None:
    """Return by how much words make messages look better, on the mean; None where not all was answered."""
    if plain.scores is None or outcome.scores is None or not (plain.answered.all() and outcome.answered.all()):
        return None
    # Towards passing, whatever he is after in the end: these are the words that good mail lives by.
    sign = 1.0 if brief.cell.harmful else -1.0
    return float(sign * (brief.progress(outcome.scores) - brief.progress(plain.scores)).mean())
