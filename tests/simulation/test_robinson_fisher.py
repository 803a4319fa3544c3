"""The mail filter: against the formulas as they are published, message by message."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from vauban.targets.robinson_fisher import RobinsonFisher

TEXTS = [
    "cheap pills now",
    "cheap watches now",
    "lunch tomorrow maybe",
    "minutes of the meeting",
    "meeting tomorrow now",
]
LABELS = np.array([1, 1, 0, 0, 0])


def by_hand(text, s=0.45, x=0.5, least=0.1):
    good, bad = [set(t.split()) for t, y in zip(TEXTS, LABELS, strict=True) if not y], []
    bad = [set(t.split()) for t, y in zip(TEXTS, LABELS, strict=True) if y]
    p = []
    for word in {w for w in text.split() if 3 <= len(w) <= 40}:
        b, g = (sum(word in t for t in side) for side in (bad, good))
        raw = (b / len(bad)) / (b / len(bad) + g / len(good)) if b + g else x
        f = (s * x + (b + g) * raw) / (s + b + g)
        if abs(f - 0.5) >= least:
            p.append(f)
    if not p:
        return 0.5
    ham = 1 - chi2.sf(-2 * sum(math.log(1 - f) for f in p), 2 * len(p))
    spam = 1 - chi2.sf(-2 * sum(math.log(f) for f in p), 2 * len(p))
    return (ham - spam + 1) / 2


@pytest.mark.parametrize(
    "text", ["cheap meeting now", "cheap pills", "minutes tomorrow lunch", "unheard of", "cheap cheap"]
)
def test_scores_are_those_of_the_formulas(text):
    model = RobinsonFisher().fit(TEXTS, LABELS)
    assert model.predict_proba([text])[0, 1] == pytest.approx(by_hand(text), abs=1e-9)


def test_learning_bit_by_bit_is_learning_at_once_and_unlearning_forgets():
    whole = RobinsonFisher().fit(TEXTS, LABELS)
    bits = RobinsonFisher().fit(TEXTS[:2], LABELS[:2]).partial_fit(TEXTS[2:], LABELS[2:])
    assert np.array_equal(whole.predict_proba(TEXTS), bits.predict_proba(TEXTS))
    bits.partial_fit(["lunch lunch pills"], [1]).unlearn(["lunch lunch pills"], [1])
    assert np.array_equal(whole.predict_proba(TEXTS), bits.predict_proba(TEXTS))


def test_only_the_words_furthest_from_one_half_count():
    model = RobinsonFisher(most=1).fit(TEXTS, LABELS)
    strongest = max(TEXTS[0].split(), key=lambda w: abs(model.predict_proba([w])[0, 1] - 0.5))
    assert model.predict_proba([TEXTS[0]])[0, 1] == model.predict_proba([strongest])[0, 1]


@pytest.mark.data
def test_a_hundred_dictionary_mails_make_the_filter_unusable():
    """Nelson et al. (LEET 2008): 1 % of the mails that a filter learns."""
    from vauban.causative.words import vocabulary
    from vauban.datasets import load

    data = load("enron", rows=6000)
    texts, labels = data.frame["text"].to_numpy(), data.labels
    model = RobinsonFisher().fit(texts[:4500], labels[:4500])
    ham = texts[4500:][labels[4500:] == 0]

    def lost():
        return (model.predict_proba(ham)[:, 1] >= 0.15).mean()

    assert lost() < 0.1
    model.partial_fit([" ".join(vocabulary(texts[:4500]))] * 45, [1] * 45)
    assert lost() > 0.7
