"""The gate's siege: a planted hole is held and named; models that are no weaker are not held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vauban.assurance.decisive import decisive
from vauban.assurance.gate import LEVEL, decide
from vauban.assurance.siege import Siege, besiege
from vauban.contracts import SCORE, Labelled, Target
from vauban.errors import Incomplete, TargetError
from vauban.records import messages
from vauban.scenarios import scenario
from vauban.system import System
from vauban.targets import CallableTarget
from vauban.threat import Budget


@pytest.fixture(scope="module")
def credit() -> System:
    return scenario("credit").system("generated-credit", "logistic-regression", 0)


@pytest.fixture(scope="module")
def spam() -> System:
    return scenario("spam").system("generated-spam", "naive-bayes", 0)


def holed(system: System, inside) -> Target:
    """The same model, but that what lies in the hole passes."""
    base = system.target

    def predict(given):
        raw = given if hasattr(given, "columns") else None
        records = base.schema.encode(given) if raw is not None else messages(given)
        scores = np.asarray(base.answer(records, SCORE).scores)
        return np.where(inside(given), 0.0, scores)

    return CallableTarget(predict, base.schema, base.threshold)


def sieged(system: System, candidate: Target, attack: str, victims: int = 20) -> Siege:
    threats = scenario(system.name).threats(["EI"], SCORE, Budget(40, 200 if system.name == "credit" else 1000), None)
    return besiege(candidate, system.target, system, threats, level=LEVEL, attacks=[attack], victims=victims)


def judged(system: System, candidate: Target, siege: Siege):
    part = system.parts.victims
    trusted = Labelled(system.target.schema.encode(part.frame), part.labels)
    result = decide(candidate, system.target, trusted, system.target.schema, siege=siege)
    return next(c for c in result.checks if c.name == "siege")


def test_a_value_that_opens_the_model_is_held_and_named(credit: System) -> None:
    candidate = holed(credit, lambda frame: (frame["purpose"] == "renovation").to_numpy())
    siege = sieged(credit, candidate, "donor-bisection")
    check = judged(credit, candidate, siege)
    assert check.holds
    assert siege.sallies[0].decisive[0].startswith("purpose = renovation")
    assert "donor-bisection" in check.evidence[0]
    assert "purpose = renovation" in check.evidence[0]


def test_a_word_that_opens_the_filter_is_held_and_named(spam: System) -> None:
    candidate = holed(spam, lambda texts: np.array(["worry" in text.split() for text in texts]))
    siege = sieged(spam, candidate, "good-words")
    check = judged(spam, candidate, siege)
    assert check.holds
    assert siege.sallies[0].decisive[0].startswith("the word 'worry'")
    assert "the word 'worry'" in check.evidence[0]


def test_the_other_way_round_nothing_is_held(credit: System) -> None:
    """A candidate in which a hole of the incumbent is closed is harder to evade."""
    holes = replace(credit, target=holed(credit, lambda frame: (frame["purpose"] == "renovation").to_numpy()))
    siege = sieged(holes, credit.target, "donor-bisection")
    assert siege.sallies[0].better > siege.sallies[0].worse == 0
    assert judged(holes, credit.target, siege).holds is False


@pytest.mark.parametrize(("name", "attack"), [("credit", "greedy-search"), ("spam", "good-words-passive")])
def test_the_same_model_is_as_easy_to_evade(name: str, attack: str, request: pytest.FixtureRequest) -> None:
    system = request.getfixturevalue(name)
    siege = sieged(system, system.target, attack, 20)
    sally = siege.sallies[0]
    assert (sally.worse, sally.better, siege.victims) == (0, 0, 20)
    assert sally.candidate == sally.incumbent
    assert judged(system, system.target, siege).holds is False


def test_the_same_seed_makes_the_same_siege(credit: System) -> None:
    candidate = holed(credit, lambda frame: (frame["purpose"] == "renovation").to_numpy())
    one, two = (sieged(credit, candidate, "donor-bisection", 10) for _ in range(2))
    assert one == two


def test_without_a_victim_it_is_not_done_and_says_why(credit: System) -> None:
    candidate = replace(credit.target, threshold=2.0)  # blocks nothing
    siege = sieged(credit, candidate, "donor-bisection")
    check = judged(credit, candidate, siege)
    assert (siege.victims, siege.sallies, check.holds) == (0, (), None)
    assert check.evidence == ("no harmful trusted record is blocked by both models: there is no victim",)
    assert judged(credit, credit.target, None).holds is None


def test_what_cannot_be_tried_is_said(credit: System) -> None:
    siege = sieged(credit, credit.target, "good-words")
    assert siege.sallies == ()
    assert siege.out_of_scope[0].attack == "good-words"
    assert judged(credit, credit.target, siege).holds is None


def test_a_model_that_fails_is_no_pass(credit: System) -> None:
    asked = [0]

    def failing(frame):
        asked[0] += 1
        if asked[0] > 4:
            raise RuntimeError("out of memory")
        return np.asarray(credit.target.answer(credit.target.schema.encode(frame), SCORE).scores)

    with pytest.raises((Incomplete, TargetError), match="out of memory"):
        sieged(credit, CallableTarget(failing, credit.target.schema, credit.target.threshold), "greedy-search", 5)


def test_what_an_evasion_does_not_need_is_taken_back(spam: System) -> None:
    target = CallableTarget(
        lambda texts: np.array([0.0 if "open" in t.split() else 1.0 for t in texts]), spam.target.schema
    )
    before = messages(["win a prize now", "call me now"])
    after = messages(["win a prize now so open it", "hello you call open now"])
    assert decisive(target, spam.target.schema, before, after) == ("the word 'open' (in 2 of 2)",)
