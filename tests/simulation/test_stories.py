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
        "sms",
        "logistic-regression",
        "pseudospam",
        {"share": 0.04, "rounds": 2, "first": 1200, "traffic": 400},
        "review",
        0.6,
        0.1,
    ),
    "messages of one kind are blocked": Story(
        "spam",
        "sms",
        "robinson-fisher",
        "benign-words",
        {"labels": "oracle", "share": 0.12, "where": "text contains 'lor'", "rounds": 2, "first": 1200, "traffic": 400},
        "review",
        0.3,
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
        {"share": 0.2, "where": "AGE > 52", "rounds": 1, "first": 2000, "traffic": 700},
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
    """Enron: with words that the filter likes his mails are delivered, and so learnt; without, they are not."""
    system = built("spam", "enron", "logistic-regression")
    told = [
        run_simulation(
            system,
            "pseudospam",
            explore=explore,
            labels="auto-learn",
            share=0.06,
            rounds=2,
            first=1500,
            traffic=300,
            held=400,
        )
        for explore in (True, False)
    ]
    asked, blind = (t.film("attacked").rounds[-1].probe_success.value for t in told)
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
