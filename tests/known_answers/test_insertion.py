import numpy as np
import pytest

from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.tactics.logistic import Columns, fit, loss, pull, uphill

MOVABLE = Price(up=1.0, down=1.0)
PLANE = TableSchema(tuple(Feature(n, Kind.NUMERIC, -10, 10, price=MOVABLE) for n in ("a", "b")))


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(size=(60, 3)), np.ones(60)]
    y = (x[:, 0] + 0.5 * rng.normal(size=60) > 0).astype(float)
    held = np.c_[rng.normal(size=(40, 3)), np.ones(40)]
    return x, y, held, (held[:, 0] > 0).astype(float)


def test_newton_finds_what_scikit_learn_finds(problem):
    from sklearn.linear_model import LogisticRegression

    x, y, _, _ = problem
    theirs = LogisticRegression(C=1 / (0.01 * len(x)), fit_intercept=False, tol=1e-10, max_iter=1000).fit(x, y).coef_[0]
    assert fit(x, y, 0.01) == pytest.approx(theirs, abs=1e-4)


def test_the_gradient_is_that_of_retraining(problem):
    x, y, held, truth = problem

    def after(point):
        moved = x.copy()
        moved[0] = point
        return loss(held, truth, fit(moved, y, 0.01))

    w = fit(x, y, 0.01)
    harm = held.T @ (1 / (1 + np.exp(-held @ w)) - truth) / len(held)
    slope = uphill(x[:1], y[:1], w, pull(x, w, 0.01, harm))[0]
    for j in range(3):
        step = np.zeros(4)
        step[j] = 1e-4
        assert slope[j] == pytest.approx((after(x[0] + step) - after(x[0] - step)) / 2e-4, rel=1e-3, abs=1e-8)


def test_columns_are_standardised_and_missing_values_are_the_mean():
    records = np.array([[0.0, 1.0], [2.0, np.nan], [4.0, 3.0]])
    x = Columns.of(PLANE, records).matrix(records)
    assert x[:, 0].mean() == pytest.approx(0)
    assert x[:, 0].std() == pytest.approx(1)
    assert x[1, 1] == 0
    assert (x[:, -1] == 1).all()
