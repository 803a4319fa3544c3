"""Exploration against models whose inside is known: what is found, and what finding it is worth."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.stats import binomtest

from vauban.contracts import LABEL, SCORE, Ask, Brief, Known, Outcome, Picture, Scale, drive
from vauban.errors import BudgetSpent
from vauban.exploratory.probing import Probing
from vauban.records import fingerprints, messages
from vauban.schema import Feature, Kind, Price, TableSchema, TextSchema
from vauban.tactics.message_substitute import Words
from vauban.threat import Budget, Cell, Decision, Grant

ANSWERS = {"score": SCORE, "label": LABEL}


def explore(explorer, brief, margin):
    """Run an explorer against a margin function; return its picture and the records that it asked about."""
    asked = []

    def answer(ask: Ask) -> Outcome:
        left = brief.budget.scouting - len(asked)
        if left <= 0:
            raise BudgetSpent("spent")
        assert ask.owner is None
        assert ask.want <= brief.grants
        told = np.arange(len(ask.records)) < left
        asked.extend(ask.records[told])
        m = margin(ask.records)
        decisions = np.where(told, np.where(m >= 0, Decision.BLOCK, Decision.PASS), Decision.UNANSWERED)
        scores = np.where(told, 1 / (1 + np.exp(-m)), np.nan) if Grant.SCORE in ask.want else None
        remaining = np.array([left - told.sum()], dtype=np.int64)
        return Outcome(told, decisions.astype(np.int8), scores, None, remaining)

    picture, _ = drive(explorer.scout(brief), answer)
    return picture, asked


def right(picture, margin, fresh):
    return (picture.decide(fresh) == Decision.BLOCK) == (margin(fresh) >= 0)


def better(a, b):
    """Whether a is right significantly more often than b on the same records (McNemar's exact test, 1 %)."""
    wins, losses = int((a & ~b).sum()), int((b & ~a).sum())
    return wins > losses and binomtest(wins, wins + losses).pvalue < 0.01


# --- tables ---------------------------------------------------------------------------------------

SCHEMA = TableSchema(
    (
        *(Feature(f"x{j}", Kind.NUMERIC, 0, 10, price=Price(1, 1)) for j in range(5)),
        Feature("k", Kind.INTEGER, 0, 40),
        Feature("c", Kind.CATEGORICAL, values=("a", "b", "c", "d"), dtype="object"),
        Feature("b", Kind.BOOLEAN, dtype="object"),
    )
)
SLOPES = np.array([0.9, -0.6, 0.35, 0.1, 0.0, -0.04])
BY_VALUE = np.array([0.0, 0.3, -0.5, 0.9])


def draw(n, rng):
    return np.column_stack(
        [rng.uniform(0, 10, (n, 5)), rng.integers(0, 41, n), rng.integers(0, 4, n), rng.integers(0, 2, n)]
    ).astype(float)


def linear(x):
    return x[:, :6] @ SLOPES + BY_VALUE[x[:, 6].astype(int)] + 0.5 * x[:, 7] - 2.6


def brief_for(grants, budget, records, labels, seed=0, aimed=None, schema=SCHEMA, cell=Cell.EI):
    aimed = np.ones(len(records), dtype=bool) if aimed is None else aimed
    known = Known(records, labels, aimed)
    return Brief(cell, schema, ANSWERS[grants], Budget(scouting=budget), known, seed=(seed,))


def lookalikes(n, seed):
    """Records whose labels follow other weights than the model does."""
    rng = np.random.default_rng(seed)
    x = draw(n, rng)
    labels = x[:, :5] @ np.array([0.3, -0.6, -0.3, 0.4, 0.2]) + rng.normal(0, 1, n) > 1
    return x, labels.astype(np.int8)


@pytest.mark.parametrize(
    ("grants", "budget", "within", "cell", "seed"),
    [
        ("score", 500, 0.05, Cell.EI, 0),
        ("score", 500, 0.05, Cell.EA, 1),
        ("label", 1000, 0.10, Cell.EI, 1),
        ("label", 1000, 0.10, Cell.EA, 0),
    ],
)
def test_finds_features_signs_order_and_thresholds(grants, budget, within, cell, seed):
    x, labels = lookalikes(600, seed)
    picture, asked = explore(Probing(), brief_for(grants, budget, x, labels, seed, cell=cell), linear)
    assert isinstance(picture, Picture)
    assert len(asked) == budget
    effects = {e.name: e for e in picture.effects}
    assert [e.name for e in picture.effects[:3]] == ["x0", "x1", "x2"]
    assert [e.effect for e in picture.effects] == sorted((e.effect for e in picture.effects), reverse=True)
    signs = {"x0": "raises", "x1": "lowers", "x2": "raises", "x3": "raises", "k": "lowers", "b": "raises", "c": "both"}
    assert {n: effects[n].direction for n in signs} == signs
    assert effects["c"].values == ("d", "b", "a", "c")
    assert effects["x4"].effect < effects["x2"].effect / 10
    for j in range(3):
        turn = x[:, j] - linear(x) / SLOPES[j]
        truth = np.median(turn[(turn >= 0) & (turn <= 10)])
        found = effects[f"x{j}"].threshold
        assert found is not None
        assert abs(found - truth) <= within * 10, f"x{j}: {found} for {truth}"


def test_a_step_is_found_where_it_is():
    rng = np.random.default_rng(3)
    x = draw(400, rng)

    def steps(r):
        return np.where(r[:, 5] >= 17, 3.0, -3.0) + 0.1 * r[:, 0] - 0.5

    for grants in ANSWERS:
        picture, _ = explore(Probing(), brief_for(grants, 300, x, None), steps)
        top = picture.effects[0]
        assert (top.name, top.direction, top.threshold) == ("k", "raises", 17.0)


@pytest.mark.parametrize("grants", ANSWERS)
def test_answers_beat_labels_where_they_differ(grants):
    x, labels = lookalikes(600, 5)
    fresh = draw(2000, np.random.default_rng(50))
    before, asked = explore(Probing(), brief_for(grants, 0, x, labels), linear)
    assert asked == []
    assert before.effects  # made of labels alone
    after, _ = explore(Probing(), brief_for(grants, 200, x, labels), linear)
    assert better(right(after, linear, fresh), right(before, linear, fresh))


@pytest.mark.parametrize("grants", ANSWERS)
def test_each_kind_of_exploration_wins_where_it_looks(grants):
    """Inside the slice x4 >= 8 the model turns round; questions there teach of there, and of nowhere else."""

    def two_faced(r):
        inside = r[:, 4] >= 8
        return np.where(inside, 0.9 * (r[:, 1] - 5) - 0.6 * (r[:, 0] - 5), 0.9 * (r[:, 0] - 5) - 0.6 * (r[:, 2] - 5))

    x = draw(2000, np.random.default_rng(7))
    slice_ = x[:, 4] >= 8
    labels = (two_faced(x) + np.random.default_rng(8).normal(0, 4, len(x)) > 0).astype(np.int8)
    aimed, _ = explore(Probing(), brief_for(grants, 300, x, labels, aimed=slice_), two_faced)
    all_kinds, _ = explore(Probing(), brief_for(grants, 300, x, labels), two_faced)
    fresh = draw(8000, np.random.default_rng(9))
    inside, outside = fresh[fresh[:, 4] >= 8], fresh[fresh[:, 4] < 8]
    assert better(right(aimed, two_faced, inside), right(all_kinds, two_faced, inside))
    assert better(right(all_kinds, two_faced, outside), right(aimed, two_faced, outside))
    assert aimed.effects[0].name == "x1"
    assert all_kinds.effects[0].name == "x0"


@pytest.mark.parametrize("grants", ANSWERS)
def test_the_order_of_questions_does_not_depend_on_the_budget(grants):
    x, labels = lookalikes(300, 1)
    long = explore(Probing(), brief_for(grants, 250, x, labels), linear)[1]
    for budget in (70, 170):
        short = explore(Probing(), brief_for(grants, budget, x, labels), linear)[1]
        assert np.array_equal(np.array(short).reshape(-1, 8), np.array(long[:budget]).reshape(-1, 8))


def test_no_question_is_asked_twice_and_every_record_can_occur():
    x, labels = lookalikes(60, 2)  # fewer than questions
    asked = np.array(explore(Probing(), brief_for("label", 300, x, labels), linear)[1])
    share = len(np.unique(fingerprints(asked))) / len(asked)
    assert share > 0.97  # bisections may meet on a grid
    assert (asked >= SCHEMA.lower).all()
    assert (asked <= SCHEMA.upper).all()
    assert (asked[:, 5:] == np.floor(asked[:, 5:])).all()


@pytest.mark.parametrize(
    ("known", "grants"),
    [
        ("none", "label"),
        ("without labels", "score"),
        ("one label", "label"),
        ("missing values", "label"),
        ("missing values", "score"),
    ],
)
def test_whatever_he_starts_with(known, grants):
    x, labels = lookalikes(0 if known == "none" else 200, 4)
    labels = {"without labels": None, "one label": np.zeros_like(labels)}.get(known, labels)
    if known == "missing values":
        x[::3, 2] = np.nan
    fresh = draw(1000, np.random.default_rng(40))

    def model(r):
        return linear(np.nan_to_num(r))

    for budget, least in ((0, 0.0), (3, 0.0), (300, 0.9)):
        picture, asked = explore(Probing(), brief_for(grants, budget, x, labels), model)
        assert len(asked) == budget
        assert right(picture, model, fresh).mean() >= least


def test_a_model_that_blocks_all_is_believed():
    x, labels = lookalikes(300, 6)

    def blocks(r):
        return np.full(len(r), 2.0)

    for grants in ANSWERS:
        picture, _ = explore(Probing(), brief_for(grants, 100, x, labels), blocks)
        assert right(picture, blocks, draw(500, np.random.default_rng(0))).mean() > 0.95


def test_pictures_travel():
    x, labels = lookalikes(200, 1)
    picture, _ = explore(Probing(), brief_for("label", 150, x, labels), linear)
    fresh = draw(200, np.random.default_rng(2))
    again = pickle.loads(pickle.dumps(picture))
    assert np.array_equal(again.decide(fresh), picture.decide(fresh))
    assert again.effects == picture.effects
    assert picture.decide(fresh[:0]).shape == (0,)


# --- messages -------------------------------------------------------------------------------------

FILLER = tuple(f"word{i:02d}" for i in range(60))
WEIGHTS = {"prize": 3.0, "winner": 2.2, "cash": 1.5, "meeting": -2.6, "lunch": -1.8, "thanks": -1.2}
MISLED = {"prize": 1.0, "winner": -1.0, "cash": 2.5, "meeting": 1.5, "lunch": -2.5, "thanks": 0.0}


def compose(n, seed, more=()):
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        own = [w for w in WEIGHTS if rng.random() < 0.35]
        words = [*own, *more, *rng.choice(FILLER, size=rng.integers(4, 12))]
        out.append(" ".join(rng.permutation(words)))
    return messages(out)


def summed(weights, offset=0.0):
    def margin(records):
        held = np.array([[w in t.split() for w in weights] for t in records]).reshape(len(records), len(weights))
        return held @ np.array(list(weights.values())) + offset

    return margin


# Small weights on the other words: without them many weights of the six decide alike, and no label tells them apart.
BACKGROUND = dict(zip(FILLER, np.random.default_rng(99).permutation(np.linspace(-0.7, 0.7, len(FILLER))), strict=True))
FILTER = summed(WEIGHTS | BACKGROUND, -0.4)
TEXTS = TextSchema()


def letters(grants, budget, known, labels, seed=0, aimed=None, schema=TEXTS):
    return brief_for(grants, budget, known, labels, seed, aimed, schema)


def misled(records, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1, len(records))
    return (summed(MISLED, -0.5)(records) + noise > 0).astype(np.int8)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("grants", "budget"), [("score", 500), ("label", 1000)])
def test_finds_words_signs_and_order(grants, budget, seed):
    known = compose(800, seed)
    picture, asked = explore(Probing(), letters(grants, budget, known, misled(known), seed), FILTER)
    assert isinstance(picture, Picture)
    assert len(asked) == budget
    assert [e.name for e in picture.effects[:3]] == ["prize", "meeting", "winner"]
    assert {e.name for e in picture.effects[:6]} == set(WEIGHTS)
    found = {e.name: e.direction for e in picture.effects}
    assert {w: found[w] for w in WEIGHTS} == {w: "raises" if v > 0 else "lowers" for w, v in WEIGHTS.items()}


@pytest.mark.parametrize("grants", ANSWERS)
def test_answers_of_a_filter_beat_labels_where_they_differ(grants):
    known, fresh = compose(800, 3), compose(1500, 30)
    before, asked = explore(Probing(), letters(grants, 0, known, misled(known)), FILTER)
    assert asked == []
    after, _ = explore(Probing(), letters(grants, 200, known, misled(known)), FILTER)
    assert better(right(after, FILTER, fresh), right(before, FILTER, fresh))


@pytest.mark.parametrize("grants", ANSWERS)
def test_each_kind_of_exploration_of_a_filter_wins_where_it_looks(grants):
    turned = summed({w: -v for w, v in (WEIGHTS | BACKGROUND).items()}, 0.4)

    def two_faced(records):
        inside = np.array(["invoice" in t for t in records], dtype=bool)
        return np.where(inside, turned(records), FILTER(records))

    ours, theirs = compose(400, 11, more=("invoice",)), compose(1600, 12)
    known = np.concatenate([ours, theirs])
    labels = np.random.default_rng(1).integers(0, 2, len(known)).astype(np.int8)
    slice_ = np.arange(len(known)) < len(ours)
    aimed, _ = explore(Probing(), letters(grants, 300, known, labels, aimed=slice_), two_faced)
    all_kinds, _ = explore(Probing(), letters(grants, 300, known, labels), two_faced)
    inside, outside = compose(1000, 13, more=("invoice",)), compose(1000, 14)
    assert better(right(aimed, two_faced, inside), right(all_kinds, two_faced, inside))
    assert better(right(all_kinds, two_faced, outside), right(aimed, two_faced, outside))


@pytest.mark.parametrize("grants", ANSWERS)
def test_the_order_of_questions_about_messages_does_not_depend_on_the_budget(grants):
    known = compose(200, 5)
    long = explore(Probing(), letters(grants, 400, known, misled(known)), FILTER)[1]
    for budget in (0, 1, 70, 230):
        short = explore(Probing(), letters(grants, budget, known, misled(known)), FILTER)[1]
        assert short == long[:budget]


def test_no_message_longer_than_may_be_is_made():
    known = compose(200, 6)
    longest = max(map(len, known))
    brief = letters("label", 400, known, misled(known), schema=TextSchema(longest=longest))
    _, asked = explore(Probing(), brief, FILTER)
    assert max(map(len, asked)) <= longest


@pytest.mark.parametrize("known", [0, 1, 30])
@pytest.mark.parametrize("labelled", [True, False])
def test_whatever_messages_he_starts_with(known, labelled):
    texts = compose(known, 8)
    labels = misled(texts) if labelled else None
    for grants in ANSWERS:
        picture, asked = explore(Probing(), letters(grants, 120, texts, labels), FILTER)
        assert len(asked) <= 120
        assert picture.decide(compose(20, 9)).shape == (20,)


def test_messages_without_words_do_no_harm():
    texts = messages(["", "!!!", "prize", "?"])
    picture, _ = explore(Probing(), letters("score", 50, texts, None), FILTER)
    assert picture.decide(texts).shape == (4,)
    assert Words.of(texts[:2]).listed == ()


def test_pictures_of_filters_travel():
    known = compose(200, 1)
    picture, _ = explore(Probing(), letters("score", 150, known, misled(known)), FILTER)
    fresh = compose(100, 2)
    again = pickle.loads(pickle.dumps(picture))
    assert np.array_equal(again.decide(fresh), picture.decide(fresh))
    assert again.effects == picture.effects


def test_referrals_count_as_what_they_mean_to_him():
    x, labels = lookalikes(300, 1)

    def answer(ask):
        m = linear(ask.records)
        decisions = np.where(m >= 1, Decision.BLOCK, np.where(m >= -1, Decision.REFER, Decision.PASS)).astype(np.int8)
        answered.extend(ask.records)
        if len(answered) > 400:
            raise BudgetSpent("spent")
        return Outcome(np.ones(len(m), dtype=bool), decisions, m, None, np.array([400 - len(answered)]))

    fresh = draw(1000, np.random.default_rng(3))
    for cell, cut in ((Cell.EI, -1.0), (Cell.EA, 1.0)):
        answered: list = []
        known = Known(x, labels, np.ones(len(x), dtype=bool))
        brief = Brief(cell, SCHEMA, SCORE, Budget(scouting=400), known, scale=Scale.MARGIN)
        picture, _ = drive(Probing().scout(brief), answer)
        assert ((picture.decide(fresh) == Decision.BLOCK) == (linear(fresh) >= cut)).mean() > 0.97
