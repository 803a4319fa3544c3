import copy
import html
import re

import pytest

from vauban.errors import BadInput
from vauban.reports import FORMATS

HOSTILE = "<script>alert(1)</script>\u202e"


def rate(value, n=100):
    return {"value": value, "low": max(0.0, value - 0.1), "high": min(1.0, value + 0.1), "n": n}


def nothing():
    return {"value": None, "low": None, "high": None, "n": 0}


def measured(probe):
    names = ("fnr", "fpr", "slice_error", "plain_success", "error")
    return {**{name: rate(0.02) for name in names}, "probe_success": rate(probe), "loss": rate(0.5)}


def turn(number, probe, *, poison=0, held=0, clean=0, evidence=()):
    counts = {"sent": poison, "asked": 30, "altered": 0, "collected": 50 + poison, "collected_poison": poison}
    held_ = {"held_poison": held, "held_clean": clean, "deployed": True, "evidence": list(evidence)}
    return {"round": number, **measured(probe), **counts, **held_}


def film(name, gates, turns):
    return {"name": name, "attack": "pseudospam", "gates": gates, "rounds": turns, "learnt": ["good", HOSTILE]}


@pytest.fixture
def result():
    says = [f"roni: {HOSTILE}"]
    films = [
        film("clean", [], [turn(1, 0.1), turn(2, 0.1)]),
        film("attacked", [], [turn(1, 0.6, poison=5), turn(2, 0.97, poison=5)]),
        film("defended", ["roni"], [turn(1, 0.2, poison=5, held=4, clean=1, evidence=says), turn(2, 0.12, poison=5)]),
        film("gates without attack", ["roni"], [turn(1, 0.1, clean=1), turn(2, 0.1)]),
    ]
    return {
        "version": "0.1.0",
        "kind": "simulation",
        "scenario": "spam",
        "data": {"name": "sms"},
        "model": "logistic-regression",
        "attack": "pseudospam",
        "cell": "CI",
        "specificity": "indiscriminate",
        "where": None,
        "gate": ["roni"],
        "labels": "feedback",
        "explore": True,
        "share": 0.03,
        "seed": 0,
        "clean": measured(0.1),
        "rounds": films[2]["rounds"],
        "films": films,
        "currency": "EUR",
        "limits": [],
        "command": "vauban simulate spam --attack pseudospam",
        "environment": {"numpy": "2"},
    }


def text_of(page):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_headline_says_what_came_of_it(result):
    text = text_of(FORMATS["html"](result))
    assert "After 2 rounds of pseudospam, 97 % of the campaign's fresh records pass; it was 10 % before" in text
    assert "With the gates on it is 12 %" in text


def test_every_play_and_what_was_held_is_shown(result):
    text = text_of(FORMATS["html"](result))
    for title in ("nobody attacks", "attacked, gates on", "gates on, nobody attacks"):
        assert title in text
    assert "his 4 of 10" in text
    assert "others' 1 of 100" in text


def test_what_attackers_wrote_is_escaped(result):
    page = FORMATS["html"](result)
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page


def test_the_page_is_complete_in_itself_and_always_the_same(result):
    page = FORMATS["html"](result)
    assert page == FORMATS["html"](copy.deepcopy(result))
    assert not re.search(r"(src|href)=[\"'](?!#)", page)
    assert page.count('class="chart"') == 4


def test_without_gates_and_without_probes_the_page_says_so(result):
    result["gate"], result["films"] = [], result["films"][:2]
    for part in (result["clean"], *(t for f in result["films"] for t in f["rounds"])):
        part["probe_success"] = part["plain_success"] = nothing()
    text = text_of(FORMATS["html"](result))
    assert "No record to probe with" in text
    assert "not measured" in text


@pytest.mark.parametrize("key", ["films", "clean", "cell"])
def test_half_a_result_is_refused(result, key):
    del result[key]
    with pytest.raises(BadInput, match=key):
        FORMATS["html"](result)


def test_a_cell_that_no_simulation_has_is_refused(result):
    result["cell"] = "EI"
    with pytest.raises(BadInput, match="EI"):
        FORMATS["html"](result)


def test_a_result_of_another_shape_is_refused(result):
    result["films"][0]["rounds"][-1]["loss"] = 12.5
    with pytest.raises(BadInput, match="Simulate again"):
        FORMATS["html"](result)


def test_a_simulation_without_rounds_is_refused(result):
    result["films"] = []
    with pytest.raises(BadInput, match="no round"):
        FORMATS["html"](result)
