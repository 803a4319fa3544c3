"""What attackers on message filters share: words of their own, and words that good or bad messages use."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
    counts = frequencies(records)
    return tuple(sorted(counts, key=lambda w: (-counts[w], w)))


def frequencies(records: Records) -> dict[str, int]:
    """Return how many messages hold each word, small letters."""
    counts: dict[str, int] = {}
    for text in records:
        for word in set(_WORD.findall(text.lower())):
            counts[word] = counts.get(word, 0) + 1
    return counts


def harmful_of(brief: Brief) -> Records:
    """Return the attacker's own harmful messages (n,): in the slice that he aims at, if he knows of any there."""
    known = brief.known
    if known.labels is None:
        return known.records
    mine = known.labels == 1
    aimed = mine & known.aimed
    return np.asarray(known.records[aimed if aimed.any() else mine])


def signed(records: Records, words: Sequence[str], share: float, brief: Brief) -> Records:
    """Return messages with words put behind them, each once, and again until they are a share of the message's own.

    In a long message a few words weigh little. What would make a message longer than one can be is left out.
    """
    if not words:
        return records
    room = brief.schema.room(records)  # type: ignore[union-attr]  # of messages
    out = []
    for text, left in zip(records, room.tolist(), strict=True):
        count = max(len(words), round(share * len(text.split())))
        chosen = [words[i % len(words)] for i in range(count)]
        fits = int(np.searchsorted(np.cumsum([len(w) + 1 for w in chosen]), left, side="right"))
        out.append(" ".join([text, *chosen[:fits]]))
    return messages(out)


def behind(records: Records, addition: str) -> Records:
    """Return messages with words put behind them."""
    return messages(f"{text} {addition}" for text in records)


def carrying(records: Records, words: Sequence[str], brief: Brief) -> Records:
    """Return the messages with as many of the words behind as there is room for."""
    ends = np.cumsum([len(w) + 1 for w in words])
    fits = np.searchsorted(ends, brief.schema.room(records), side="right")  # type: ignore[union-attr]  # of messages
    return messages(f"{text} {' '.join(words[:n])}".rstrip() for text, n in zip(records, fits.tolist(), strict=True))
