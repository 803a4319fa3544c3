"""Which records an insider changes: against retraining without them, and against plain choices."""

import numpy as np
import pytest

from vauban.tactics.logistic import WordColumns, fit, loss, pull
from vauban.tactics.undermining import PENALTY, Lesson, at_half, at_share, deletions, flips


@pytest.fixture(scope="module")
def lesson():
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(size=(120, 3)), np.ones(120)]
    y = (x[:, 0] + 0.7 * rng.normal(size=120) > 0).astype(float)
    bad = y == 1
    return Lesson(x, y, y, bad, bad)


def after_flips(lesson, chosen):
    y = lesson.y.copy()
    y[chosen] = 1 - y[chosen]
    return lesson.fitted(y)


def after_deletions(lesson, chosen):
    left = np.ones(len(lesson.y), dtype=bool)
    left[chosen] = False
    return lesson.fitted(lesson.y, left)


def harm_of(lesson, w):
    return loss(lesson.x[lesson.hurt], lesson.truth[lesson.hurt], w)


@pytest.mark.parametrize(("retrained", "delete"), [(after_flips, False), (after_deletions, True)])
def test_the_influence_is_that_of_retraining(lesson, retrained, delete):
    w = fit(lesson.x, lesson.y, PENALTY)
    p = 1 / (1 + np.exp(-lesson.x @ w))
    hurt = lesson.hurt
    v = pull(lesson.x, w, PENALTY, lesson.x[hurt].T @ (p - lesson.truth)[hurt] / hurt.sum())
    told = ((p - lesson.y) if delete else (1 - 2 * lesson.y)) * (lesson.x @ v)
    before = harm_of(lesson, w)
    true = np.array([harm_of(lesson, retrained(lesson, [i])) - before for i in range(len(lesson.y))])
    assert np.corrcoef(told, true)[0, 1] > 0.98
    assert true[np.argmax(told)] >= np.sort(true)[-3]


def test_flips_do_more_than_far_and_random_ones(lesson):
    sure = np.where(lesson.may, (lesson.x @ lesson.fitted(lesson.y)), -np.inf)
    far = np.argsort(-sure)[:12]
    rng = np.random.default_rng(1)
    by_chance = [at_half(lesson, after_flips(lesson, rng.choice(np.flatnonzero(lesson.may), 12))) for _ in range(20)]
    chosen = flips(lesson, 12, at_half)
    reached = at_half(lesson, after_flips(lesson, chosen))
    assert len(set(chosen.tolist())) == 12
    assert lesson.may[chosen].all()
    assert reached >= at_half(lesson, after_flips(lesson, far))
    assert reached > max(by_chance)


def test_deletions_do_more_than_random_ones(lesson):
    rng = np.random.default_rng(1)
    every = np.flatnonzero(lesson.may)
    by_chance = [at_half(lesson, after_deletions(lesson, rng.choice(every, 15, replace=False))) for _ in range(20)]
    chosen = deletions(lesson, 15, at_half)
    assert lesson.may[chosen].all()
    assert at_half(lesson, after_deletions(lesson, chosen)) > max(by_chance)


def test_a_model_that_blocks_a_share_does_not_mind_a_shift(lesson):
    w = lesson.fitted(lesson.y)
    shifted = w - np.array([0, 0, 0, 100.0])
    assert at_half(lesson, shifted) == 1
    assert at_share(lesson, shifted, 0.5) == pytest.approx(at_share(lesson, w, 0.5))


def test_words_that_tell_the_classes_apart_become_columns():
    texts = np.array(["cash prize today", "cash prize now", "meeting today", "meeting now"], dtype=object)
    columns = WordColumns.of(texts, np.array([1, 1, 0, 0]))
    x = columns.matrix(texts)
    assert set(columns.words.listed) == {"cash", "prize", "meeting", "today", "now"}
    assert x.shape == (4, 6)
    w = fit(x, np.array([1.0, 1, 0, 0]), PENALTY)
    weights = dict(zip(columns.words.listed, w, strict=False))
    assert weights["prize"] > 0.5 > abs(weights["now"]) > -0.5 > weights["meeting"]
    assert (WordColumns.of(texts[:0], np.empty(0)).matrix(texts) == 1).all()
