"""Insiders, and attackers who aim at one record, in planted loops: what they change, and what must come of it."""

import numpy as np
import pytest
from tests.known_answers.test_poison_planted import FORM, brief_of, forms, mail, sent

from vauban.causative.deletion import Deletion
from vauban.causative.focused import Focused
from vauban.causative.greedy_flips import GreedyFlips
from vauban.causative.insider_edits import InsiderEdits
from vauban.causative.near_record import NearRecord
from vauban.causative.targeted_flips import TargetedFlips
from vauban.contracts import Ask, Known, Labelled, Outcome, RoundOutcome, Send, Tamper, drive
from vauban.errors import BudgetSpent
from vauban.records import messages
from vauban.schema import TextSchema
from vauban.tactics.logistic import Columns, fit, loss
from vauban.tactics.stored import Stored
from vauban.targets.robinson_fisher import UNSURE, RobinsonFisher
from vauban.threat import Cell, Grant

TAMPER = frozenset({Grant.LABEL, Grant.TAMPER})


@pytest.fixture(scope="module")
def clients():
    """Income tells who pays; half of the clients are young."""
    records, _ = forms(300, 4)
    labels = (records[:, 1] + np.random.default_rng(0).normal(0, 12, len(records)) < 45).astype(np.int8)
    return records, labels, records[:, 0] < 54


def altered(attack, clients, cell, sends=10, rounds=2, aimed=None):
    """Return what is stored before he comes, and after each of his rounds; nothing arrives."""
    records, labels, young = clients
    brief = brief_of(records, labels, young if aimed is None else aimed, cell, FORM, sends, rounds, grants=TAMPER)
    stores = [Stored.of(Labelled(records, labels), young)]

    def answer(move):
        if isinstance(move, Ask):
            n = len(move.records)
            return Outcome(np.zeros(n, bool), np.full(n, -1, np.int8), None, None, np.array([0]))
        if isinstance(move, Tamper):
            stores.append(stores[-1].tampered(move))
            return None
        assert isinstance(move, Send)
        assert not len(move.records)
        raise BudgetSpent("The last round is over.")

    learnt, _ = drive(attack.scout(brief), answer)
    drive(attack.campaign(learnt, brief), answer)
    return brief, stores


def harm(data, hurt, truth):
    """Return the loss of what is to be hurt, of a model trained on data."""
    columns = Columns.of(FORM, data.records)
    w = fit(columns.matrix(data.records), data.labels.astype(float), 1e-3)
    return loss(columns.matrix(hurt), truth.astype(float), w)


@pytest.mark.parametrize("cell", [Cell.CI, Cell.CA])
def test_targeted_flips_change_labels_of_the_slice_alone(clients, cell):
    _, labels, young = clients
    _, (before, after) = altered(TargetedFlips(), clients, cell)
    changed = before.data.labels != after.data.labels
    assert changed.sum() == 30  # a tenth of what is stored
    assert young[changed].all()
    assert (labels[changed] == int(cell.harmful)).all()


def test_targeted_flips_leave_the_rest_of_the_budget_alone(clients):
    records, labels, _ = clients
    few = (records[:, 0] < 22) & (labels == 1)
    _, (before, after) = altered(TargetedFlips(), clients, Cell.CI, sends=40, aimed=records[:, 0] < 22)
    assert ((before.data.labels != after.data.labels) == few).all()


def test_deletion_spares_some_and_deletes_what_matters(clients):
    _, labels, young = clients
    _, (before, after) = altered(Deletion(), clients, Cell.CI, sends=90)
    gone = ~np.isin(before.ids, after.ids)
    kind = young & (labels == 1)
    assert kind[gone].all()
    assert gone.sum() == int(0.9 * kind.sum())
    rng = np.random.default_rng(0)
    some = kind & (np.cumsum(kind) <= 40)  # what is to pass, measured on the same records
    _, (_, after) = altered(Deletion(), clients, Cell.CI, sends=10)
    by_chance = [before.part(np.setdiff1d(np.arange(300), rng.choice(np.flatnonzero(kind), 30))) for _ in range(5)]
    told = [harm(s.data, before.data.records[some], labels[some]) for s in (after, *by_chance)]
    assert told[0] > max(told[1:])


@pytest.mark.parametrize("cell", [Cell.CI, Cell.CA])
def test_edits_keep_labels_and_schema_and_mislead(clients, cell):
    records, labels, _ = clients
    everybody = np.ones(len(records), dtype=bool)
    _, (before, after) = altered(InsiderEdits(), clients, cell, aimed=everybody)
    assert (before.data.labels == after.data.labels).all()
    changed = (before.data.records != after.data.records).any(axis=1)
    assert 0 < changed.sum() <= 30
    assert (labels[changed] == 1 - int(cell.harmful)).all()
    assert np.isfinite(FORM.cost(before.data.records, after.data.records)).all()
    hurt = labels == int(cell.harmful)
    told = [harm(s.data, records[hurt], labels[hurt]) for s in (before, after)]
    assert told[1] > told[0] + 0.05


def test_labels_of_his_own_are_wrong_ones_of_records_that_he_knows(clients):
    records, labels, _ = clients
    brief = brief_of(records, labels, np.ones(len(records), bool), Cell.CI, FORM)
    _, poison = sent(GreedyFlips(sends=True), brief)
    assert (poison.labels == 0).all()
    known = {tuple(r) for r in records[labels == 1].tolist()}
    assert {tuple(r) for r in poison.records.tolist()} <= known


# --- one very record ---------------------------------------------------------------------------------


def aiming_at(brief, chosen):
    known = brief.known
    return type(brief)(**{**vars(brief), "known": Known(known.records, known.labels, known.aimed, chosen=chosen)})


def test_the_very_record_passes_and_others_are_decided_as_before():
    from sklearn.neighbors import KNeighborsClassifier

    records, labels = forms(600, 0)
    fresh, truth = forms(300, 1)
    chosen = fresh[truth == 1][:1]
    brief = aiming_at(brief_of(records, labels, np.ones(len(records), bool), Cell.CI, FORM, sends=4, rounds=2), chosen)
    _, poison = sent(NearRecord(), brief)
    assert (poison.labels == 0).all()
    assert np.isfinite(FORM.cost(np.repeat(chosen, len(poison), axis=0), poison.records)).all()
    together = np.concatenate([records, poison.records]), np.r_[labels, poison.labels]
    clean, taught = (KNeighborsClassifier(5).fit(*d) for d in ((records, labels), together))
    assert clean.predict(chosen).tolist() == [1]
    assert taught.predict(chosen).tolist() == [0]
    assert (taught.predict(fresh) == clean.predict(fresh)).mean() > 0.97


def test_it_aims_at_those_that_do_not_pass_today():
    records, labels = forms(60, 0)
    brief = aiming_at(brief_of(records, labels, np.ones(60, bool), Cell.CI, FORM), records[:3])

    def second_is_blocked(move):
        return Outcome(np.ones(3, bool), np.array([0, 2, 0], dtype=np.int8), None, None, np.array([9]))

    aim, _ = drive(NearRecord().scout(brief), second_is_blocked)
    assert aim.records.tolist() == records[1:2].tolist()


def test_near_messages_share_most_of_the_words():
    texts = messages(["one two three four five six seven eight nine ten", "other"])
    brief = aiming_at(brief_of(texts, [1, 0], [True, True], Cell.CI, TextSchema()), texts[:1])
    _, poison = sent(NearRecord(), brief)
    kept = [len(set(t.split()) & set(texts[0].split())) for t in poison.records]
    assert min(kept) >= 5
    assert np.mean(kept) > 8
    assert len(set(poison.records)) > 5


def test_half_of_the_words_of_a_mail_are_enough_to_have_it_blocked():
    rng = np.random.default_rng(3)
    ordinary = [f"{letter}{i}word" for letter in "abc" for i in range(20)]
    offer = [f"offer{letter * 3}" for letter in "abcdefghijkl"]
    ham = mail(rng, ordinary, 200) + [" ".join(rng.choice(offer, 6)) for _ in range(10)]
    spam = mail(rng, ["prize", "winner", "cash", "urgent"], 200)
    train, labels = messages(ham + spam), np.repeat([0, 1], [210, 200]).astype(np.int8)
    target = messages([" ".join(offer)])
    brief = aiming_at(brief_of(train, labels, np.ones(410, bool), Cell.CA, TextSchema(), sends=20), target)
    learnt, poison = sent(Focused(), brief)
    assert 2 <= len(learnt.words) < len(offer)
    assert set(learnt.words) < set(offer)
    assert (poison.labels == 1).all()
    clean = RobinsonFisher().fit(train, labels)
    taught = RobinsonFisher().fit(np.r_[train, poison.records], np.r_[labels, poison.labels])
    assert clean.predict_proba(target)[0, 1] < UNSURE <= taught.predict_proba(target)[0, 1]
    others = messages(mail(rng, ordinary, 50))
    assert (taught.predict_proba(others)[:, 1] < UNSURE).mean() > 0.9


def test_an_insider_hears_what_arrived_and_alters_his_share_of_it(clients):
    records, labels, young = clients
    brief = brief_of(records, labels, young, Cell.CI, FORM, sends=10, rounds=2, grants=TAMPER)
    moves = []

    def answer(move):
        moves.append(move)
        if isinstance(move, Send):
            if sum(isinstance(m, Send) for m in moves) == 2:
                raise BudgetSpent("The last round is over.")
            arrived = Labelled(records[:100], labels[:100])
            return RoundOutcome(1, np.empty(0, np.int8), True, 1, arrived, np.arange(700, 800), young[:100])
        return None

    drive(TargetedFlips().campaign(drive(TargetedFlips().scout(brief), nothing)[0], brief), answer)
    first, second = (m for m in moves if isinstance(m, Tamper))
    assert len(first.ids) == 30
    assert len(second.ids) == 10
    assert first.ids.max() < 300
    assert set(second.ids.tolist()) <= {*range(300), *range(700, 800)} - set(first.ids.tolist())


def nothing(move):
    n = len(move.records)
    return Outcome(np.zeros(n, bool), np.full(n, -1, np.int8), None, None, np.array([0]))
