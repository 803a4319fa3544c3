"""Fragments: the shortest passages of messages at the goal that take another message there when they are quoted."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Outcome
from vauban.records import Floats, Mask, Records, messages


def shortest_passages(brief: Brief, sources: Records, carriers: Records) -> Generator[Ask, Outcome, list[str]]:
    """Cut sources down to passages that still turn a carrier behind which they are put.

    The end is cut first, then the start, each by bisection; a source that does not turn its carrier as a whole is left
    out. About two questions for each doubling of the length.

    Args:
        brief: the attacker's.
        sources: (n,) messages that have reached the goal.
        carriers: messages that have not; one for each source in turn.

    Returns:
        The passages, shortest first, each once.
    """
    words = [text.split() for text in sources]
    carrier = [str(carriers[i % len(carriers)]) for i in range(len(words))]
    start, end = np.zeros(len(words), dtype=np.int64), np.array([len(w) for w in words], dtype=np.int64)

    def turned(which: Sequence[int], a: Sequence[int], b: Sequence[int]) -> Generator[Ask, Outcome, Mask]:
        texts = messages(f"{carrier[i]} {' '.join(words[i][x:y])}" for i, x, y in zip(which, a, b, strict=True))
        outcome = yield Ask(texts, None, LABEL)
        return brief.reached(outcome.decisions)

    whole = yield from turned(range(len(words)), start.tolist(), end.tolist())
    keep = np.flatnonzero(whole)
    for cut_end in (True, False):
        fails = start.copy() if cut_end else end.copy()  # so little of it is no passage at all
        works = end if cut_end else start
        while True:
            going = keep[np.abs(works - fails)[keep] > 1]
            if not len(going):
                break
            middle = (works + fails) // 2
            a, b = (start, middle) if cut_end else (middle, end)
            good = yield from turned(going.tolist(), a[going].tolist(), b[going].tolist())
            works[going[good]] = middle[going[good]]
            fails[going[~good]] = middle[going[~good]]
    passages = {" ".join(words[i][start[i] : end[i]]) for i in keep.tolist()}
    return sorted(passages, key=lambda p: (len(p.split()), p))


def within(passages: Sequence[str], most: int) -> list[str]:
    """Return the passages and what can be cut out of them in one piece, at most ``most``."""
    found = dict.fromkeys(passages)
    for passage in passages:
        words = passage.split()
        for size in range(len(words) - 1, 0, -1):
            for at in range(len(words) - size + 1):
                found.setdefault(" ".join(words[at : at + size]))
    return list(found)[:most]


def power(brief: Brief, passages: Sequence[str], carriers: Records) -> Generator[Ask, Outcome, Floats]:
    """Return the share of carriers that each passage turns (p,)."""
    texts = messages(f"{carrier} {passage}" for passage in passages for carrier in carriers)
    outcome = yield Ask(texts, None, LABEL)
    return np.asarray(brief.reached(outcome.decisions).reshape(len(passages), -1).mean(axis=1), dtype=np.float64)
