"""Random words: sets of known words, drawn uniformly, no two of a victim the same."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Ints
from vauban.tactics.additions import Additions
from vauban.tactics.wording import NONE

ROUND = 6
"""Draws of each size asked in one round."""


def add_random_words(
    state: Additions, words: int | None, draws: int | None, most: int
) -> Generator[Ask, Outcome, None]:
    """Ask about random sets of words, smaller ones once one has worked.

    Args:
        state: the cohort, and the words to draw from.
        words: draw exactly as many; None is every power of two up to ``most``.
        draws: sets drawn of each size for each victim; None is as many as his budget allows.
        most: words that are drawn at most.
    """
    n = len(state.words)
    if words is not None:
        sizes = np.array([words])
    else:
        sizes = 2 ** np.arange(int(most).bit_length())
    sizes = sizes[sizes <= min(n, words or most)]
    if not len(sizes) or not len(state.cohort):
        return
    shuffled = np.array([state.cohort.rng(i).permutation(n) for i in range(len(state.cohort))], dtype=np.int64)
    draws = min(n, draws or n)
    for start in range(0, draws, ROUND):
        nth = np.arange(start, min(start + ROUND, draws))
        places = np.concatenate([_draws(nth, int(size), n, int(sizes[-1])) for size in sizes])
        open_ = np.flatnonzero(state.live & (state.price > state.schema.added * sizes[0]))
        if not len(open_):
            return
        rows = np.repeat(open_, len(places))
        sets = shuffled[rows[:, None], np.tile(places, (len(open_), 1))]
        sets[np.tile(places == NONE, (len(open_), 1))] = NONE
        yield from state.ask(rows, sets)


def _draws(nth: Ints, size: int, n: int, wide: int) -> Ints:
    """Return places in a shuffled list of n words: draws of one size, no two the same, padded to ``wide`` with `NONE`.

    The list is cut into sets; once it is used up it is cut again one word further on.
    """
    cuts = n // size
    first = (nth % cuts) * size + nth // cuts
    place = np.arange(wide)
    return np.where(place < size, (first[:, None] + place) % n, NONE)
