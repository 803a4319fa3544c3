"""Carriers: messages near the filter's threshold, on which the weight of a single word can be felt.

Lowd and Meek, "Good word attacks on statistical spam filters" (CEAS 2005), section 4.2, active attacks.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import LABEL, SCORE, Ask, Brief, Outcome
from vauban.records import Floats, Mask, Records, messages
from vauban.threat import Grant

CARRIERS = 6
"""Messages on which words are tried: one alone may hold the word already, or be odd."""

ASKED = 64
"""Known messages asked about, to find some that the filter blocks and some that it lets pass."""


@dataclass(frozen=True)
class Seen:
    """Known messages and what the filter says of them: decisions (n,), and progress (n,) where scores are granted."""

    texts: Records
    reached: Mask
    answered: Mask
    progress: Floats | None


def sample_known(brief: Brief, most: int) -> Records:
    """Return known messages (n,) to ask about, in random order: like the victims first, then of the other class."""
    known, rng = brief.known, brief.rng()
    order = rng.permutation(len(known.records))
    if known.labels is None:
        return np.asarray(known.records[order[:most]])
    alike = known.labels[order] == int(brief.cell.harmful)
    aimed = alike & known.aimed[order]
    first, last = order[aimed if aimed.any() else alike], order[~alike]
    others = last[: most // 4]
    return np.asarray(known.records[np.concatenate([first[: most - len(others)], others])])


def look(brief: Brief, texts: Records) -> Generator[Ask, Outcome, Seen]:
    """Ask about messages."""
    outcome = yield Ask(texts, None, SCORE if Grant.SCORE in brief.grants else LABEL)
    progress = None if outcome.scores is None else brief.progress(outcome.scores)
    return Seen(texts, brief.reached(outcome.decisions), outcome.answered, progress)


def nearest(seen: Seen) -> Records:
    """Return the messages that have not reached the goal and lie nearest to it, by score."""
    out = np.flatnonzero(~seen.reached & seen.answered)
    if seen.progress is None:
        return seen.texts[out]
    return seen.texts[out[np.argsort(-seen.progress[out], kind="stable")]]


def on_the_threshold(brief: Brief, seen: Seen, most: int) -> Generator[Ask, Outcome, Records]:
    """Find messages barely on the wrong side, by asking for decisions only.

    A message that has not reached the goal turns word by word into one that has: first it takes on the other's words,
    then it loses its own. Bisection finds a step at which the decision turns; the text before it is the carrier.

    Returns:
        Up to ``most`` carriers; fewer where there are not enough messages on either side.
    """
    starts = seen.texts[~seen.reached & seen.answered]
    ends = seen.texts[seen.reached]
    if not len(starts) or not len(ends):
        return starts[:most]
    pairs = [(starts[i].split(), ends[i % len(ends)].split()) for i in range(min(most, len(starts)))]
    low = np.zeros(len(pairs), dtype=np.int64)
    high = np.array([len(a) + len(b) for a, b in pairs], dtype=np.int64)
    while True:
        open_ = np.flatnonzero(high - low > 1)
        if not len(open_):
            break
        middle = (low + high) // 2
        outcome = yield Ask(messages(_step(*pairs[i], int(middle[i])) for i in open_), None, LABEL)
        reached = brief.reached(outcome.decisions)
        high[open_[reached]] = middle[open_[reached]]
        low[open_[~reached]] = middle[open_[~reached]]
        if not outcome.answered.all():
            break
    return messages(_step(*pair, int(at)) for pair, at in zip(pairs, low, strict=True))


def _step(start: list[str], end: list[str], at: int) -> str:
    return " ".join(start[max(at - len(end), 0) :] + end[:at])


def holding(carriers: Records, words: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which carriers hold which words already (c, w)."""
    bags = [frozenset(text.casefold().split()) for text in carriers]
    return np.array([[word in bag for word in words] for bag in bags], dtype=bool).reshape(len(bags), len(words))
