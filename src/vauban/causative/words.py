"""What attackers on message filters share: words of their own, and words that good or bad messages use."""

from __future__ import annotations

import re

import numpy as np

from vauban.contracts import Brief
from vauban.records import Records, messages

_WORD = re.compile(r"(?u)\b[^\W\d_]{3,20}\b")
_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "kr", "pl", "tr")
_NUCLEI, _CODAS = ("a", "e", "i", "o", "u"), ("n", "r", "l", "s", "x")


def invented(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Return made-up words (brand names, say) that no message has used."""
    made: dict[str, None] = {}
    while len(made) < count:
        syllables = ["".join((rng.choice(_ONSETS), rng.choice(_NUCLEI))) for _ in range(3)]
        made["".join(syllables) + str(rng.choice(_CODAS))] = None
    return tuple(made)


def vocabulary(records: Records) -> tuple[str, ...]:
    """Return all words of messages, the most frequent first, small letters."""
    counts: dict[str, int] = {}
    for text in records:
        for word in set(_WORD.findall(text.lower())):
            counts[word] = counts.get(word, 0) + 1
    return tuple(sorted(counts, key=lambda w: (-counts[w], w)))


def harmful_of(brief: Brief) -> Records:
    """Return the attacker's own harmful messages (n,): in the slice that he aims at, if he knows of any there."""
    known = brief.known
    if known.labels is None:
        return known.records
    mine = known.labels == 1
    aimed = mine & known.aimed
    return np.asarray(known.records[aimed if aimed.any() else mine])


def behind(records: Records, addition: str) -> Records:
    """Return messages with words put behind them."""
    return messages(f"{text} {addition}" for text in records)
