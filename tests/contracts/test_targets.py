"""Every model kind, in every form that people deploy it in, keeps the contract of a target."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from vauban.contracts import Answers, Scale
from vauban.errors import TargetError
from vauban.schema import Feature, Kind, Price, TableSchema, TextSchema
from vauban.targets import CallableTarget, EstimatorTarget
from vauban.testing import target_checks
from vauban.threat import Decision, Grant

KINDS = {
    "logistic-regression": lambda text: LogisticRegression(max_iter=500),
    "naive-bayes": lambda text: MultinomialNB() if text else GaussianNB(),
    "linear-svm": lambda text: LinearSVC(),
    "random-forest": lambda text: RandomForestClassifier(10, random_state=0),
    "hist-gradient-boosting": lambda text: HistGradientBoostingClassifier(max_iter=10),
}
SCHEMA = TableSchema(
    (
        Feature("income", Kind.NUMERIC, 0, 100, price=Price(1, 1)),
        Feature("months", Kind.INTEGER, 0, 60, price=Price(1, 1), dtype="int64"),
        Feature("rating", Kind.NUMERIC, 0, 1, price=Price(1, 1)),
        Feature("purpose", Kind.CATEGORICAL, values=("car", "home", "other"), price=Price.flat(3, 1), dtype="str"),
        Feature("guarantor", Kind.CATEGORICAL, values=("no", "yes"), price=Price.flat(2, 1), dtype="object"),
        Feature("phone", Kind.BOOLEAN, price=Price.flat(2, 1), dtype="bool"),
    )
)
NUMBERS = ["income", "months", "rating", "phone"]
BARE = TableSchema(tuple(Feature(n, Kind.NUMERIC, 0, 1, price=Price(1, 1)) for n in ("a", "b", "c")))
WORDS = TextSchema()


def _table():
    rng = np.random.default_rng(0)
    n = 300
    records = np.column_stack(
        [rng.random(n) * 100, rng.integers(0, 61, n), rng.random(n), *(rng.integers(0, k, n) for k in (3, 2, 2))]
    ).astype(np.float64)
    harmful = records[:, 0] + records[:, 1] + 30 * (records[:, 3] == 1) + 20 * rng.random(n) < 80
    records[rng.random(n) < 0.1, 2] = np.nan
    records[rng.random(n) < 0.1, 4] = np.nan
    return records, harmful.astype(int)


def frame_pipeline(kind):
    records, labels = _table()
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    listed = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepared = ColumnTransformer([("n", numbers, NUMBERS), ("c", listed, ["purpose", "guarantor"])])
    model = make_pipeline(prepared, KINDS[kind](False)).fit(SCHEMA.decode(records), labels)
    return EstimatorTarget(model, SCHEMA, name=kind, sample=records), records


def bare_matrix(kind):
    rng = np.random.default_rng(1)
    records = rng.random((200, 3))
    labels = (records[:, 0] > records[:, 1] * 0.8 + 0.2 * rng.random(200)).astype(int)
    return EstimatorTarget(KINDS[kind](False).fit(records, labels), BARE, name=kind, sample=records), records


def texts(kind):
    rng = np.random.default_rng(2)
    good, bad = ["meeting", "report", "lunch", "thanks"], ["winner", "cash", "prize", "free"]
    labels = np.arange(120) % 2
    written = [" ".join(rng.choice([*(bad if y else good), "the", "a", "to", "we"], 8)) for y in labels]
    records = WORDS.encode(pd.DataFrame({"text": [*written[:-1], ""]}))
    dense = [FunctionTransformer(lambda x: x.toarray(), accept_sparse=True)] if kind.startswith("hist") else []
    model = make_pipeline(TfidfVectorizer(), *dense, KINDS[kind](True)).fit(records, labels)
    return EstimatorTarget(model, WORDS, name=kind, sample=records), records


class LabelsOnly:
    """A classifier with neither probabilities nor margins."""

    classes_ = np.array([0, 1])

    def predict(self, records):
        return (records[:, 0] > 0.5).astype(int)


def labels_only(kind):
    records = np.random.default_rng(1).random((200, 3))
    return EstimatorTarget(LabelsOnly(), BARE, sample=records), records


def callable_table(kind):
    target, records = frame_pipeline(kind)
    return CallableTarget(target.estimator.predict, SCHEMA, scale=Scale.LABEL, name=kind), records


def callable_texts(kind):
    _, records = texts(kind)
    return CallableTarget(lambda mail: [m.count("cash") / (1 + len(m)) for m in mail], WORDS, 0.01), records


CASES = [(form, kind) for form in (frame_pipeline, bare_matrix, texts, callable_table) for kind in KINDS]
CASES += [(labels_only, "labels only"), (callable_texts, "logistic-regression")]
BUILT = {}


def built(form, kind):
    if (form, kind) not in BUILT:
        BUILT[form, kind] = form(kind)
    return BUILT[form, kind]


NAMES = [c.name for c in target_checks(_table()[0])]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("form", "kind"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_target(form, kind, name):
    target, records = built(form, kind)
    {c.name: c for c in target_checks(records)}[name].run(target)


# --- broken targets -------------------------------------------------------------------------------


class Sound:
    name, schema, scale, threshold = "sound", BARE, Scale.PROBABILITY, 0.5
    grants, deterministic = frozenset({Grant.LABEL, Grant.SCORE}), True

    def score(self, records):
        return records[:, 0]

    def answer(self, records, want):
        if want - self.grants:
            raise TargetError("Not granted.")
        scores = np.array(self.score(records), dtype=float)
        return Answers(np.where(scores >= self.threshold, Decision.BLOCK, Decision.PASS), scores)

    def structure(self):
        raise TargetError("Not granted.")


class SaysNaN(Sound):
    def score(self, records):
        return np.where(records[:, 1] > 0.5, np.nan, records[:, 0])


class SaysTwoColumns(Sound):
    def score(self, records):
        return records[:, :2]


class WritesIntoRecords(Sound):
    def score(self, records):
        records -= records.min()
        return records[:, 0]


class GoesByTheBatch(Sound):
    def score(self, records):
        return records[:, 0] / max(records[:, 0].max(initial=0), 1e-9)


class GoesByTheRow(Sound):
    def score(self, records):
        return records[:, 0] * (1 - np.arange(len(records)) / 1e4)


class Wavers(Sound):
    rng = np.random.default_rng(0)

    def score(self, records):
        return self.rng.random(len(records))


class FailsOnNobody(Sound):
    def score(self, records):
        return records[:, 0] - records[0, 0] + records[0, 0]

    def answer(self, records, want):
        if not len(records):
            raise TargetError("Found array with 0 samples.")
        return super().answer(records, want)


class HasItsOwnThreshold(Sound):
    def answer(self, records, want):
        told = super().answer(records, want)
        return Answers(np.where(told.scores >= 0.6, Decision.BLOCK, Decision.PASS), told.scores)


class AnswersAnything(Sound):
    def answer(self, records, want):
        return super().answer(records, want & self.grants)


class IsNoProbability(Sound):
    def score(self, records):
        return records[:, 0] * 3


BROKEN = [
    (SaysNaN, "gives one finite answer a record"),
    (SaysTwoColumns, "gives one finite answer a record"),
    (IsNoProbability, "gives one finite answer a record"),
    (WritesIntoRecords, "leaves records alone"),
    (WritesIntoRecords, "answers read-only records"),
    (GoesByTheBatch, "answers one record as in a batch"),
    (GoesByTheRow, "answers in any order, and the same again"),
    (Wavers, "answers in any order, and the same again"),
    (FailsOnNobody, "answers nothing about nobody"),
    (HasItsOwnThreshold, "decides by the threshold"),
    (AnswersAnything, "grants what it answers, and no more"),
]
SAMPLE = np.random.default_rng(3).random((60, 3))


@pytest.mark.parametrize(("mutant", "check"), BROKEN, ids=lambda x: getattr(x, "__name__", x))
def test_broken_target_fails_the_check_that_is_there_for_it(mutant, check):
    with pytest.raises(AssertionError):
        {c.name: c for c in target_checks(SAMPLE)}[check].run(mutant())


@pytest.mark.parametrize("check", target_checks(SAMPLE), ids=str)
def test_sound_target_passes(check):
    check.run(Sound())


def test_every_check_of_targets_has_a_mutant():
    assert {c.name for c in target_checks(SAMPLE)} == {check for _, check in BROKEN}
