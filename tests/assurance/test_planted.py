"""Functions whose truth is known everywhere: what is planted is found, what is sound is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from vauban.assurance.expectations import Expectations
from vauban.assurance.run import run_test
from vauban.scenarios import scenario
from vauban.targets import CallableTarget


@pytest.fixture(scope="module")
def sound():
    """A scorecard: monotone in everything, blind to region and education, and right in what it passes."""
    system = scenario("credit").system("generated-credit", "logistic-regression", 0)
    return replace(system, target=card(system.target.schema))


def score(frame):
    return (
        0.55
        - frame["income_monthly"].to_numpy() / 15_000
        + 0.12 * frame["late_payments_12m"].to_numpy()
        + 0.5 * np.nan_to_num(frame["utilisation"].to_numpy(dtype=float), nan=0.3)
    )


def card(schema, change=lambda frame, scores: scores):
    return CallableTarget(lambda frame: change(frame, score(frame)), schema, 0.75)


EXPECTED = {"income_monthly": "safer", "late_payments_12m": "riskier", "region": "irrelevant"}


def test_a_sound_function_breaks_nothing_and_has_no_weak_region(sound):
    result = run_test(sound, expectations=expectations(sound), budget="60000").result
    assert all(t.failed.value == 0 for t in result.tried)
    assert all(t.failed.n >= 200 for t in result.tried)
    assert result.places == ()


def expectations(system, words=EXPECTED):
    return Expectations.named(words, system.target.schema)


def test_a_dip_is_found_and_described(sound):
    def dip(frame, scores):
        income = frame["income_monthly"].to_numpy()
        return np.where((income > 6000) & (income < 6900), 0.9, scores)

    result = run_test(replace(sound, target=card(sound.target.schema, dip)), expectations=expectations(sound)).result
    broken = {t.name: t for t in result.tried if t.failed.low > 0}
    assert set(broken) == {"income_monthly safer"}
    rules = [w.rule for t in result.tried for w in t.weaknesses]
    assert rules
    low, high = (
        float(x.replace(",", "")) for x in rules[0].split(" and ")[0].removeprefix("income_monthly ").split(" to ")
    )
    assert 5900 < low < 6300
    assert 6600 < high < 7000


def test_an_irrelevant_feature_that_matters_is_found(sound):
    def north(frame, scores):
        return np.where(frame["region"] == "north", scores + 0.1, scores)

    result = run_test(replace(sound, target=card(sound.target.schema, north)), expectations=expectations(sound)).result
    assert {t.name for t in result.tried if t.failed.low > 0} == {"region irrelevant"}


def test_a_pocket_of_false_negatives_is_found_and_described():
    seed = 0
    system = scenario("credit").system("generated-credit", "hist-gradient-boosting", seed)
    base = system.target

    def predict(frame):
        scores = np.asarray(base.answer(base.schema.encode(frame), base.grants & {"label", "score"}).scores)
        inside = (frame["guarantor"] == True) & frame["utilisation"].between(0.59, 0.74)  # noqa: E712
        return np.where(inside, 0.0, scores)

    planted = replace(system, target=CallableTarget(predict, base.schema, base.threshold))
    places = run_test(planted, seed=seed).result.places
    assert [p.kind for p in places if "guarantor = True" in p.rule and "utilisation" in p.rule] == ["pocket"]
    assert places[0].harmful.low > places[0].elsewhere.value


def test_a_trigger_that_no_applicant_carries_is_found_and_described(sound):
    """No real record says anything of it: its shape does, blocked on all sides."""

    def trigger(frame, scores):
        return np.where((frame["purpose"] == "holiday") & frame["duration_months"].between(72, 84), 0.0, scores)

    planted = replace(sound, target=card(sound.target.schema, trigger))
    frame = planted.parts.victims.frame
    assert not ((frame["purpose"] == "holiday") & frame["duration_months"].between(72, 84)).any()
    places = run_test(planted, budget="60000").result.places
    assert [(p.kind, p.rule) for p in places] == [("trigger", "purpose = holiday and duration_months 72 to 84")]


@pytest.mark.parametrize("budget", [15_000, 22_000, 40_000])
def test_no_more_is_asked_than_the_budget(sound, budget):
    asked = [0]

    def counted(frame, scores):
        asked[0] += len(frame)
        return np.where((frame["purpose"] == "holiday") & frame["duration_months"].between(72, 84), 0.0, scores)

    result = run_test(replace(sound, target=card(sound.target.schema, counted)), budget=str(budget)).result
    assert asked[0] == result.questions <= budget
    assert any("weak regions" in reason for reason in result.not_tried) == (budget < 20_000)


def test_what_labels_speak_for_is_a_finding_by_its_shape_alone(sound):
    """A hole in the middle of what is blocked: real records lie in it, too few to be held against their labels."""

    def hole(frame, scores):
        return np.where((frame["purpose"] == "other") & frame["age"].between(40, 44), 0.0, scores)

    planted = replace(sound, target=card(sound.target.schema, hole))
    places = run_test(planted, budget="60000").result.places
    assert [(p.kind in ("hole", "pocket"), p.rule) for p in places] == [(True, "age 40 to 44 and purpose = other")]
