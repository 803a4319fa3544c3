"""Weighing words on carriers: which of them move the filter's decision most, found by asking.

Lowd and Meek, "Good word attacks on statistical spam filters" (CEAS 2005), section 4.2: first-N and best-N words.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress

import numpy as np

from vauban.contracts import LABEL, SCORE, Ask, Brief, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Floats, Ints, Mask, Records, messages
from vauban.tactics.carriers import CARRIERS, Seen, holding, nearest
from vauban.tactics.wording import WordList

TRIED = 0.45
"""Share of the questions left that go to trying every word once; as many again weigh those that did well."""

FEW = 6
"""Words tried on each carrier to see how heavily it must be laden."""

FINALISTS = 12
"""Words left when stages end and the best are compared under many loads."""


MILD = 60
"""Words of the opposite kind that are passed over: the strongest would load a carrier in too large steps."""


def first_to_turn(
    brief: Brief, words: WordList, carrier: str, left: int, wanted: int
) -> Generator[Ask, Outcome, Floats]:
    """Try words in order on one carrier until enough have turned the decision; return 1 for those that did (w,)."""
    turned, at = np.zeros(len(words)), 0
    end = min(len(words), left)
    with suppress(BudgetSpent):
        while at < end and turned.sum() < wanted:
            batch = slice(at, min(at + wanted, end))
            outcome = yield Ask(messages(f"{carrier} {word}" for word in words.words[batch]), None, LABEL)
            turned[batch] = brief.reached(outcome.decisions)
            at += wanted
    return turned


def by_score(brief: Brief, words: WordList, seen: Seen, left: int) -> Generator[Ask, Outcome, Floats]:
    """Weigh words by how far each moves the score on messages near the threshold.

    All are tried on one carrier, the better half on a second, and so on.

    Returns:
        Weights (w,): a word that got further weighs more; 0 where it was not tried or moved the score away.
    """
    carriers = nearest(seen)[:CARRIERS]
    assert seen.progress is not None  # noqa: S101 - called where scores are granted
    base = np.array([seen.progress[np.flatnonzero(seen.texts == c)[0]] for c in carriers])
    held = holding(carriers, words.words)
    gain, tried = np.zeros(len(words)), np.zeros(len(words))
    left_in = np.arange(min(len(words), max(1, int(TRIED * left))))
    with suppress(BudgetSpent):
        for stage in range(len(carriers)):
            on = (stage + held[stage, left_in]) % len(carriers)
            outcome = yield Ask(_with(carriers[on], words, left_in), None, SCORE)
            if outcome.scores is None or not outcome.answered.all():
                break
            gain[left_in] += brief.progress(outcome.scores) - base[on]
            tried[left_in] += 1
            mean = gain[left_in] / tried[left_in]
            left_in = left_in[np.argsort(-mean, kind="stable")[: max(1, len(left_in) // 2)]]
    mean = np.maximum(gain / np.maximum(tried, 1), 0.0)
    return np.asarray(mean * (mean > 0) + (tried - 1) * (mean > 0) * mean.max(initial=0.0))


def by_outweighing(
    brief: Brief, words: WordList, against: WordList, carriers: Records, left: int
) -> Generator[Ask, Outcome, Floats]:
    """Weigh words by how many of the opposite kind each outweighs, by decisions only.

    Carriers are laden with more and more words of the opposite kind; at each stage the carrier is used on which about
    half of the words left still turn the decision, and those that do go on. With the questions that remain the best
    are compared on every carrier under many loads.

    Returns:
        Weights (w,): the number of stages that a word passed; below 1 more, the share of the last comparisons.
    """
    weight = np.zeros(len(words))
    load = np.zeros(len(carriers), dtype=np.int64)
    left_in = np.arange(min(len(words), max(1, int(TRIED * left))))
    held = holding(carriers, words.words)
    with suppress(BudgetSpent):
        while len(left_in) > FINALISTS or not weight.any():
            share, load, asked = yield from _suited(brief, words, left_in, against, carriers, load)
            left -= asked
            first, second = np.argsort(np.abs(share - 0.5), kind="stable")[[0, min(1, len(carriers) - 1)]]
            on = np.where(held[first, left_in], second, first)
            if left < len(left_in):
                break
            outcome = yield Ask(_with(_laden(carriers, against, load)[on], words, left_in), None, LABEL)
            left -= len(left_in)
            turned = brief.reached(outcome.decisions)
            if not turned.any():
                break
            left_in = left_in[turned]
            weight[left_in] += 1
        yield from _final(brief, words, left_in[: 2 * FINALISTS], against, carriers, load, left, weight)
    return weight


def _final(
    brief: Brief,
    words: WordList,
    left_in: Ints,
    against: WordList,
    carriers: Records,
    load: Ints,
    left: int,
    weight: Floats,
) -> Generator[Ask, Outcome, None]:
    """Add to each word's weight the share of loads that it outweighs, those on carriers that hold it apart."""
    held = holding(carriers, words.words)[:, left_in]
    won, fought = np.zeros(len(left_in)), np.zeros(len(left_in))
    for turn in range(left // max(len(left_in) * len(carriers), 1)):
        heavier = load + turn // 2 * (1 if turn % 2 else -1)
        laden = _laden(carriers, against, np.maximum(heavier, 0), turn)
        texts = _with(np.repeat(laden, len(left_in)), words, np.tile(left_in, len(laden)))
        outcome = yield Ask(texts, None, LABEL)
        turned = brief.reached(outcome.decisions).reshape(len(laden), len(left_in))
        won += (turned & ~held).sum(axis=0)
        fought += (~held).sum(axis=0)
        weight[left_in] = np.floor(weight[left_in]) + 0.999 * won / np.maximum(fought, 1)


def _suited(
    brief: Brief, words: WordList, left_in: Ints, against: WordList, carriers: Records, load: Ints
) -> Generator[Ask, Outcome, tuple[Floats, Ints, int]]:
    """Load each carrier until fewer than all of a few words still turn it; return their shares and the new loads."""
    some = left_in[np.unique(np.linspace(0, len(left_in) - 1, FEW).astype(np.intp))]
    share, load, asked = np.ones(len(carriers)), load.copy(), 0
    light: Mask = np.ones(len(carriers), dtype=bool)
    for _ in range(FEW):
        laden = _laden(carriers, against, load)[light]
        texts = _with(np.repeat(laden, len(some)), words, np.tile(some, len(laden)))
        outcome = yield Ask(texts, None, LABEL)
        asked += len(texts)
        share[light] = brief.reached(outcome.decisions).reshape(len(laden), len(some)).mean(axis=1)
        light = (share > 0.8) & (len(against) > 0) & bool(outcome.answered.all())
        if not light.any():
            break
        load[light] += 1
    return share, load, asked


def _laden(carriers: Records, against: WordList, load: Ints, turn: int = 0) -> Records:
    """Return carriers with as many words of the opposite kind as their loads say, other ones on each and each turn."""
    mild = against.spaced[min(MILD, len(against) // 2) : -1]
    if not len(mild):
        return carriers
    return messages(
        text + "".join(mild[(10 * i + 3 * turn + j) % len(mild)] for j in range(n))
        for i, (text, n) in enumerate(zip(carriers, load, strict=True))
    )


def _with(texts: Records, words: WordList, which: Ints) -> Records:
    return np.asarray(texts + words.spaced[which], dtype=object)
