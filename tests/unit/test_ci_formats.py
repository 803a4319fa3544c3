"""SARIF and JUnit: what machines read of a run."""

import copy
import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vauban.errors import BadInput
from vauban.reports import FORMATS, junit

FIXTURES = Path(__file__).parents[1] / "fixtures"
NAMES = ("spam", "credit", "degenerate", "retrained")


def result(name):
    return json.loads((FIXTURES / f"result_{name}.json").read_text(encoding="utf-8"))


def sarif(of):
    return json.loads(FORMATS["sarif"](of))["runs"][0]


def without(value):
    """Return parsed JSON without what is null: a model of the format holds a null where the document holds nothing."""
    if isinstance(value, dict):
        return {k: without(v) for k, v in value.items() if v is not None}
    return [without(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", NAMES)
def test_sarif_is_read_whole_by_another_implementation_of_the_format(name):
    model = pytest.importorskip("sarif_pydantic", reason="needs the package sarif-pydantic")
    document = json.loads(FORMATS["sarif"](result(name)))
    read = model.Sarif.model_validate(document)
    back = without(json.loads(read.model_dump_json(by_alias=True, exclude_unset=True)))
    assert back["runs"][0]["results"] == without(document["runs"][0]["results"])
    broken = copy.deepcopy(document)
    broken["runs"][0]["results"][0]["level"] = "catastrophic"
    with pytest.raises(ValueError, match="level"):
        model.Sarif.model_validate(broken)


@pytest.mark.parametrize("name", NAMES)
def test_every_result_has_a_rule_a_place_and_a_fingerprint_of_its_own(name):
    run = sarif(result(name))
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert {r["ruleId"] for r in run["results"]} == set(rules)
    marks = [r["partialFingerprints"]["vauban/v1"] for r in run["results"]]
    assert len(marks) == len(set(marks))
    assert all(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"])


def test_a_fingerprint_does_not_move_with_the_figures_but_with_what_was_attacked():
    before, after, elsewhere = result("spam"), result("spam"), result("spam")
    for finding in after["findings"]:
        finding["success_rate"] = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 100}
    elsewhere["data"]["name"] = "other"

    def marks(of):
        return {r["ruleId"]: r["partialFingerprints"]["vauban/v1"] for r in sarif(of)["results"]}

    assert marks(after) == marks(before)
    assert not set(marks(elsewhere).values()) & set(marks(before).values())


def test_nothing_that_was_not_tried_is_missing_from_either():
    whole = result("spam")
    whole["incomplete"] = [{"attack": "good-words", "cell": "EA", "reason": "interrupted"}]
    whole["out_of_scope"] = [{"attack": "linear-optimum", "cell": "EI", "reason": "it works on tables"}]
    run = sarif(whole)
    kinds = {(r["ruleId"], r["kind"]) for r in run["results"]}
    assert {("EA-good-words", "open"), ("EI-linear-optimum", "notApplicable")} <= kinds
    assert run["invocations"] == [{"executionSuccessful": False}]
    suite = Xml.fromstring(FORMATS["junit"](whole)).find("testsuite")
    assert suite.get("errors") == suite.get("skipped") == "1"
    assert suite.find(".//error").get("message") == "interrupted"


def test_an_attack_that_never_succeeded_is_a_pass_and_a_control_is_no_alert():
    whole = result("credit")
    for finding in whole["findings"]:
        finding["successes"], finding["success_rate"] = 0, {"value": 0.0, "low": 0.0, "high": 0.02, "n": 150}
    whole["findings"][1]["role"] = "control"
    run = sarif(whole)
    assert {r["kind"] for r in run["results"]} == {"pass"}
    assert "EI-" + whole["findings"][1]["attack"] not in {r["ruleId"] for r in run["results"]}


def test_without_victims_nothing_passed():
    whole = result("degenerate")
    assert not any(f["victims"] for f in whole["findings"])
    assert "pass" not in {r["kind"] for r in sarif(whole)["results"]}
    cases = Xml.fromstring(FORMATS["junit"](whole)).findall(".//testcase")
    assert all(case.find("skipped") is not None for case in cases)


def test_only_a_limit_makes_test_cases_fail_and_a_control_never_does():
    whole = result("credit")
    assert Xml.fromstring(junit.render(whole)).get("failures") == "0"
    over = Xml.fromstring(junit.render(whole, limit=0.5))
    failed = [case.get("name") for case in over.iter("testcase") if case.find("failure") is not None]
    wanted = [f for f in whole["findings"] if f["role"] == "attack" and f["success_rate"]["value"] > 0.5]
    assert len(failed) == len(wanted) == int(over.get("failures")) > 0
    assert "0.612 is over the limit of 0.5" in junit.render(whole, limit=0.5)
    for finding in whole["findings"]:
        finding["role"] = "control"
    assert Xml.fromstring(junit.render(whole, limit=0.0)).get("failures") == "0"


@example("\ud800")
@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_whatever_an_attacker_wrote_both_stay_well_formed(text):
    whole = result("spam")
    whole["data"]["name"] = text
    whole["out_of_scope"] = [{"attack": "good-words", "cell": "CI", "reason": text}]
    root = Xml.fromstring(FORMATS["junit"](whole))
    assert len(root.findall(".//testcase")) == len(whole["findings"]) + len(whole["incomplete"]) + 1
    assert sarif(whole)["results"]


@pytest.mark.parametrize("form", ["sarif", "junit"])
def test_what_is_no_result_is_refused(form):
    with pytest.raises(BadInput, match="lacks"):
        FORMATS[form]({"version": "1"})


def test_the_place_is_the_configuration_where_one_was_audited():
    whole = result("spam")
    whole["command"] = "vauban audit './my models/vauban.toml' --seed 3"
    uri = sarif(whole)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "my%20models/vauban.toml"
