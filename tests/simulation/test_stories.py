"""The five stories of docs/stories.md, small, on real data: attacked, behind a gate, and with nobody attacking."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import pytest

from vauban.scenarios import scenario
from vauban.simulation.run import run_simulation

pytestmark = pytest.mark.data


class Story(NamedTuple):
    """What is played, and by how much his fresh records must gain without the gate, and may gain behind it."""

    scenario: str
    data: str
    model: str
    attack: str
    settings: Mapping[str, Any]
    gate: str
    gains: float
    left: float


BOOSTED = "hist-gradient-boosting"
STORIES = {
    "a campaign gets in": Story(
        "spam",
        "enron",
        "logistic-regression",
        "pseudospam",
        {"labels": "auto-learn", "share": 0.06, "rounds": 2, "first": 1500, "traffic": 300, "held": 400},
        "review",
        0.6,
        0.1,
    ),
    "mail of one kind is blocked": Story(
        "spam",
        "enron",
        "robinson-fisher",
        "benign-words",
        {
            "labels": "oracle",
            "share": 0.12,
            "where": "text contains 'sitara'",
            "rounds": 1,
            "first": 1200,
            "traffic": 400,
        },
        "review",
        0.25,
        0.1,
    ),
    "a section's loans": Story(
        "loan",
        "lendingclub",
        BOOSTED,
        "subpopulation",
        {"share": 0.16, "where": "purpose = small_business", "rounds": 1, "first": 3000, "traffic": 900},
        "review",
        0.3,
        0.15,
    ),
    "a segment's exposure": Story(
        "credit",
        "taiwan",
        BOOSTED,
        "subpopulation",
        {"share": 0.2, "where": "AGE > 52", "rounds": 1, "first": 3000, "traffic": 900},
        "review",
        0.2,
        0.1,
    ),
    "a section's discount": Story(
        "insurance",
        "fremtpl2",
        BOOSTED,
        "subpopulation",
        {"share": 0.15, "where": "DrivAge < 23", "rounds": 2, "first": 4000, "traffic": 1000},
        "review",
        0.2,
        0.15,
    ),
}


@lru_cache(maxsize=1)
def built(kind, data, model):
    return scenario(kind).system(data, model, 0)


def test_exploring_takes_a_campaign_in_where_the_filter_labels_for_itself():
    s = STORIES["a campaign gets in"]
    system = built(s.scenario, s.data, s.model)
    asked, blind = (
        run_simulation(system, s.attack, explore=explore, **s.settings).film("attacked").rounds[-1].probe_success.value
        for explore in (True, False)
    )
    assert asked >= blind + 0.5


@pytest.mark.parametrize("name", STORIES)
def test_a_story_harms_a_slice_and_a_gate_undoes_it(name):
    s = STORIES[name]
    system = built(s.scenario, s.data, s.model)
    told = run_simulation(system, s.attack, gates=[s.gate], **{"labels": "feedback", **s.settings})
    clean, attacked, defended = (told.film(film).rounds[-1] for film in ("clean", "attacked", "defended"))
    before = clean.probe_success.value
    assert clean.probe_success.n >= 15
    assert attacked.probe_success.value >= before + s.gains
    assert defended.probe_success.value <= before + s.left
    assert attacked.fnr.value <= clean.fnr.value + 0.15  # recall shows little of it
    quiet = told.film("gates without attack").rounds
    assert sum(r.held_clean + r.removed_clean for r in quiet) <= 0.01 * sum(r.collected for r in quiet)
    assert sum(r.collected_poison for r in quiet) == 0
