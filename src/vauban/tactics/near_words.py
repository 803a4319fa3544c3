"""Other words for a word that leave the meaning as it is: forms of it, and words that say the same in an offer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

SAME = tuple(
    tuple(line.split())
    for line in (
        "free complimentary gratis",
        "win gain earn",
        "won earned gained",
        "winner champion",
        "prize award reward",
        "prizes awards rewards",
        "cash money funds",
        "call ring phone dial",
        "calls rings",
        "txt text message",
        "texts messages",
        "urgent important pressing",
        "claim collect obtain",
        "mobile handset phone cell",
        "mobiles handsets phones",
        "reply answer respond",
        "now today immediately",
        "stop end quit",
        "offer deal proposal",
        "offers deals",
        "customer client",
        "customers clients",
        "guaranteed assured certain",
        "credit balance",
        "chat talk",
        "latest newest",
        "ringtone tone melody",
        "ringtones tones melodies",
        "video clip film",
        "contact reach",
        "selected chosen picked",
        "awarded given granted",
        "network operator carrier",
        "gift present",
        "discount reduction rebate",
        "buy purchase order",
        "send forward",
        "receive get",
        "service help",
        "holiday vacation trip",
        "music songs",
        "game match",
        "help support",
        "visit see",
        "subscribe register join",
        "click press tap",
        "account profile",
        "bonus extra",
        "voucher coupon",
        "entry ticket",
        "draw raffle lottery",
        "landline telephone",
        "attempt try",
        "private personal",
        "statement report",
        "unlimited endless",
    )
)
"""Words that say the same where something is offered. A list of ours, to be added to."""

ENDINGS = ("ings", "ing", "ied", "ies", "ed", "es", "s", "d", "y")
SHORTEST = 4
"""Letters of a word whose forms are told by its stem: wine is no form of win."""


def stem(word: str) -> str:
    """Return what the forms of an English word share, roughly: endings, a doubled consonant, a last e are cut off."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word.removesuffix("e") if len(word) > SHORTEST else word


class NearWords:
    """Other words for a word.

    Words of the lists come first, then forms of the word that occur in known messages.
    """

    def __init__(self, alike: Sequence[Sequence[str]], known: Iterable[str]) -> None:
        self._same: dict[str, list[str]] = defaultdict(list)
        for group in alike:
            for word in group:
                self._same[word] += [other for other in group if other != word]
        self._forms: dict[str, list[str]] = defaultdict(list)
        for word in sorted(set(known)):
            if word.isalpha() and len(word) >= SHORTEST:
                self._forms[stem(word)].append(word)

    def of(self, word: str) -> tuple[str, ...]:
        """Return other words for a word, in its own letter case."""
        plain = word.casefold()
        found = [*self._same.get(plain, ()), *(self._forms.get(stem(plain), ()) if len(plain) >= SHORTEST else ())]
        return tuple(_like(word, other) for other in dict.fromkeys(found) if other != plain)


def _like(word: str, other: str) -> str:
    if word.isupper() and len(word) > 1:
        return other.upper()
    return other.capitalize() if word[:1].isupper() else other
