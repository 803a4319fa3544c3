import numpy as np
import pytest

from vauban.assurance.pairs import find_pairs
from vauban.assurance.rules import Condition, Rule, find_rules
from vauban.schema import Feature, Kind, Price, TableSchema

SCHEMA = TableSchema(
    (
        Feature("age", Kind.INTEGER, 18, 80, price=Price()),
        Feature("income", Kind.NUMERIC, 0, 10_000, price=Price()),
        Feature("purpose", Kind.CATEGORICAL, values=("car", "house", "trip"), price=Price()),
    )
)


def population(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack(
        [rng.integers(18, 81, n).astype(float), rng.uniform(0, 10_000, n), rng.integers(0, 3, n).astype(float)], axis=1
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_region_is_found_and_described(seed):
    records = population(seed=seed)
    planted = (records[:, 1] >= 4000) & (records[:, 1] <= 5000) & (records[:, 2] == 2)
    failed = planted | (np.random.default_rng(seed).uniform(size=len(records)) < 0.02)
    rule = find_rules(SCHEMA, records, failed)[0]
    inside = rule.holds(records)
    assert planted[inside].mean() > 0.9
    assert inside[planted].mean() > 0.9
    assert "income" in rule.text(SCHEMA)
    assert "purpose = trip" in rule.text(SCHEMA)


def test_what_is_expected_anyway_is_no_finding():
    records = population()
    rich = records[:, 1] > 7000
    planted = (records[:, 0] <= 25) & (records[:, 2] == 0)
    failed = rich | planted
    rules = find_rules(SCHEMA, records, failed, most=1, expected=np.where(rich, 0.99, 0.01))
    assert "age up to 25" in rules[0].text(SCHEMA)
    assert "purpose = car" in rules[0].text(SCHEMA)


def test_where_nothing_fails_there_is_no_rule():
    records = population(500)
    assert find_rules(SCHEMA, records, np.zeros(500, dtype=bool)) == []
    assert find_rules(SCHEMA, records[:0], np.zeros(0, dtype=bool)) == []


def test_a_missing_value_meets_no_condition():
    records = np.array([[np.nan, 5.0, np.nan]])
    assert not Rule((Condition(0, -np.inf, 30),)).holds(records)[0]
    assert not Rule((Condition(2, values=(0, 1, 2)),)).holds(records)[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_pair_that_means_nothing_alone_is_found(seed):
    """Of 4,000 records 1,200 pass by what their age does, which is expected, and 60 in a box, which is not."""
    records = population(seed=seed)
    old = records[:, 0] > 60
    box = (records[:, 1] >= 4000) & (records[:, 1] <= 4500) & (records[:, 2] == 1)
    rule = find_pairs(SCHEMA, records, old | box, np.where(old, 0.98, 0.01), 5)[0]
    inside = rule.holds(records)
    assert {c.feature for c in rule.conditions} == {1, 2}
    assert box[inside].mean() > 0.6  # as narrow as bins are
    assert inside[box].mean() > 0.8


def test_pairs_of_what_passes_as_expected_or_not_at_all_are_none():
    records = population(1000)
    old = records[:, 0] > 60
    assert find_pairs(SCHEMA, records, old, np.where(old, 0.98, 0.01), 5) == []
    assert find_pairs(SCHEMA, records, np.zeros(1000, dtype=bool), np.full(1000, 0.01), 5) == []
    assert find_pairs(SCHEMA, records[:0], np.zeros(0, dtype=bool), np.zeros(0), 5) == []


def test_a_missing_value_is_in_no_box():
    records = population(1000)
    records[:300, 1] = np.nan
    box = (records[:, 1] >= 4000) & (records[:, 1] <= 5000) & (records[:, 2] == 1)
    rule = find_pairs(SCHEMA, records, box, np.full(1000, 0.01), 1)[0]
    assert box[rule.holds(records)].mean() > 0.7


def test_of_very_many_features_the_surprising_ones_are_paired(monkeypatch):
    monkeypatch.setattr("vauban.assurance.pairs.FEATURES", 8)
    schema = TableSchema(tuple(Feature(f"x{j}", Kind.NUMERIC, 0, 1, price=Price()) for j in range(90)))
    records = np.random.default_rng(0).uniform(size=(3000, 90))
    box = (records[:, 70] > 0.4) & (records[:, 70] < 0.6) & (records[:, 85] > 0.1) & (records[:, 85] < 0.3)
    rule = find_pairs(schema, records, box, np.full(3000, 0.01), 1)[0]
    assert {c.feature for c in rule.conditions} == {70, 85}
