"""The loan and insurance scenarios: in time order where there is time, tiers cut out of a predicted cost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from vauban.contracts import SCORE, Labelled
from vauban.datasets import load
from vauban.errors import BadInput
from vauban.scenarios import SCENARIOS, insurance, scenario
from vauban.scenarios.facts import schema_from_facts
from vauban.scenarios.models import table_regressor
from vauban.system import split
from vauban.targets import EstimatorTarget
from vauban.threat import Budget, Cell, Decision, Grant


def test_a_loan_model_is_trained_on_what_came_before_its_victims() -> None:
    times = load("generated-loan", seed=4).times
    parts = scenario("loan").system(None, "logistic-regression", seed=4).parts
    rows = [getattr(parts, name).frame.index for name in ("train", "tuning", "known", "victims")]
    assert sorted(np.concatenate(rows)) == list(range(8000))
    when = [times[r] for r in rows]
    for earlier, later in pairwise(when):
        assert earlier.max() <= later.min()
    assert not (np.diff(when[3]) >= np.timedelta64(0)).all()  # within a part nothing depends on the order


@pytest.mark.parametrize("model", ["poisson-regression", "poisson-boosting", "logistic-regression"])
def test_the_discount_is_cut_out_of_the_predicted_cost(model: str) -> None:
    system = scenario("insurance").system("generated-premium", model, seed=1)
    target, tuning = system.target, system.parts.tuning
    records = target.schema.encode(tuning.frame)
    told = target.answer(records, SCORE)
    blocked = told.decisions == Decision.BLOCK
    assert 0.5 < blocked.mean() < 0.7
    assert not (told.scores == target.threshold).any()
    np.testing.assert_array_equal(blocked, told.scores >= target.threshold)
    if model != "logistic-regression":
        np.testing.assert_allclose(told.scores, target.estimator.predict(tuning.frame), rtol=1e-9)
        assert told.scores.min() > 0
    if model == "logistic-regression":
        train = system.parts.train
        again = system.trainer.fit(Labelled(target.schema.encode(train.frame), train.labels))
        assert (again.answer(records, SCORE).decisions == told.decisions).mean() > 0.99
    else:
        assert system.trainer is None
    victims = system.parts.victims
    cost = load("generated-premium", seed=1).values[victims.frame.index]
    np.testing.assert_array_equal(victims.labels == 1, cost > 0)
    predicted = target.answer(target.schema.encode(victims.frame), SCORE).scores
    assert predicted[cost > 0].mean() > predicted[cost == 0].mean()


@pytest.mark.parametrize("model", ["poisson-regression", "logistic-regression"])
def test_the_surcharge_is_a_boundary_of_its_own(model: str) -> None:
    system = scenario("insurance").system("generated-premium@surcharge", model, seed=1)
    assert system.data["name"] == "generated-premium@surcharge"
    target, parts = system.target, system.parts
    told = target.answer(target.schema.encode(parts.tuning.frame), SCORE)
    assert 0.1 < (told.decisions == Decision.BLOCK).mean() < 0.2
    cost = load("generated-premium", seed=1).values
    np.testing.assert_array_equal(parts.victims.labels == 1, cost[parts.victims.frame.index] > np.quantile(cost, 0.85))
    if model == "poisson-regression":
        discount = scenario("insurance").system("generated-premium", model, seed=1).target
        assert target.threshold > discount.threshold


def test_a_claim_costs_what_is_asked_for() -> None:
    system = scenario("insurance").system("generated-claims", "logistic-regression", seed=1)
    frame = system.parts.victims.frame
    np.testing.assert_array_equal(system.economics.amount("miss", frame), frame["amount"])


def test_a_regressor_needs_its_cut_and_grants_no_structure_that_it_has_not() -> None:
    data = load("generated-premium", rows=400)
    schema = schema_from_facts(data.facts, data.frame)
    fitted = table_regressor("poisson-regression", schema, 0).fit(data.frame, data.values)
    with pytest.raises(BadInput, match="regressor: give the threshold"):
        EstimatorTarget(fitted, schema)
    target = EstimatorTarget(fitted, schema, 100.0, sample=schema.encode(data.frame[:50]))
    assert target.grants == SCORE


def test_every_data_set_of_a_scenario_has_its_economics() -> None:
    assert set(insurance.ECONOMICS) == set(insurance.DATA)
    for name in ("loan", "insurance"):
        assert set(SCENARIOS[name].attacker) == {Cell.EI, Cell.EA}


def test_a_model_of_costs_is_refused_where_nothing_has_a_cost() -> None:
    with pytest.raises(BadInput, match="model 'poisson-regression'"):
        scenario("loan").system(None, "poisson-regression", seed=0)


def frame(n: int = 200):
    data = load("generated-loan", rows=n)
    return data.frame, data.labels, data.times


def test_times_are_one_a_record_and_none_missing() -> None:
    table, labels, times = frame()
    with pytest.raises(BadInput, match="one time a record"):
        split(table, labels, 0, times=times[:-1])
    broken = times.copy()
    broken[3] = np.datetime64("NaT")
    with pytest.raises(BadInput, match="1 of 200 times are missing"):
        split(table, labels, 0, times=broken)


def test_a_class_that_comes_late_only_is_refused() -> None:
    table, _, times = frame()
    late = np.zeros(200, dtype=np.int8)
    late[-40:] = 1
    with pytest.raises(BadInput, match="In time order the train part holds one class only"):
        split(table, late, 0, times=times)


def test_records_of_one_time_are_divided_at_random() -> None:
    table, labels, _ = frame()
    same = np.full(200, np.datetime64("2020-01-01"))
    one, other = (split(table, labels, seed, times=same).train.frame.index for seed in (0, 1))
    assert set(one) != set(other)


def test_an_audit_of_a_loan_lists_the_linear_optimum_as_out_of_scope() -> None:
    from vauban.audit.plan import make_plan

    chosen = scenario("loan")
    system = chosen.system(None, "logistic-regression", seed=0)
    grants = frozenset({Grant.LABEL, Grant.STRUCTURE})
    plan = make_plan(system, chosen.threats(["EI"], grants, Budget(5, 5), None), ("linear-optimum",), 5)
    assert plan.attacks == ()
    assert "instalment" in plan.out_of_scope[0].reason
