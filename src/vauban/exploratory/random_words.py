"""Random words: the baseline that any attack by words has to beat."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, NothingLearnt, Outcome, no_scouting
from vauban.errors import BadInput, BudgetSpent
from vauban.records import Ints, Modality
from vauban.schema import TextSchema
from vauban.tactics.additions import Additions
from vauban.tactics.wording import NONE, vocabulary

ROUND = 6
"""Draws of each size asked in one round."""


@dataclass(frozen=True)
class RandomWords:
    """Add words drawn uniformly from those of known messages: 1, 2, 4, 8, ... of them, until the budget is spent.

    Random words do not pass a filter of mail (Wittel and Wu, "On attacking statistical spam filters", CEAS 2004);
    whatever they reach on another filter, good words have to beat.

    Attributes:
        words: draw exactly as many; by default every power of two up to ``most``.
        draws: sets drawn of each size for each victim; by default as many as his budget allows.
        most: words that are drawn at most.
    """

    words: int | None = None
    draws: int | None = None
    most: int = 64

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    def __post_init__(self) -> None:
        """Refuse sizes that are none."""
        if min(n for n in (self.most, self.words, self.draws) if n is not None) < 1:
            raise BadInput(f"Random words are drawn 1 or more at a time. Got {self!r}.")

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        """Ask nothing."""
        return no_scouting(NothingLearnt())

    def search(
        self, cohort: Cohort, intelligence: NothingLearnt, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask about random sets of words, smaller ones once one has worked."""
        schema = brief.schema
        if not isinstance(schema, TextSchema):
            raise BadInput("random-words adds words to messages. Got the schema of a table.")
        state = Additions(cohort, vocabulary(brief.known.records), schema, brief)
        with suppress(BudgetSpent):
            yield from self._draw(state)
        return ()

    def _draw(self, state: Additions) -> Generator[Ask, Outcome, None]:
        n = len(state.words)
        if self.words is not None:
            sizes = np.array([self.words])
        else:
            sizes = 2 ** np.arange(int(self.most).bit_length())
        sizes = sizes[sizes <= min(n, self.words or self.most)]
        if not len(sizes) or not len(state.cohort):
            return
        shuffled = np.array([state.cohort.rng(i).permutation(n) for i in range(len(state.cohort))], dtype=np.int64)
        draws = min(n, self.draws or n)
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
