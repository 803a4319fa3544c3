"""Random words: exactly as drawn, uniform, and no more than their number says."""

from __future__ import annotations

import numpy as np
import pytest

from vauban.audit.answers import Oracle
from vauban.audit.runner import search
from vauban.contracts import LABEL, Ask, Brief, Cohort, Known, NothingLearnt, Outcome, Scale, drive
from vauban.errors import BadInput
from vauban.exploratory.random_search import RandomSearch
from vauban.records import messages
from vauban.schema import TextSchema
from vauban.targets import CallableTarget
from vauban.threat import Budget, Cell, Decision

WORDS = [f"word{i:02d}" for i in range(40)]
KNOWN = Known(messages([" ".join(WORDS)]), np.array([0], dtype=np.int8), np.ones(1, dtype=bool))
TEXTS = messages(["buy now", "win big", "call us"])


def brief(known: Known = KNOWN, queries: int = 200, schema: TextSchema | None = None) -> Brief:
    return Brief(Cell.EI, schema or TextSchema(), LABEL, Budget(queries=queries), known, scale=Scale.MARGIN)


def asked(attack: RandomSearch, told: Brief, ids: tuple[int, ...] = (0, 1, 2)) -> list[tuple[int, list[str]]]:
    """What is asked of a filter that blocks everything: victims and the words added."""
    used = np.zeros(len(TEXTS), dtype=np.int64)

    def answer(ask: Ask) -> Outcome:
        nonlocal used
        rank = np.array([int((ask.owner[:i] == o).sum()) for i, o in enumerate(ask.owner)])
        answered = rank < told.budget.queries - used[ask.owner]
        used = used + np.bincount(ask.owner[answered], minlength=len(TEXTS))
        decisions = np.where(answered, Decision.BLOCK, Decision.UNANSWERED).astype(np.int8)
        return Outcome(answered, decisions, None, None, told.budget.queries - used)

    cohort = Cohort(TEXTS[list(ids)], np.array(ids), (3,))
    _, trail = drive(attack.search(cohort, NothingLearnt(), told), answer)
    return [(int(i), t.removeprefix(TEXTS[i]).split()) for a in trail for i, t in zip(a.owner, a.records, strict=True)]


def test_exactly_as_many_words_and_draws_as_said():
    rows = asked(RandomSearch(words=10, draws=1), brief())
    assert [i for i, _ in rows] == [0, 1, 2]
    assert all(len(set(words)) == 10 and set(words) <= set(WORDS) for _, words in rows)
    assert len({tuple(words) for _, words in rows}) == 3


def test_sizes_double_until_the_budget_is_spent_and_no_set_is_asked_twice():
    rows = asked(RandomSearch(), brief())
    assert {len(words) for _, words in rows} == {1, 2, 4, 8, 16, 32}
    keys = [(i, tuple(sorted(words))) for i, words in rows]
    assert len(keys) == len(set(keys))
    assert min(np.bincount([i for i, _ in rows])) >= 200


def test_every_word_is_drawn_as_often_as_any_other():
    rows = [words for i, words in asked(RandomSearch(words=1), brief()) if i == 0]
    assert sorted(word for (word,) in rows) == WORDS


def test_draws_depend_on_the_victim_alone():
    alone = asked(RandomSearch(), brief(), ids=(1,))
    assert alone == [row for row in asked(RandomSearch(), brief()) if row[0] == 1]


def test_it_reaches_what_chance_reaches():
    """A filter that passes whatever holds the one word: each draw of a single word has one chance in forty."""

    def margin(texts: list[str]) -> list[float]:
        return [-1.0 if "word07" in text.split() else 1.0 for text in texts]

    target = CallableTarget(margin, TextSchema(), threshold=0.0, scale=Scale.MARGIN)
    victims = messages(f"offer {i}" for i in range(2000))
    once, _ = search(RandomSearch(words=10, draws=1), "r", brief(), NothingLearnt(), victims, Oracle(target), seed=(1,))
    assert abs(once.success.mean() - 10 / 40) < 4 * np.sqrt(0.25 * 0.75 / 2000)
    assert np.unique(once.cost[once.success]).tolist() == [10.0]
    best, _ = search(RandomSearch(), "r", brief(), NothingLearnt(), victims[:50], Oracle(target), seed=(1,))
    assert best.cost.tolist() == [1.0] * 50


def test_room_is_respected_and_without_words_nothing_is_asked():
    tight = TextSchema(longest=len("buy now") + len(" word00"))
    assert {len(words) for _, words in asked(RandomSearch(), brief(schema=tight))} == {1}
    nothing = Known(messages([]), np.empty(0, dtype=np.int8), np.empty(0, dtype=bool))
    assert asked(RandomSearch(), brief(nothing)) == []
    assert asked(RandomSearch(), brief(), ids=()) == []


@pytest.mark.parametrize("wrong", [{"words": 0}, {"draws": 0}, {"most": 0}])
def test_sizes_that_are_none_are_refused(wrong):
    with pytest.raises(BadInput, match="1 or more"):
        RandomSearch(**wrong)
