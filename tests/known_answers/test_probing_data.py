"""Exploration of models of real data: what questions are worth to an attacker who has look-alikes with labels."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binomtest

from vauban.audit.answers import Oracle
from vauban.audit.runner import scout
from vauban.catalogue import entry
from vauban.contracts import LABEL, SCORE, Brief, Known
from vauban.scenarios import scenario
from vauban.threat import Budget, Cell

pytestmark = pytest.mark.data

trained = cache(lambda name, data, model: scenario(name).system(data, model, 0))

CASES = [
    ("credit", "german", "logistic-regression", SCORE, 200),
    ("credit", "german", "hist-gradient-boosting", LABEL, 500),
    ("credit", "taiwan", "logistic-regression", LABEL, 200),
    ("credit", "taiwan", "hist-gradient-boosting", SCORE, 500),
    ("spam", "sms", "logistic-regression", SCORE, 500),
]


@pytest.mark.parametrize(("name", "data", "model", "grants", "budget"), CASES)
def test_answers_are_worth_more_than_labels(name, data, model, grants, budget):
    system = trained(name, data, model)
    target = system.target
    known = target.schema.encode(system.parts.known.frame)
    labels = np.asarray(system.parts.known.labels).astype(np.int8)
    fresh = target.schema.encode(system.parts.victims.frame)[:4000]
    truth = target.answer(fresh, LABEL).decisions
    right = []
    for questions in (0, budget):
        own = Known(known, labels, np.ones(len(known), dtype=bool))
        brief = Brief(Cell.EI, target.schema, grants, Budget(scouting=questions), own, scale=target.scale)
        scouted = scout(entry("probing").make(), "probing", brief, Oracle(target))
        assert scouted.queries == questions
        right.append(scouted.intelligence.decide(fresh) == truth)
    assert better(right[1], right[0])


@pytest.mark.parametrize("model", ["logistic-regression", "hist-gradient-boosting"])
def test_each_kind_of_exploration_wins_where_it_looks(model):
    """The slice: one month late, an eighth of the clients and the hard ones."""
    system = trained("credit", "taiwan", model)
    target = system.target
    known = target.schema.encode(system.parts.known.frame)
    labels = np.asarray(system.parts.known.labels).astype(np.int8)
    fresh = target.schema.encode(system.parts.victims.frame)
    truth = target.answer(fresh, LABEL).decisions
    late = target.schema.index("PAY_0")
    right = []
    for aimed in (known[:, late] == 1, np.ones(len(known), dtype=bool)):
        brief = Brief(Cell.EI, target.schema, LABEL, Budget(scouting=300), Known(known, labels, aimed))
        picture = scout(entry("probing").make(), "probing", brief, Oracle(target)).intelligence
        right.append(picture.decide(fresh) == truth)
    inside = fresh[:, late] == 1
    targeted, all_kinds = right
    assert better(targeted[inside], all_kinds[inside])
    assert better(all_kinds[~inside], targeted[~inside])


def better(a, b):
    """Whether a is right significantly more often than b on the same records (McNemar's exact test, 5 %)."""
    wins, losses = int((a & ~b).sum()), int((b & ~a).sum())
    return wins > losses and binomtest(wins, wins + losses).pvalue < 0.05
