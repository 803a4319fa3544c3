"""Attackers who know a gate: every gate has one, and on generated data they do what is said of them."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

from vauban import catalogue
from vauban.catalogue import CAUSATIVE, GATES, aware_of, causative
from vauban.causative.benign_words import BenignWords
from vauban.contracts import Brief, Campaign, Known, Send
from vauban.records import messages
from vauban.scenarios import scenario
from vauban.schema import TextSchema
from vauban.simulation.run import run_simulation
from vauban.threat import Budget, Cell, Grant


@pytest.mark.parametrize("gate", GATES)
def test_somebody_knows_every_gate(gate):
    assert aware_of(gate), f"No attack on training knows the gate {gate!r}: give one `knows` in the catalogue."


def test_a_gate_that_nobody_knows_is_noticed(monkeypatch):
    ignorant = {name: replace(entry, knows={}) for name, entry in CAUSATIVE.items()}
    monkeypatch.setattr(catalogue, "CAUSATIVE", ignorant)
    assert not any(aware_of(gate) for gate in GATES)


@pytest.mark.parametrize("entry", [e for e in CAUSATIVE.values() if e.knows], ids=lambda e: e.name)
def test_who_knows_a_gate_takes_what_a_simulation_can_be_asked_for(entry):
    may = set(inspect.signature(run_simulation).parameters) - {"system", "attack", "gates", "folder", "seed"}
    assert set(entry.knows) <= set(GATES)
    assert all(set(settings) <= may for settings in entry.knows.values())


def test_ten_accounts_get_past_the_cap_of_each():
    """One account is cut down to 1 % of a round; ten are not held at all, and do the damage of no gate."""
    system = scenario("credit").system("generated-credit", "logistic-regression", 0)
    takes = causative("subpopulation").knows["source-cap"]
    films = {
        accounts: run_simulation(
            system,
            "subpopulation",
            gates=["source-cap"],
            where="age > 60",
            labels="feedback",
            rounds=2,
            share=0.09,
            accounts=accounts,
        )
        for accounts in (1, takes["accounts"])
    }
    held = {
        accounts: [
            sum(getattr(r, n) for r in told.film("defended").rounds) for n in ("held_poison", "collected_poison")
        ]
        for accounts, told in films.items()
    }
    won = {n: told.film("defended").rounds[-1].probe_success.value for n, told in films.items()}
    clean = films[1].film("gates without attack").rounds[-1].probe_success.value
    assert held[1][0] >= 0.8 * held[1][1] > 0
    assert held[takes["accounts"]][0] == 0
    # 13 probes: the one moves none of note, the other moves at least three.
    assert won[1] <= clean + 0.1
    assert won[takes["accounts"]] >= clean + 0.2


def brief(seed=0):
    kind = [f"lor meet kopi now home tomorrow {i}" for i in range(8)]
    known = messages([*kind, *(f"dear friend {i}" for i in range(40)), *(f"win cash {i}" for i in range(8))])
    labels = np.array([0] * 48 + [1] * 8, dtype=np.int8)
    campaign = Campaign(1, 6, 50, tuple(f"account {i}" for i in range(3)))
    grants = frozenset({Grant.SEND, Grant.LABEL})
    aimed = np.array([True] * 8 + [False] * 48)
    return Brief(
        Cell.CA, TextSchema(), grants, Budget(0, 0), Known(known, labels, aimed), seed=(seed,), campaign=campaign
    )


def sent(attack):
    asked = brief()
    scout = attack.scout(asked)
    with pytest.raises(StopIteration) as stop:
        next(scout)
    move = next(attack.campaign(stop.value.value, asked))
    assert isinstance(move, Send)
    return [set(text.split()) & {"lor", "meet", "kopi", "now", "home", "tomorrow"} for text in move.records]


def test_spread_words_are_few_and_others_in_each_message():
    whole, spread = sent(BenignWords()), sent(BenignWords(spread=2))
    assert all(len(words) == 6 for words in whole)
    assert all(len(words) == 2 for words in spread)
    assert len({frozenset(words) for words in spread}) > 1
