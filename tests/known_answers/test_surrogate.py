"""The substitute proposes, the model decides: where only certain values together pass, look-alikes show which."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vauban.audit.answers import Oracle
from vauban.audit.plan import brief_for, make_plan
from vauban.audit.runner import scout, search
from vauban.catalogue import entry
from vauban.contracts import LABEL
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.system import System, split
from vauban.targets import CallableTarget
from vauban.threat import Budget, Cell, ThreatModel

SCHEMA = TableSchema(tuple(Feature(f"x{j}", Kind.NUMERIC, 0, 10, price=Price(1.0, 1.0)) for j in range(6)))


def passes(frame):
    """Two narrow ways through, each of two features together."""
    one = frame["x0"].between(2, 3.5) & frame["x1"].between(6, 8)
    other = frame["x2"].between(7, 8.5) & frame["x3"].between(1, 3)
    return one | other


@pytest.fixture(scope="module")
def system():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(0, 10, size=(4000, 6)), columns=SCHEMA.names)
    labels = (~passes(frame)).astype(int).to_numpy()
    target = CallableTarget(lambda f: 1.0 - passes(f).to_numpy(dtype=float), SCHEMA, 0.5, name="two ways")
    return System("planted", target, split(frame, labels, 0), None, {"name": "planted"})


def played(system, name, queries, seed=0):
    threat = ThreatModel(Cell.EI, grants=LABEL, budget=Budget(queries, queries))
    front = make_plan(system, [threat], [name], 60).fronts[0]
    brief = brief_for(front, system.target, name, seed)
    oracle = Oracle(system.target)
    learnt = scout(entry(name).make(), name, brief, oracle).intelligence
    return search(entry(name).make(), name, brief, learnt, front.victims, oracle, seed=(seed, 1))[0], learnt


def test_all_get_through_and_nearly_as_cheaply_as_can_be(system):
    judged, _ = played(system, "surrogate", 300)
    assert judged.success.all()
    x = system.parts.victims.frame.loc[:, list(SCHEMA.names)].to_numpy()
    x = x[(system.parts.victims.labels == 1)]

    def short(column, low, high):
        return np.maximum(low - x[:, column], 0) + np.maximum(x[:, column] - high, 0)

    best = np.minimum(short(0, 2, 3.5) + short(1, 6, 8), short(2, 7, 8.5) + short(3, 1, 3))
    assert np.median(judged.cost) <= 1.3 * np.median(best)


def test_the_substitute_knows_which_features_matter(system):
    _, learnt = played(system, "surrogate", 300)
    assert {e.name for e in learnt.effects[:4]} == {"x0", "x1", "x2", "x3"}


def test_with_few_questions_it_pays_less_than_trying_at_random(system):
    ours, _ = played(system, "surrogate", 20)
    random, _ = played(system, "random-search", 20)
    assert ours.success.mean() >= random.success.mean()
    assert np.median(ours.cost) < 0.9 * np.median(random.cost)


def test_it_plays_on_without_labels_or_anything_known(system):
    threat = ThreatModel(Cell.EI, grants=LABEL, budget=Budget(60, 60))
    front = make_plan(system, [threat], ["surrogate"], 10).fronts[0]
    brief = brief_for(front, system.target, "surrogate", 0)
    for known in (
        replace(brief.known, labels=None),
        replace(brief.known, records=brief.known.records[:0], labels=None),
    ):
        bare = replace(brief, known=replace(known, aimed=np.ones(len(known.records), dtype=bool)))
        oracle = Oracle(system.target)
        learnt = scout(entry("surrogate").make(), "surrogate", bare, oracle).intelligence
        judged, _ = search(entry("surrogate").make(), "surrogate", bare, learnt, front.victims, oracle, seed=(1,))
        assert judged.used.max() <= 60
