"""Ways of training again: what each is trained on, that it starts from what is deployed, and what it forgets."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from vauban.contracts import SCORE, Labelled
from vauban.errors import BadInput
from vauban.scenarios import scenario
from vauban.scenarios.models import prepared
from vauban.schema import Feature, Kind, TableSchema
from vauban.simulation.run import run_simulation
from vauban.targets.refit import Refit
from vauban.targets.updating import Update

PLANE = TableSchema((Feature("a", Kind.NUMERIC, -10, 10), Feature("b", Kind.NUMERIC, -10, 10)))


def rows(n, seed, column=0):
    x = np.random.default_rng(seed).normal(size=(n, 2))
    return Labelled(x, (x[:, column] > 0).astype(np.int8))


def trained(model):
    return Refit(prepared(PLANE, model), PLANE, "m")


@pytest.fixture(scope="module")
def spam():
    return scenario("spam").system("generated-spam", "naive-bayes", 0)


@pytest.mark.parametrize(
    ("model", "update"),
    [
        (HistGradientBoostingClassifier(max_iter=20, random_state=0), Update.WARM),
        (RandomForestClassifier(20, random_state=0), Update.WARM),
        (LogisticRegression(max_iter=1), Update.WARM),
        (GaussianNB(), Update.PARTIAL),
    ],
    ids=lambda x: type(x).__name__ if hasattr(x, "fit") else str(x),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_update_goes_on_from_what_is_deployed_and_leaves_it_alone(model, update):
    first, other = rows(300, 0), rows(60, 1, column=1)
    trainer = trained(model).updating(update)
    deployed = trainer.fit(first)
    before = deployed.answer(first.records, SCORE).scores
    now = trainer.fit(other, deployed)
    alone = trainer.fit(other)
    assert np.array_equal(deployed.answer(first.records, SCORE).scores, before)
    after, apart = (m.answer(first.records, SCORE).scores for m in (now, alone))
    assert not np.array_equal(after, before)
    # It remembers what it has learnt: it is nearer to what was deployed than what never saw the first records.
    assert np.abs(after - before).mean() < np.abs(apart - before).mean()


def test_a_warm_start_adds_trees():
    first = rows(300, 0)
    trainer = trained(HistGradientBoostingClassifier(max_iter=20, random_state=0)).updating(Update.WARM)
    deployed = trainer.fit(first)
    assert trainer.fit(first, deployed).estimator[-1].n_iter_ == 24
    assert deployed.estimator[-1].n_iter_ == 20


@pytest.mark.parametrize(
    ("model", "update", "said"),
    [(LinearSVC(), Update.WARM, "no such parameter"), (LinearSVC(), Update.PARTIAL, "no partial_fit")],
)
def test_what_cannot_be_updated_is_refused(model, update, said):
    with pytest.raises(BadInput, match=said):
        trained(model).updating(update)


def test_each_way_is_trained_on_its_rows(spam, monkeypatch):
    seen = []
    fit = Refit.fit

    def watched(self, data, start=None):
        seen.append((len(data), start is not None))
        return fit(self, data, start)

    monkeypatch.setattr(Refit, "fit", watched)
    told = {}
    for way in ("full", "window", "partial"):
        seen.clear()
        result = run_simulation(spam, "pseudospam", rounds=2, share=0.04, labels="feedback", retrain=way, explore=False)
        told[way] = seen[1:3]
        collected = [r.collected for r in result.film("clean").rounds]
        first = seen[0][0]
        assert result.retrain == way
    one, two = collected
    assert told["full"] == [(first + one, False), (first + one + two, False)]
    assert told["window"] == [(first, False), (first, False)]
    assert told["partial"] == [(one, True), (two, True)]


def test_unknown_ways_and_trainers_that_cannot_are_refused(spam):
    with pytest.raises(BadInput, match="way of retraining"):
        run_simulation(spam, "pseudospam", retrain="never")
    with pytest.raises(BadInput, match="no such parameter"):
        run_simulation(spam, "pseudospam", rounds=2, retrain="warm")

    class Own:
        def fit(self, data, start=None):
            return spam.trainer.fit(data)

    with pytest.raises(BadInput, match="brings its own"):
        run_simulation(replace(spam, trainer=Own()), "pseudospam", rounds=2, retrain="partial")
