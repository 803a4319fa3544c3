"""Decisions one unit in the last place either side of a threshold, and models read as sums of parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from vauban.contracts import SCORE
from vauban.errors import TargetError
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.targets import CallableTarget, EstimatorTarget
from vauban.targets.deciding import answers_from, decide, rounded
from vauban.threat import Decision, Grant

SCHEMA = TableSchema((Feature("x", Kind.NUMERIC, price=Price(1, 1)),))


@pytest.mark.parametrize("threshold", [0.5, 0.1, 0.9999999, 1e-9, -3.7, 12345.678])
def test_the_last_bits_decide_nothing(threshold: float) -> None:
    up, down = np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)
    told = answers_from([down, threshold, up], 3, threshold, 0.0, "m")
    assert (told.decisions == Decision.BLOCK).all()
    assert len(set(told.scores.tolist())) == 1
    clear = abs(threshold) * 1e-11
    told = answers_from([threshold - clear, threshold + clear], 2, threshold, 0.0, "m")
    assert told.decisions.tolist() == [Decision.PASS, Decision.BLOCK]


def test_twelve_digits_are_kept() -> None:
    scores = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.random.default_rng(1).integers(-9, 9, 1000)
    assert (np.abs(rounded(scores) - scores) <= 1e-12 * np.abs(scores)).all()
    assert (rounded(rounded(scores)) == rounded(scores)).all()
    assert rounded(np.array([0.0, 1.0, 0.5, -2.0])).tolist() == [0.0, 1.0, 0.5, -2.0]


def test_the_threshold_itself_is_blocked() -> None:
    assert decide(rounded(np.array([0.3])), 0.1 + 0.2).tolist() == [Decision.BLOCK]
    target = CallableTarget(lambda frame: frame["x"], SCHEMA, 0.5)
    told = target.answer(np.array([[0.5], [0.5 - 1e-9]]), SCORE)
    assert told.decisions.tolist() == [Decision.BLOCK, Decision.PASS]


# --- sums of parts --------------------------------------------------------------------------------

MIXED = TableSchema(
    (
        Feature("age", Kind.INTEGER, 18, 90, price=Price(1, 1), dtype="float64"),
        Feature("sum", Kind.NUMERIC, 0, 1e5, price=Price(1, 1)),
        Feature("job", Kind.CATEGORICAL, values=("none", "part", "full"), price=Price.flat(3, 1), dtype="object"),
        Feature("home", Kind.BOOLEAN, price=Price.flat(2, 1), dtype="bool"),
    )
)


def applicants(n: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.integers(18, 90, n)),
            "sum": rng.normal(5000, 1500, n).clip(0),
            "job": pd.Series(rng.choice(["none", "part", "full"], n), dtype=object).where(rng.random(n) > 0.15, None),
            "home": rng.random(n) < 0.5,
        }
    )
    risk = frame["sum"] / 2000 - frame["age"].fillna(40) / 30 + (frame["job"] == "none") + rng.normal(0, 1, n)
    return frame, (risk > 1.4).to_numpy().astype(int)


def fitted(model: object) -> EstimatorTarget:
    frame, labels = applicants()
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "sum"]),
            ("names", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["job", "home"]),
        ]
    )
    pipeline = make_pipeline(prepare, model).fit(frame, labels)
    return EstimatorTarget(pipeline, MIXED, 0.4, name="m", sample=MIXED.encode(frame))


def test_a_linear_model_is_read_exactly_missing_values_too() -> None:
    target = fitted(LogisticRegression())
    assert {Grant.STRUCTURE, Grant.GRADIENT} <= target.grants
    records = MIXED.encode(applicants(500)[0])
    assert np.isnan(records[:, 0]).any()
    assert np.isnan(records[:, 2]).any()
    margin = target.structure().margin(records)
    told = target.answer(records, SCORE)
    expected = np.log(told.scores) - np.log1p(-told.scores) - np.log(0.4 / 0.6)
    assert margin.tolist() == pytest.approx(expected.tolist(), abs=1e-7)
    assert ((margin >= 0) == (told.decisions == Decision.BLOCK)).all()


def test_a_missing_value_is_worth_what_the_model_makes_of_it() -> None:
    target = fitted(LogisticRegression())
    inside = target.structure()
    frame, _ = applicants()
    mean = float(frame["age"].mean())
    assert inside.missing[0] == pytest.approx(inside.weights[0] * mean, rel=1e-6)
    assert np.isnan(inside.missing[1])  # never missing in the sample: nobody knows


def test_the_parts_of_the_other_class() -> None:
    frame, labels = applicants()
    numbers = frame[["sum"]]
    model = LogisticRegression().fit(numbers / 1000, np.where(labels == 1, "bad", "good"))
    schema = TableSchema((Feature("sum", Kind.NUMERIC, price=Price(1, 1)),))
    sample = schema.encode(numbers / 1000)
    bad = EstimatorTarget(model, schema, harmful="bad", sample=sample).structure()
    good = EstimatorTarget(model, schema, harmful="good", sample=sample).structure()
    assert bad.weights[0] > 0
    assert good.weights[0] == pytest.approx(-bad.weights[0])
    assert good.offset == pytest.approx(-bad.offset)


@pytest.mark.parametrize(
    "model", [HistGradientBoostingClassifier(max_iter=5, random_state=0), GaussianNB()], ids=lambda m: type(m).__name__
)
def test_a_model_that_is_no_sum_is_not_read(model: object) -> None:
    target = fitted(model)
    assert not target.grants & {Grant.STRUCTURE, Grant.GRADIENT}
    with pytest.raises(TargetError, match="no sum over features"):
        target.structure()


def test_gradients_are_the_weights() -> None:
    target = fitted(LogisticRegression())
    records = MIXED.encode(applicants(3)[0].fillna({"age": 30.0, "job": "part"}))
    told = target.answer(records, SCORE | {Grant.GRADIENT})
    step = records.copy()
    step[:, 1] += 10
    inside = target.structure()
    assert (inside.margin(step) - inside.margin(records)).tolist() == pytest.approx(
        (10 * told.gradients[:, 1]).tolist()
    )
    assert np.isnan(told.gradients[:, 2:]).all()
