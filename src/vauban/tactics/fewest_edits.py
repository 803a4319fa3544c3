"""The fewest rewritten words that reach the goal, for one victim: with scores, or by decisions alone."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Floats
from vauban.tactics.near_front import sets_near_front
from vauban.tactics.rewording import Edit, Edits, Page

CHUNK = 32
"""Questions in one round of a long search: what was found in a round shortens the next."""

WEIGHED = 64
"""Words of a long message that are tried alone, and prefixes of a ranking that are tried one by one."""

WIDTH = 24
"""Edits tried at each step of the greedy search by score."""

TRIED = 3
"""Spellings of each word that are told apart by score."""


def fewest_edits(page: Page, gain: Mapping[Edit, float], tries: int) -> Generator[Ask, Outcome, None]:
    """Find edits of a page that reach the goal, then do with fewer. The page remembers the cheapest.

    Args:
        page: the victim's.
        gain: what he believes of each edit: how far it leads towards the goal.
        tries: questions on sets of one size, and of the greedy search.
    """
    if not page.words:
        return
    gain = dict(gain)
    if page.scored:
        yield from _weigh(page, gain)
    line = ranked(gain)
    yield from _prefixes(page, line)
    if page.scored:
        yield from _greedy(page, line[:WIDTH], tries)
    level = 1
    while page.best is None and level < max(map(len, page.spellings)):
        heavier = [(at, min(level, len(page.spellings[at]) - 1)) for at, _ in line]
        yield from _prefixes(page, heavier)
        line = line if page.best is None else heavier
        level += 1
    yield from _drop(page)
    yield from _with_fewer(page, line, gain, tries)


def ranked(gain: Mapping[Edit, float]) -> list[Edit]:
    """Return the best edit of each word, those that promise most first."""
    best: dict[int, Edit] = {}
    for edit in sorted(gain, key=lambda e: (-gain[e], e)):
        best.setdefault(edit[0], edit)
    return list(best.values())


def _weigh(page: Page, gain: dict[Edit, float]) -> Generator[Ask, Outcome, None]:
    """Measure by score what edits of the most promising words do, those of a word that occurs again also together."""
    first = [at for at, _ in ranked(gain)[:WEIGHED]]
    tries: list[Edits] = [((at, k),) for at in first for k in range(min(TRIED, len(page.spellings[at])))]
    again: dict[str, list[int]] = {}
    for at in first:
        again.setdefault(page.words[at].casefold(), []).append(at)
    tries += [tuple((at, 0) for at in sorted(places)) for places in again.values() if len(places) > 1]
    _, progress = yield from page.ask([(), *tries])
    found = progress - progress[0]  # the first is the message as it is
    for edits, moved in zip(tries, found[1:].tolist(), strict=True):
        for edit in edits:
            known = gain[edit] if len(edits) > 1 else -np.inf
            gain[edit] = max(known, moved / len(edits)) if np.isfinite(moved) else -np.inf


def _prefixes(page: Page, line: Sequence[Edit]) -> Generator[Ask, Outcome, None]:
    """Find how many edits off the front of a ranking reach the goal: doubling, bisection; then any number, if none."""
    low, high, n = 0, len(line) + 1, 1
    while low < len(line):
        n = min(n, len(line))
        reached, _ = yield from page.ask([front(line, n)])
        if reached[0]:
            high = n
            break
        low, n = n, 2 * n
    if high > len(line):  # edits of words that spoke for the message count against it: fewer may do
        yield from page.ask([front(line, n) for n in range(2, min(len(line), WEIGHED))])
        return
    while high - low > 1:
        n = (low + high) // 2
        reached, _ = yield from page.ask([front(line, n)])
        low, high = (low, n) if reached[0] else (n, high)


def _greedy(page: Page, line: Sequence[Edit], tries: int) -> Generator[Ask, Outcome, None]:
    """Add one edit after the other, each time the one that moves the score most, while that can be the cheapest."""
    edits = front(line, 1)
    while tries > 0:
        taken = {at for at, _ in edits}
        more = [tuple(sorted((*edits, edit))) for edit in line if edit[0] not in taken]
        _, progress = yield from page.ask(more)
        tries -= len(more)
        if not np.isfinite(progress).any():
            return
        edits = more[int(np.nanargmax(progress))]


def _drop(page: Page) -> Generator[Ask, Outcome, None]:
    """Take back each edit of the best in turn, as long as that helps."""
    before = np.inf
    while page.best is not None and page.price < before and len(page.best) > 1:
        before, best = page.price, page.best
        yield from page.ask([best[:i] + best[i + 1 :] for i in range(len(best))])


def _with_fewer(
    page: Page, line: Sequence[Edit], gain: Mapping[Edit, float], tries: int
) -> Generator[Ask, Outcome, None]:
    """Try sets of one edit fewer than the best, or of as many as he can pay where none worked, likely ones first."""
    while True:
        if page.best is None:
            size = page.affordable(line)
            if size == len(line):  # all of them together were tried
                return
        else:
            size = len(page.best) - 1
            worked = {at for at, _ in page.best}
            line = [*page.best, *(edit for edit in line if edit[0] not in worked)]
        if size < 1:
            return
        before = page.price
        sets = sets_near_front(size, len(line), 2 * tries)
        hope: Floats = np.array([gain[edit] for edit in line])[sets].sum(axis=1)
        sets = sets[np.argsort(-hope, kind="stable")[:tries]]
        for start in range(0, len(sets), CHUNK):
            yield from page.ask([front([line[j] for j in row], size) for row in sets[start : start + CHUNK].tolist()])
            if page.price < before:
                break
        if not page.price < before:
            return


def front(line: Sequence[Edit], n: int) -> Edits:
    """Return the first n edits of a ranking, in the order of the text."""
    return tuple(sorted(line[:n]))
