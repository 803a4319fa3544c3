"""XGBoost, LightGBM and CatBoost, in wrappers and native: contract, categories, missing values, thresholds, attacks."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from vauban import api
from vauban.contracts import SCORE
from vauban.errors import BadInput, TargetError
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.targets import BoosterTarget, EstimatorTarget
from vauban.targets.deciding import rounded
from vauban.testing import target_checks
from vauban.threat import Grant

LIBRARIES = ("xgboost", "lightgbm", "catboost")
PURPOSES = ("other", "car", "home", "none")  # in no alphabetical order: a code is no rank of a name
PRICE = Price(1, 1)
SCHEMA = TableSchema(
    (
        Feature("income a month", Kind.NUMERIC, 0, 100, price=PRICE),
        Feature("purpose", Kind.CATEGORICAL, values=PURPOSES, price=Price.flat(4, 1), dtype="category"),
        Feature("months", Kind.INTEGER, 1, 60, price=PRICE, dtype="int64"),
        Feature("rate", Kind.NUMERIC, 0, 1, price=PRICE, dtype="float32"),
        Feature("grade", Kind.ORDINAL, values=(1, 2, 5, 9), price=PRICE, dtype="int64"),
        Feature("phone", Kind.BOOLEAN, price=Price.flat(2, 1), dtype="bool"),
    )
)


@lru_cache
def table(library: str) -> tuple[np.ndarray, pd.DataFrame, np.ndarray]:
    """Return records, raw frame and labels of three classes; the first is good. CatBoost refuses missing categories."""
    rng = np.random.default_rng(0)
    n = 700
    of = [rng.integers(0, 4, n), rng.integers(1, 61, n), rng.random(n), rng.integers(0, 4, n), rng.integers(0, 2, n)]
    records = np.column_stack([rng.random(n) * 100, *of]).astype(np.float64)
    records[:, 3] = records[:, 3].astype(np.float32)
    risk = -records[:, 0] / 30 + (records[:, 1] == 1) + records[:, 2] / 20 + records[:, 4] / 2 + rng.normal(0, 0.4, n)
    labels = np.digitize(risk, np.quantile(risk, [0.5, 0.8]))
    records[rng.random(n) < 0.15, 0] = np.nan
    records[rng.random(n) < 0.15, 3] = np.nan
    if library != "catboost":
        records[rng.random(n) < 0.15, 1] = np.nan
    return records, SCHEMA.decode(records), labels


def classifier(library: str, **settings):
    module = pytest.importorskip(library, reason=f"{library} is not installed: pip install 'vauban[{library}]'")
    if library == "xgboost":
        return module.XGBClassifier(n_estimators=25, max_depth=4, enable_categorical=True, n_jobs=1, **settings)
    if library == "lightgbm":
        return module.LGBMClassifier(n_estimators=25, num_leaves=15, n_jobs=1, verbose=-1, **settings)
    given = {"iterations": 25, "depth": 4, "verbose": 0, "thread_count": 1, "allow_writing_files": False, **settings}
    return module.CatBoostClassifier(**given)


@lru_cache
def fitted(library: str, several: bool = False):
    _, frame, labels = table(library)
    extra = {"cat_features": ["purpose"]} if library == "catboost" else {}
    return classifier(library, **extra).fit(frame, labels if several else (labels > 0).astype(int))


def booster_of(model):
    if hasattr(model, "get_booster"):
        return model.get_booster()
    if hasattr(model, "booster_"):
        return model.booster_
    import catboost

    plain = catboost.CatBoost()
    plain.load_model(None, blob=model._serialize_model())
    return plain


def alone(library, several=False):
    harmful = (1, 2) if several else 1
    return EstimatorTarget(fitted(library, several), SCHEMA, harmful=harmful, sample=table(library)[0])


def native(library, several=False):
    return BoosterTarget(booster_of(fitted(library, several)), SCHEMA, harmful=(1, 2) if several else 1)


def alone_of_three(library):
    return alone(library, several=True)


def native_of_three(library):
    return native(library, several=True)


def piped(library):
    records, frame, labels = table(library)
    words = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["purpose"]), remainder="passthrough")
    return EstimatorTarget(make_pipeline(words, classifier(library)).fit(frame, labels > 0), SCHEMA, sample=records)


NUMBERS = TableSchema(tuple(Feature(n, Kind.NUMERIC, 0, 100, price=PRICE) for n in ("a", "b", "c")))


def bare(library):
    records, _, labels = table(library)
    matrix = records[:, [0, 2, 3]]
    return EstimatorTarget(classifier(library).fit(matrix, labels > 0), NUMBERS, harmful=1, sample=matrix)


def bare_native(library):
    return BoosterTarget(booster_of(bare(library).estimator), NUMBERS)


def sample_of(target, library):
    records = table(library)[0]
    return records[:, [0, 2, 3]] if target.schema is NUMBERS else records


FORMS = (alone, native, alone_of_three, native_of_three, piped, bare, bare_native)
CHECKS = [c.name for c in target_checks(np.zeros((20, 1)))]


@lru_cache
def built(form, library):
    return form(library)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", CHECKS)
def test_the_contract(form, library, name) -> None:
    target = built(form, library)
    {c.name: c for c in target_checks(sample_of(target, library))}[name].run(target)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("form", [alone, native])
def test_scores_are_what_the_wrapper_says_of_the_raw_frame(form, library, several) -> None:
    told = form(library, several).answer(table(library)[0], SCORE).scores
    says = np.asarray(fitted(library, several).predict_proba(table(library)[1]), dtype=np.float64)
    np.testing.assert_array_equal(told, rounded(says[:, 1:].sum(axis=1)))
    assert 0.1 < (told >= 0.5).mean() < 0.9


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("form", [alone, alone_of_three, bare])
def test_a_wrapper_alone_is_asked_through_its_booster(form, library) -> None:
    assert built(form, library)._native is not None


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_wrapper_that_says_otherwise_than_its_booster_is_asked_itself(library) -> None:
    class Cautious(type(classifier(library))):
        def predict_proba(self, X, **more):
            return super().predict_proba(X, **more) * 0.5 + 0.25

    model = fitted(library)
    _, frame, labels = table(library)
    cautious = Cautious(**model.get_params()).fit(frame, labels > 0)
    target = EstimatorTarget(cautious, SCHEMA, harmful=1, sample=table(library)[0])
    assert target._native is None
    told = target.answer(table(library)[0], SCORE).scores
    np.testing.assert_array_equal(told, rounded(np.asarray(cautious.predict_proba(frame)[:, 1], dtype=np.float64)))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", ["wrapper", "booster"])
def test_columns_are_found_by_name_whatever_their_order(library, kind) -> None:
    turned = TableSchema(SCHEMA.features[::-1])
    records, frame, _ = table(library)
    model = fitted(library)
    target = (
        EstimatorTarget(model, turned) if kind == "wrapper" else BoosterTarget(booster_of(model), turned)
    )  # no sample: the wrapper itself is asked
    told = target.answer(records[:, ::-1].copy(), SCORE).scores
    np.testing.assert_array_equal(told, rounded(np.asarray(model.predict_proba(frame)[:, 1], dtype=np.float64)))


@pytest.mark.parametrize("library", LIBRARIES)
def test_categories_listed_in_another_order_than_in_training_mean_the_same(library) -> None:
    features = tuple(
        Feature(f.name, f.kind, values=PURPOSES[::-1], dtype="category") if f.name == "purpose" else f
        for f in SCHEMA.features
    )
    other = TableSchema(features)
    _, frame, _ = table(library)
    turned = other.encode(frame)
    expected = rounded(np.asarray(fitted(library).predict_proba(frame)[:, 1], dtype=np.float64))
    for target in (
        EstimatorTarget(fitted(library), other, sample=turned),
        EstimatorTarget(fitted(library), other),
        BoosterTarget(booster_of(fitted(library)), other),
    ):
        np.testing.assert_array_equal(target.answer(turned, SCORE).scores, expected)


# --- one ulp each side of a threshold -------------------------------------------------------------


def one_split(library):
    """Return a stump, the place of its split, and whether a record equal to it goes up."""
    x = np.random.default_rng(5).random((400, 1)) * 10 + 1 / 3
    y = (x[:, 0] > 4.1).astype(int)
    if library == "xgboost":
        model = classifier(library).set_params(n_estimators=1, max_depth=1).fit(x, y)
        raw = json.loads(model.get_booster().save_raw("json"))
        split = raw["learner"]["gradient_booster"]["model"]["trees"][0]["split_conditions"][0]
        return model, float(np.float32(split)), True
    if library == "lightgbm":
        model = classifier(library).set_params(n_estimators=1, num_leaves=2).fit(x, y)
        return model, model.booster_.dump_model()["tree_info"][0]["tree_structure"]["threshold"], False
    model = classifier(library, iterations=1, depth=1).fit(x, y)
    [border] = json_borders(model)
    return model, border, False


def json_borders(model):
    used = [tree for trees in model.get_borders().values() for tree in trees]
    scores = [model.predict_proba([[np.float32(b) - 1e-3], [np.float32(b) + 1e-3]])[:, 1] for b in used]
    return [float(np.float32(b)) for b, (low, high) in zip(used, scores, strict=True) if low != high]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", ["wrapper", "short way", "booster"])
def test_points_one_ulp_each_side_of_a_threshold_fall_as_the_library_says(library, kind) -> None:
    model, split, equal_goes_up = one_split(library)
    schema = TableSchema((Feature("x", Kind.NUMERIC, 0, 11, price=PRICE),))
    sample = np.linspace(0.4, 10, 50)[:, None]
    target = {
        "wrapper": lambda: EstimatorTarget(model, schema),
        "short way": lambda: EstimatorTarget(model, schema, sample=sample),
        "booster": lambda: BoosterTarget(booster_of(model), schema),
    }[kind]()
    width = np.float64 if library == "lightgbm" else np.float32
    here = width(split)
    assert float(here) == split
    points = np.array([np.nextafter(here, width(0)), here, np.nextafter(here, width(99))], dtype=np.float64)[:, None]
    told = target.answer(points, SCORE).scores
    assert told[0] < told[2]
    assert told[1] == told[2 if equal_goes_up else 0]
    # A float64 ulp is nothing to a model that holds float32, and everything to one that holds float64.
    fine = np.array([np.nextafter(split, 0), np.nextafter(split, 99)])[:, None]
    low, high = target.answer(fine, SCORE).scores
    assert (low < high) == (library == "lightgbm")
    np.testing.assert_array_equal(told, rounded(np.asarray(model.predict_proba(points)[:, 1], dtype=np.float64)))


def test_lightgbm_has_thresholds_that_no_float32_can_hold() -> None:
    _, split, _ = one_split("lightgbm")
    assert float(np.float32(split)) != split


# --- attacks --------------------------------------------------------------------------------------


def raw_frame(found: pd.DataFrame) -> pd.DataFrame:
    """Return stored successes as the frame that the model was trained on has them; dtypes by hand, not by a schema."""
    after = found[[c for c in found if c.startswith("after.")]].rename(columns=lambda c: c.removeprefix("after."))
    after["purpose"] = pd.Categorical(after["purpose"].astype(object), categories=list(PURPOSES))
    whole = {"months": "int64", "rate": "float32", "grade": "int64", "phone": "bool"}
    return after.astype(whole)[[f.name for f in SCHEMA.features]]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", ["wrapper", "booster", "booster of three"])
def test_every_success_flips_the_real_model_and_verifies_from_the_run_folder(library, kind, tmp_path) -> None:
    several = kind == "booster of three"
    _, frame, labels = table(library)
    model = fitted(library, several)
    given = model if kind == "wrapper" else booster_of(model)
    result = api.audit(
        given,
        frame,
        labels if several else (labels > 0).astype(int),
        schema=SCHEMA,
        harmful=[1, 2] if several else 1,
        attacks=["greedy-search", "donor-bisection", "do-nothing"],
        queries=80,
        victims=30,
        tune=0,
        out=tmp_path / "run",
    )
    found = pd.read_parquet(tmp_path / "run" / "records.parquet")
    won = {(f.attack, f.cell): f.successes for f in result.findings}
    for attack in ("greedy-search", "donor-bisection"):
        assert won[attack, "EI"] > 5, attack
    says = np.asarray(model.predict_proba(raw_frame(found)), dtype=np.float64)[:, 1:].sum(axis=1)
    assert ((rounded(says) >= 0.5) == (found["cell"] == "EA")).all()
    stored = sorted(p.suffix for p in (tmp_path / "run").glob("model.*"))
    own = {"xgboost": ".ubj", "lightgbm": ".txt", "catboost": ".cbm"}[library]
    assert stored == [".skops" if kind == "wrapper" else own]
    for model_at_hand in (None, given):
        verified = api.verify(tmp_path / "run", model_at_hand)
        assert verified.checked == len(found) > 20
        assert verified.problems == ()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_booster_that_predicts_no_probability_is_refused(library) -> None:
    records, _, labels = table(library)
    module = pytest.importorskip(library)
    x = records[:, [0, 2, 3]]
    if library == "xgboost":
        model = module.train({"objective": "reg:squarederror"}, module.DMatrix(x, labels), 2)
    elif library == "lightgbm":
        model = module.train({"objective": "regression", "verbose": -1}, module.Dataset(x, labels), 2)
    else:
        model = module.CatBoost({"iterations": 2, "verbose": 0, "allow_writing_files": False}).fit(x, labels)
    with pytest.raises(BadInput, match=r"must be one of .* Got (reg:squarederror|regression|RMSE)"):
        BoosterTarget(model, NUMBERS)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_schema_that_the_booster_was_not_trained_on_is_refused(library) -> None:
    booster = booster_of(fitted(library))
    with pytest.raises(BadInput, match=r"trained on the columns .*months"):
        BoosterTarget(booster, TableSchema(SCHEMA.features[:2]))
    with pytest.raises(BadInput, match=r"takes 3 columns. Its schema has 2"):
        BoosterTarget(booster_of(bare(library).estimator), TableSchema(NUMBERS.features[:2]))
    with pytest.raises(BadInput, match=r"harmful ones being 7. Got classes \[0, 1\]"):
        BoosterTarget(booster, SCHEMA, harmful=7)
    with pytest.raises(BadInput, match="harmful ones being 0, 1"):
        BoosterTarget(booster, SCHEMA, harmful=[0, 1])


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_texts_where_the_booster_takes_numbers_are_refused(library) -> None:
    features = (*NUMBERS.features[:2], Feature("c", Kind.CATEGORICAL, values=("x", "y")))
    with pytest.raises(BadInput, match="takes numbers in column 'c'"):
        BoosterTarget(booster_of(bare(library).estimator), TableSchema(features))


def test_columns_of_another_dtype_than_in_training_are_refused() -> None:
    features = tuple(
        Feature(f.name, f.kind, values=PURPOSES, dtype="str") if f.name == "purpose" else f for f in SCHEMA.features
    )
    with pytest.raises(BadInput, match=r"trained on 1 columns of dtype category. Its schema has 0: none"):
        BoosterTarget(booster_of(fitted("lightgbm")), TableSchema(features))


def test_what_is_no_booster_is_refused_and_a_booster_has_no_structure() -> None:
    with pytest.raises(BadInput, match=r"must be an xgboost.Booster, a lightgbm.Booster or a catboost.CatBoost. Got "):
        BoosterTarget(fitted("lightgbm"), SCHEMA)
    with pytest.raises(TargetError, match="cannot be read"):
        native("lightgbm").structure()


@pytest.mark.parametrize("library", LIBRARIES)
def test_missing_categories_are_decided_or_refused_with_the_librarys_reason(library) -> None:
    records = table(library)[0][:5].copy()
    records[:, 1] = np.nan
    for target in (alone(library), native(library)):
        if library == "catboost":
            with pytest.raises(TargetError, match="cat_features must be integer or string"):
                target.answer(records, frozenset({Grant.LABEL}))
        else:
            expected = fitted(library).predict_proba(SCHEMA.decode(records))[:, 1]
            np.testing.assert_array_equal(
                target.answer(records, SCORE).scores, rounded(np.asarray(expected, dtype=np.float64))
            )
