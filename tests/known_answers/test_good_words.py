"""Good words on filters whose optimum is known."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace

import numpy as np
import pytest

from vauban.audit.answers import Oracle
from vauban.audit.judge import Judged
from vauban.audit.runner import scout, search
from vauban.contracts import LABEL, SCORE, Ask, Brief, Cohort, Known, Outcome, Scale, drive
from vauban.errors import BadInput
from vauban.exploratory.good_words import GoodWords, LikedWords
from vauban.records import Records, messages
from vauban.schema import TextSchema
from vauban.targets import CallableTarget
from vauban.threat import Budget, Cell, Decision

GOOD = {f"good{i:02d}": -(0.3 + 0.1 * i) for i in range(30)}
BAD = {f"bad{i:02d}": 0.3 + 0.1 * i for i in range(30)}
DULL = [f"dull{i:02d}" for i in range(40)]
WEIGHTS = {**GOOD, **BAD}
BOTH = pytest.mark.parametrize("access", [LABEL, SCORE], ids=["label", "score"])
SIDES = pytest.mark.parametrize("cell", [Cell.EI, Cell.EA])


def planted(*, counts: bool = False, schema: TextSchema | None = None) -> CallableTarget:
    """A filter that adds up the weights of a message's words, each once or as often as it occurs."""

    def margin(texts: list[str]) -> list[float]:
        bags = [text.casefold().split() for text in texts]
        return [sum(WEIGHTS.get(w, 0.0) for w in (bag if counts else set(bag))) for bag in bags]

    return CallableTarget(margin, schema or TextSchema(), threshold=0.05, scale=Scale.MARGIN)


def known(seed: int = 0, n: int = 400) -> Known:
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(n):
        own, other = (list(BAD), list(GOOD)) if i % 2 else (list(GOOD), list(BAD))
        words = [*rng.choice(own, 5, replace=False), *rng.choice(other, 1), *rng.choice(DULL, 5, replace=False)]
        texts.append(" ".join(rng.permutation(words)))
        labels.append(i % 2)
    return Known(messages(texts), np.array(labels, dtype=np.int8), np.ones(n, dtype=bool))


def brief(cell: Cell, grants: frozenset = LABEL, schema: TextSchema | None = None, **budget: float) -> Brief:
    spend = Budget(**{"queries": 1500, "scouting": 1500, **budget})
    return Brief(cell, schema or TextSchema(), grants, spend, known(), scale=Scale.MARGIN, seed=(7,))


def victims(cell: Cell) -> Records:
    """Messages of one to four words of the weights 3.2, 3.1, ..., padded with words without any."""
    strong = list(BAD if cell is Cell.EI else GOOD)[::-1]
    return messages(f"{' '.join(strong[i : i + 1 + i % 4])} dull00 dull{i:02d}" for i in range(20))


def run(
    attack: GoodWords, target: CallableTarget, told: Brief, records: Records, **how: int
) -> tuple[Judged, LikedWords]:
    oracle = Oracle(target)
    learnt = scout(attack, "good-words", told, oracle).intelligence
    judged, _ = search(attack, "good-words", told, learnt, records, oracle, seed=(7, 1), **how)
    return judged, learnt


def margin_to_go(target: CallableTarget, records: Records, cell: Cell) -> np.ndarray:
    """How far each margin must move so that the decision turns."""
    scores = target.answer(records, SCORE).scores
    return scores - target.threshold if cell is Cell.EI else target.threshold - scores


def fewest(target: CallableTarget, text: str, cell: Cell, most: int, *, again: bool) -> float:
    """The smallest number of words that turns the decision, by trying every set of the strongest ones."""
    own = GOOD if cell is Cell.EI else BAD
    strongest = [w for w in sorted(own, key=lambda w: -abs(own[w])) if w not in text.split()][:most]
    choose = itertools.combinations_with_replacement if again else itertools.combinations
    for n in range(1, most + 1):
        tried = messages(f"{text} {' '.join(words)}" for words in choose(strongest, n))
        if (target.answer(tried, LABEL).decisions == cell.goal).any():
            return float(n)
    return np.inf


@SIDES
@BOTH
@pytest.mark.parametrize("counts", [False, True], ids=["each-once", "counted"])
def test_as_few_words_as_brute_force_finds(cell, access, counts):
    target = planted(counts=counts)
    records = victims(cell)
    judged, _ = run(GoodWords(), target, brief(cell, access), records)
    optimum = [fewest(target, text, cell, 6, again=counts) for text in records]
    assert judged.cost.tolist() == optimum
    assert min(optimum) < max(optimum) < np.inf


@SIDES
def test_scores_rank_the_strongest_words_first(cell):
    _, learnt = run(GoodWords(), planted(), brief(cell, SCORE), victims(cell)[:0])
    own = GOOD if cell is Cell.EI else BAD
    assert [e.name for e in learnt.effects[:5]] == sorted(own, key=lambda w: -abs(own[w]))[:5]
    assert {e.direction for e in learnt.effects} == {"lowers" if cell is Cell.EI else "raises"}


@SIDES
def test_labels_alone_find_the_strongest_words(cell):
    _, learnt = run(GoodWords(), planted(), brief(cell), victims(cell)[:0])
    own = GOOD if cell is Cell.EI else BAD
    strongest = sorted(own, key=lambda w: -abs(own[w]))
    assert set(strongest[:3]) <= {e.name for e in learnt.effects[:8]}
    assert {e.name for e in learnt.effects[:8]} <= set(strongest[:15])


@SIDES
@pytest.mark.parametrize("mode", ["passive", "first-n", "best-n"])
def test_every_mode_finds_words_of_the_right_kind(cell, mode):
    judged, learnt = run(GoodWords(mode), planted(), brief(cell), victims(cell))
    assert judged.success.all()
    assert {e.name for e in learnt.effects[:10]} <= set(GOOD if cell is Cell.EI else BAD)


def test_best_words_need_no_more_than_the_simpler_modes():
    total = {
        m: run(GoodWords(m), planted(), brief(Cell.EI), victims(Cell.EI))[0].cost.sum()
        for m in ("passive", "first-n", "best-n")
    }
    assert total["best-n"] < min(total["passive"], total["first-n"])


@BOTH
def test_room_is_respected_and_used(access):
    records = victims(Cell.EI)
    schema = TextSchema(longest=max(map(len, records)) + 14)  # two words at most
    target = planted(schema=schema)
    judged, _ = run(GoodWords(), target, brief(Cell.EI, access, schema), records)
    to_go = margin_to_go(target, records, Cell.EI)
    best_two = -sum(sorted(GOOD.values())[:2])
    room = np.array([schema.longest - len(t) for t in records])
    assert max(map(len, judged.records)) <= schema.longest
    assert judged.success[(to_go < best_two) & (room >= 14)].all()
    assert not judged.success[to_go > 4 * 3.2].any()


def test_short_words_are_taken_where_room_is_scarce():
    weights = {"of": -1.0, "on": -1.0, "extraordinarily": -1.5, "awful": 1.9}

    def margin(texts: list[str]) -> list[float]:
        return [sum(weights.get(w, 0.0) for w in set(text.split())) for text in texts]

    texts = [*["of on extraordinarily then"] * 6, *["awful then"] * 6, "awful of on"]
    told = Known(messages(texts), np.array([0] * 6 + [1] * 7, dtype=np.int8), np.ones(13, dtype=bool))
    schema = TextSchema(longest=len("awful") + len(" extraordinarily"))
    target = CallableTarget(margin, schema, threshold=0.0, scale=Scale.MARGIN)
    for access in (LABEL, SCORE):
        given = replace(brief(Cell.EI, access, schema), known=told)
        judged, _ = run(GoodWords(), target, given, messages(["awful"]))
        assert judged.cost.tolist() == [2.0]
        assert sorted(judged.records[0].split()) == ["awful", "of", "on"]


@BOTH
def test_many_weak_words_together_do_it(access):
    weak = [f"weak{i:03d}" for i in range(120)]

    def margin(texts: list[str]) -> list[float]:
        bags = [set(text.split()) for text in texts]
        return [9.0 * ("awful" in bag) - 0.1 * len(bag.intersection(weak)) for bag in bags]

    target = CallableTarget(margin, TextSchema(), threshold=0.05, scale=Scale.MARGIN)
    texts = [*[" ".join(weak[i::4]) for i in range(4)] * 20, *["awful then", "then so"] * 20]
    told = Known(messages(texts), np.repeat(np.array([0, 1], dtype=np.int8), [80, 40]), np.ones(120, dtype=bool))
    judged, _ = run(GoodWords(), target, replace(brief(Cell.EI, access), known=told), messages(["awful", "awful so"]))
    assert judged.cost.tolist() == [90.0, 90.0]


def test_a_message_at_the_cap_is_left_alone():
    records = victims(Cell.EI)[:3]
    schema = TextSchema(longest=min(map(len, records)))
    judged, _ = run(GoodWords(), planted(schema=schema), brief(Cell.EI, LABEL, schema), records)
    assert not judged.success.any()
    assert not judged.used.any()


def test_what_the_message_is_for_survives():
    records = messages([f"{t} call 0800 123 4567 or www.win.example £500" for t in victims(Cell.EI)])
    judged, _ = run(GoodWords(), planted(), brief(Cell.EI), records)
    assert judged.success.all()
    assert all(after.startswith(before) for before, after in zip(records, judged.records, strict=True))


@pytest.mark.parametrize("mode", ["passive", "first-n", "best-n"])
def test_without_known_messages_nothing_is_asked(mode):
    nothing = Known(messages([]), np.empty(0, dtype=np.int8), np.empty(0, dtype=bool))
    judged, learnt = run(GoodWords(mode), planted(), replace(brief(Cell.EI), known=nothing), victims(Cell.EI))
    assert not judged.used.any()
    assert learnt.effects == ()


@pytest.mark.parametrize("mode", ["passive", "first-n", "best-n"])
@BOTH
def test_unlabelled_messages_are_enough(mode, access):
    told = brief(Cell.EI, access)
    judged, _ = run(GoodWords(mode), planted(), replace(told, known=replace(told.known, labels=None)), victims(Cell.EI))
    assert judged.success.all()


@BOTH
@SIDES
def test_nothing_depends_on_who_else_is_in_the_cohort(access, cell):
    whole, _ = run(GoodWords(), planted(), brief(cell, access), victims(cell))
    for size in (1, 7):
        parts, _ = run(GoodWords(), planted(), brief(cell, access), victims(cell), cohort_size=size)
        assert parts.records.tolist() == whole.records.tolist()
        assert parts.used.tolist() == whole.used.tolist()


@BOTH
@pytest.mark.parametrize(
    "budget",
    [{"scouting": 0}, {"scouting": 1}, {"scouting": 90}, {"queries": 0}, {"queries": 3}, {"flagged": 2}, {"cost": 2.0}],
)
def test_small_budgets_are_kept(access, budget):
    told = brief(Cell.EI, access, **budget)
    for mode in ("passive", "first-n", "best-n"):
        judged, _ = run(GoodWords(mode), planted(), told, victims(Cell.EI))
        assert judged.used.max() <= told.budget.queries
        assert judged.cost[judged.success].max(initial=0.0) <= (told.budget.cost or np.inf)


def test_words_that_cannot_be_added_are_not():
    schema = TextSchema(added=np.inf)
    judged, _ = run(GoodWords(), planted(schema=schema), brief(Cell.EI, LABEL, schema), victims(Cell.EI))
    assert not judged.used.any()


@BOTH
def test_no_record_is_asked_twice_and_none_that_cannot_help(access):
    target, told, records = planted(), brief(Cell.EI, access), victims(Cell.EI)
    _, learnt = run(GoodWords(), target, told, records)
    used = np.zeros(len(records), dtype=np.int64)
    best = np.full(len(records), np.inf)

    def answer(ask: Ask) -> Outcome:
        nonlocal used
        cost = told.schema.cost(records[ask.owner], ask.records)
        assert (cost < best[ask.owner]).all()
        told_it = target.answer(ask.records, ask.want)
        used = used + np.bincount(ask.owner, minlength=len(records))
        turned = told_it.decisions == Decision.PASS
        np.minimum.at(best, ask.owner[turned], cost[turned])
        scores = told_it.scores if ask.want == SCORE else None
        return Outcome(np.ones(len(cost), dtype=bool), told_it.decisions, scores, None, 10_000 - used)

    _, trail = drive(GoodWords().search(Cohort(records, np.arange(len(records))), learnt, told), answer)
    asked = [(int(i), text) for ask in trail for i, text in zip(ask.owner, ask.records, strict=True)]
    assert len(asked) == len(set(asked))
    assert np.isfinite(best).all()


def test_an_unknown_mode_is_refused():
    with pytest.raises(BadInput, match="passive, first-n, best-n"):
        GoodWords("best")


@pytest.mark.data
def test_sms_spam_passes_with_few_words():
    if "VAUBAN_DATA_DIR" not in os.environ:
        pytest.skip("VAUBAN_DATA_DIR is not set: the SMS Spam Collection is not at hand")
    from vauban.scenarios import scenario

    system = scenario("spam").system("sms", "logistic-regression", 0)
    schema, parts = system.target.schema, system.parts
    spam = schema.encode(parts.victims.frame[parts.victims.labels == 1])
    blocked = spam[system.target.answer(spam, LABEL).decisions == Decision.BLOCK]
    mine = schema.encode(parts.known.frame)
    told = Brief(
        Cell.EI,
        schema,
        LABEL,
        Budget(queries=1500, scouting=1500),
        Known(mine, parts.known.labels, np.ones(len(mine), dtype=bool)),
        scale=system.target.scale,
    )
    judged, _ = run(GoodWords(), system.target, told, blocked)
    assert len(blocked) > 80
    assert np.median(judged.cost) <= 8
    assert (judged.cost <= 10).mean() > 0.7
