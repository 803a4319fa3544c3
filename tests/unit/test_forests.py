"""The forests that attackers grow themselves."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from vauban.tactics.forests import mean_of_trees


@pytest.mark.parametrize("kind", [RandomForestClassifier, RandomForestRegressor])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_a_forest_says_to_the_bit_what_scikit_learn_says(kind, missing):
    rng = np.random.default_rng(0)
    records = rng.normal(0, 3, (300, 5))
    risk = records[:, 0] - 0.5 * records[:, 1] + rng.normal(0, 1, 300)
    records[rng.random(records.shape) < missing] = np.nan
    train, fresh = records[:100], records[100:]
    weights = rng.uniform(0.5, 3, 100)
    if kind is RandomForestClassifier:
        forest = kind(30, min_samples_leaf=2, random_state=1).fit(train, risk[:100] > 0, weights)
        expected = forest.predict_proba(fresh)
    else:
        forest = kind(30, min_samples_leaf=2, random_state=1).fit(train, risk[:100], weights)
        expected = forest.predict(fresh)[:, None]
    before = mean_of_trees(forest, fresh)
    np.testing.assert_array_equal(before, expected)
    np.testing.assert_array_equal(mean_of_trees(forest, fresh), before)  # it adds up in an array of its own
    np.testing.assert_array_equal(mean_of_trees(forest, fresh[7:8]), expected[7:8])
    assert len(np.unique(expected)) > 50
