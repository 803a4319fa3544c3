"""Good words: add the words that the filter likes best to a message that it blocks, and the mirror image."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import zip_longest

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Effect, Outcome
from vauban.errors import BadInput, BudgetSpent
from vauban.records import Floats, Ints, Modality
from vauban.schema import TextSchema
from vauban.tactics.additions import Additions, packed
from vauban.tactics.carriers import ASKED, CARRIERS, look, on_the_threshold, sample_known
from vauban.tactics.fewest_words import drop, fewest
from vauban.tactics.near_front import sets_near_front
from vauban.tactics.weighing import by_outweighing, by_score, first_to_turn
from vauban.tactics.wording import NONE, WordList, by_frequency_ratio
from vauban.threat import Grant

UNSURE = 0.25
"""Of the strongest word's weight, what any candidate is credited with where room is scarce and short words count."""

CHUNK = 32
"""Questions a victim in one round of a long search: what was found in a round shortens the next."""

VARIETIES = (1, 2, 4, 8)
"""How many different words are repeated in turn; a filter that counts words may fall to one word, often said."""

MOST_SAID = 256
"""Words in all, where a few are repeated in turn."""

MOST_TUNED = 32
"""Words of the largest sets that are tried one by one: a word fewer is worth its questions where it is one of few."""


class Mode(StrEnum):
    """How the words are found (Lowd and Meek 2005): from known messages alone, or by asking."""

    PASSIVE = "passive"
    FIRST_N = "first-n"
    BEST_N = "best-n"


@dataclass(frozen=True)
class LikedWords:
    """What scouting learnt: words that move the decision towards the goal, strongest first.

    Attributes:
        words: all candidate words.
        weights: (w,) comparable among themselves; 0 where a word was found without effect, or not tried.
        raises: whether they raise the harm that the filter sees.
    """

    words: WordList
    weights: Floats
    raises: bool

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The words that were found to matter, strongest first."""
        direction = "raises" if self.raises else "lowers"
        return tuple(
            Effect(word, float(weight), direction)
            for word, weight in zip(self.words.words, self.weights, strict=True)
            if weight > 0
        )


@dataclass(frozen=True)
class GoodWords:
    """Add the words that the filter likes most to a message that it blocks (integrity) until it passes.

    In availability the mirror image: the words that it dislikes most, quoted in a good message until that is blocked.
    Scouting finds the words; the search finds for each victim the smallest number of the best ones that does it, then
    tries to do with fewer.

    After Lowd and Meek, "Good word attacks on statistical spam filters" (CEAS 2005): ``passive`` ranks words by their
    frequency ratio in known messages, ``first-n`` takes the first words that turn a message on the threshold,
    ``best-n`` those that turn messages furthest from it. Scores are used where they are granted.

    Attributes:
        mode: one of `Mode`.
        candidates: words of known messages that are considered.
        first: how many words ``first-n`` looks for.
        tries: questions a victim on single words, to do with fewer (``best-n``).
        width: words tried at each step of the greedy search by score (``best-n``).
    """

    mode: str = Mode.BEST_N
    candidates: int = 1000
    first: int = 100
    tries: int = 500
    width: int = 32

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    def __post_init__(self) -> None:
        """Refuse a mode that is none."""
        if self.mode not in list(Mode):
            raise BadInput(f"good-words has the modes {', '.join(Mode)}. Got {self.mode!r}.")

    # --- scouting ---------------------------------------------------------------------------------

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, LikedWords]:
        """Rank the words of known messages: by frequency ratio, and in the active modes by asking."""
        towards = 0 if brief.cell.harmful else 1
        known = brief.known
        words, ratio = by_frequency_ratio(known.records, known.labels, towards, self.candidates)
        weights = ratio
        if self.mode != Mode.PASSIVE and len(words):
            weights = np.zeros(len(words))
            with suppress(BudgetSpent):
                weights = yield from self._weigh(brief, words)
        order = np.lexsort((np.arange(len(words)), -weights))
        ranked = WordList(tuple(words.words[j] for j in order))
        return LikedWords(ranked, weights[order], raises=not brief.cell.harmful)

    def _weigh(self, brief: Brief, words: WordList) -> Generator[Ask, Outcome, Floats]:
        left = brief.budget.scouting
        texts = sample_known(brief, min(ASKED, max(1, left // 8)))
        seen = yield from look(brief, texts)
        left -= len(texts)
        if Grant.SCORE in brief.grants and self.mode == Mode.BEST_N:
            return (yield from by_score(brief, words, seen, left))
        carriers = yield from on_the_threshold(brief, seen, CARRIERS)
        left -= CARRIERS * max((len(t.split()) for t in texts), default=1).bit_length()
        if not len(carriers):
            return np.zeros(len(words))
        if self.mode == Mode.FIRST_N:
            return (yield from first_to_turn(brief, words, carriers[0], left, self.first))
        known = brief.known
        against, _ = by_frequency_ratio(known.records, known.labels, int(brief.cell.harmful), self.candidates)
        return (yield from by_outweighing(brief, words, against, carriers, left))

    # --- the search -------------------------------------------------------------------------------

    def search(
        self, cohort: Cohort, intelligence: LikedWords, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Find for each victim the fewest of the best words that reach the goal, then try to do with fewer."""
        schema = brief.schema
        if not isinstance(schema, TextSchema):
            raise BadInput("good-words adds words to messages. Got the schema of a table.")
        state = Additions(cohort, intelligence.words, schema, brief)
        with suppress(BudgetSpent):
            yield from self._search(state, intelligence)
        return ()

    def _search(self, state: Additions, intelligence: LikedWords) -> Generator[Ask, Outcome, None]:
        if not state.live.any():
            return
        order = _fitting_first(np.arange(len(state.words)), state)
        yield from fewest(state, order)
        scarce = np.isinf(state.price)
        if scarce.any():
            weights = intelligence.weights / max(intelligence.weights.max(), 1e-300)
            value = (weights + UNSURE) / state.words.lengths[:-1]
            dense = _fitting_first(np.lexsort((np.arange(len(value)), -value)), state)
            order[scarce] = dense[scarce]
            yield from fewest(state, order)
        if self.mode == Mode.BEST_N:
            yield from _said_again(state, order)
            if Grant.SCORE in state.brief.grants:
                order = yield from self._personal(state, order)
                yield from fewest(state, order)
                yield from _said_again(state, order)
                yield from self._greedy(state, order)
            yield from self._do_with_fewer(state, order)
        yield from drop(state)

    def _personal(self, state: Additions, order: Ints) -> Generator[Ask, Outcome, Ints]:
        """Try words alone on each victim; return each one's own order, by the change of score."""
        n = min(self.tries, order.shape[1])
        gain = np.full(order.shape, -np.inf)
        for start in range(0, n, CHUNK):
            rows, columns = np.nonzero(np.ones((len(order), min(CHUNK, n - start)), dtype=bool))
            columns = columns + start
            _, progress = yield from state.ask(rows, order[rows, columns][:, None])
            gain[rows, columns] = np.where(np.isnan(progress), -np.inf, progress)
        best_first = np.argsort(-gain, axis=1, kind="stable")
        return np.take_along_axis(order, best_first, axis=1)

    def _greedy(self, state: Additions, order: Ints) -> Generator[Ask, Outcome, None]:
        """Add one word after the other, each time the one that moves the score most."""
        sets = order[:, :1]
        going = state.live.copy()
        pool = order[:, : self.width]
        while going.any():
            rows = np.repeat(np.flatnonzero(going), pool.shape[1])
            tried = np.column_stack([sets[rows], pool[going].ravel()])
            _, progress = yield from state.ask(rows, tried)
            found = np.full(pool.shape, -np.inf)
            found[going] = np.where(np.isnan(progress), -np.inf, progress).reshape(-1, pool.shape[1])
            going = going & (found.max(axis=1) > -np.inf) & state.live
            chosen = np.take_along_axis(pool, found.argmax(axis=1)[:, None], axis=1)
            sets = np.column_stack([sets, chosen])

    def _do_with_fewer(self, state: Additions, order: Ints) -> Generator[Ask, Outcome, None]:
        """Try sets of one word fewer, or of as many as fit where none has worked; words that worked come first next."""
        at = np.zeros(len(order), dtype=np.int64)
        fit = state.longest(order)
        while True:
            size = np.where(state.size > 0, state.size - 1, np.minimum(fit, MOST_TUNED))
            going = np.flatnonzero(state.live & (size > 0) & (size <= MOST_TUNED) & (at < self.tries))
            if not len(going):
                return
            rows, sets = [], []
            for k in np.unique(size[going]):
                mine = going[size[going] == k]
                places = likely_sets(int(k), order.shape[1], self.tries)
                turn = at[mine, None] + np.arange(CHUNK)
                who, column = np.nonzero(turn < len(places))
                tried = np.full((len(who), int(size[going].max())), NONE, dtype=np.int64)
                tried[:, :k] = order[mine[who, None], places[turn[who, column]]]
                rows.append(mine[who])
                sets.append(tried)
            yield from state.ask(np.concatenate(rows), packed(np.concatenate(sets)))
            now = state.size
            better = going[(now[going] > 0) & (now[going] <= size[going])]
            at[going] += CHUNK
            at[better] = 0
            order[better] = _worked_first(order[better], state.best[better])


def _worked_first(order: Ints, best: Ints) -> Ints:
    """Return orders of words (v, w) with the words of each victim's best set (v, k) moved to the front."""
    worked = (order[:, :, None] == best[:, None, :]).any(axis=2)
    return np.take_along_axis(order, np.argsort(~worked, axis=1, kind="stable"), axis=1)


@cache
def likely_sets(k: int, w: int, most: int) -> Ints:
    """Return sets of k places in an order of w words (m, k), m <= ``most``, likely ones first.

    In turn: sets near the front of the order, each word once; the same with words said again; the first k - 1 with any
    other word; one word said k times.
    """
    share = max(most // 4, 1)
    place = np.arange(min(w, share))
    lifted = np.column_stack([np.tile(np.arange(k - 1), (len(place), 1)), place]) if k <= w else place[:0, None]
    again = np.tile(place[:, None], (1, k))
    families = [sets_near_front(k, w, share), sets_near_front(k, w, share, again=True), lifted, again]
    turns = [row for turn in zip_longest(*(f.tolist() for f in families)) for row in turn if row is not None]
    unique = list(dict.fromkeys(tuple(sorted(row)) for row in turns))
    return np.array(unique, dtype=np.int64).reshape(-1, k)


def _fitting_first(order: Ints, state: Additions) -> Ints:
    """Return an order of words (w,) for each victim (v, w), those last that do not fit into his message at all."""
    each = np.tile(order, (len(state.live), 1))
    tight = np.flatnonzero(state.room < state.words.lengths.max())
    too_long = state.words.lengths[order] > state.room[tight, None]
    each[tight] = np.take_along_axis(each[tight], np.argsort(too_long, axis=1, kind="stable"), axis=1)
    return each


def _said_again(state: Additions, order: Ints) -> Generator[Ask, Outcome, None]:
    """Find how often the first one, two, four, ... words of each victim's order must be said in turn."""
    for variety in VARIETIES:
        yield from fewest(state, order[:, np.arange(MOST_SAID) % min(variety, order.shape[1])])
