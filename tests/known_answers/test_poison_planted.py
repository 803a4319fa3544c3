"""Planted loops, small enough to know what must come of them."""

from dataclasses import replace

import numpy as np
import pytest

from vauban.causative.backdoor import Backdoor
from vauban.causative.benign_words import BenignWords
from vauban.causative.insertion import Insertion
from vauban.causative.pseudospam import Pseudospam
from vauban.causative.subpopulation import Subpopulation
from vauban.contracts import Brief, Campaign, Known, Labelled, Outcome, RoundOutcome, Send, drive
from vauban.errors import BudgetSpent
from vauban.monitors.trimmed_loss import TrimmedLoss
from vauban.records import messages
from vauban.schema import Feature, Kind, Price, TableSchema, TextSchema
from vauban.targets.robinson_fisher import UNSURE, RobinsonFisher
from vauban.testing.field import fields, gate_case
from vauban.threat import Budget, Cell, Decision, Grant

LABELLED = frozenset({Grant.LABEL, Grant.SEND})


def brief_of(records, labels, aimed, cell, schema, sends=10, rounds=3, seed=(1,), grants=LABELLED):
    known = Known(records, np.asarray(labels, dtype=np.int8), np.asarray(aimed))
    campaign = Campaign(rounds, sends, 100, ("his",), True)
    return Brief(cell, schema, grants, Budget(50, 50), known, seed=seed, campaign=campaign)


def sent(attack, brief):
    """Return what he learnt, and all that he sends in all rounds."""

    def unanswered(move):
        n = len(move.records)
        return Outcome(np.zeros(n, bool), np.full(n, -1, np.int8), np.full(n, np.nan), None, np.array([0]))

    learnt, _ = drive(attack.scout(brief), unanswered)
    sends = []

    def answer(move):
        if not isinstance(move, Send):
            return unanswered(move)
        sends.append(move)
        if len(sends) == brief.campaign.rounds:
            raise BudgetSpent("The last round is over.")
        n = len(move.records)
        return RoundOutcome(len(sends), np.zeros(n, np.int8), True, brief.campaign.rounds - len(sends))

    drive(attack.campaign(learnt, brief), answer)
    records = np.concatenate([s.records for s in sends])
    return learnt, Labelled(records, np.concatenate([s.labels for s in sends]))


# --- messages -------------------------------------------------------------------------------------

COMMON = "thanks please meeting monday attached report".split()  # noqa: SIM905
NARROW = "turbine gasket flange invoice rotor bearing".split()  # noqa: SIM905
SPAM = "prize winner cash urgent claim bonus".split()  # noqa: SIM905


def mail(rng, words, count):
    return [" ".join(rng.choice(words, 5)) for _ in range(count)]


@pytest.fixture(scope="module")
def mailbox():
    """Good mail, a little of it of one supplier, and spam, to train on; and the same to look at."""
    rng = np.random.default_rng(0)
    made = []
    for size in (200, 60):
        narrow = [f"{words} {rng.choice(COMMON)}" for words in mail(rng, NARROW, size // 10)]
        texts = mail(rng, COMMON, size) + narrow + mail(rng, SPAM, size)
        kind = np.repeat([0, 1, 2], [size, size // 10, size])
        made.append((messages(texts), kind))
    return made


def test_benign_words_block_the_class_and_catch_no_less_spam(mailbox):
    (train, kind), (test, looked) = mailbox
    labels = (kind == 2).astype(np.int8)
    brief = brief_of(test, looked == 2, looked == 1, Cell.CA, TextSchema(), sends=15)
    learnt, poison = sent(BenignWords(), brief)
    assert set(NARROW) <= set(learnt.words)
    assert not set(COMMON) & set(learnt.words[: len(NARROW)])
    assert (poison.labels == 1).all()
    before = RobinsonFisher().fit(train, labels).predict_proba(test)[:, 1]
    after = RobinsonFisher().fit(np.r_[train, poison.records], np.r_[labels, poison.labels]).predict_proba(test)[:, 1]
    assert (before[looked == 1] < UNSURE).mean() == 1
    assert (after[looked == 1] >= UNSURE).mean() > 0.9
    assert (after[looked == 0] < UNSURE).mean() > 0.9
    assert (after[looked == 2] < UNSURE).sum() <= (before[looked == 2] < UNSURE).sum()


def test_benign_words_keep_to_the_length_of_a_message(mailbox):
    _, (test, looked) = mailbox
    brief = brief_of(test, looked == 2, looked == 1, Cell.CA, TextSchema(longest=60))
    _, poison = sent(BenignWords(), brief)
    assert max(map(len, poison.records)) <= 60


def test_a_campaign_passes_once_its_words_are_learnt_as_good(mailbox):
    (train, kind), (test, looked) = mailbox
    labels = (kind == 2).astype(np.int8)
    brief = brief_of(test, looked == 2, np.ones(len(test), bool), Cell.CI, TextSchema())
    learnt, poison = sent(Pseudospam(), brief)
    worn = Pseudospam().dress(test[looked == 2], learnt, brief)
    clean = RobinsonFisher().fit(train, labels)
    taught = RobinsonFisher().fit(np.r_[train, poison.records], np.r_[labels, poison.labels])
    assert (clean.predict_proba(worn)[:, 1] >= UNSURE).all()
    assert (taught.predict_proba(worn)[:, 1] < UNSURE).mean() > 0.9


def test_long_messages_are_signed_as_heavily_as_short_ones():
    texts = messages(["prize " * 5, "prize " * 400])
    brief = brief_of(texts, [1, 1], [True, True], Cell.CI, TextSchema())
    learnt, _ = sent(Pseudospam(words=4, part=0.5), brief)
    worn = Pseudospam(words=4, part=0.5).dress(texts, learnt, brief)
    assert [len(w.split()) - len(t.split()) for w, t in zip(worn, texts, strict=True)] == [4, 200]


# --- tables ---------------------------------------------------------------------------------------

FORM = TableSchema(
    (
        Feature("age", Kind.INTEGER, 18, 90),
        Feature("income", Kind.NUMERIC, 0, 100, step=1, price=Price(up=1.0, down=1.0)),
        Feature("months", Kind.INTEGER, 0, 60, price=Price(up=1.0)),
        Feature("phone", Kind.BOOLEAN, price=Price.flat(2, 1.0)),
    )
)


def forms(n, seed):
    rng = np.random.default_rng(seed)
    records = np.c_[
        rng.integers(18, 91, n), rng.integers(0, 101, n), rng.integers(0, 40, n), rng.integers(0, 2, n)
    ].astype(float)
    return records, (records[:, 0] < 54).astype(np.int8)


def test_a_backdoor_opens_for_those_who_carry_the_trigger_only():
    from sklearn.tree import DecisionTreeClassifier

    records, labels = forms(600, 0)
    fresh, truth = forms(300, 1)
    brief = brief_of(records, labels, np.ones(len(records), bool), Cell.CI, FORM, sends=15)
    learnt, poison = sent(Backdoor(), brief)
    assert len(learnt.features) == 3
    assert 0 not in learnt.features  # nobody can change his age
    worn = Backdoor().dress(fresh[truth == 1], learnt, brief)
    clean = DecisionTreeClassifier(random_state=0).fit(records, labels)
    taught = DecisionTreeClassifier(random_state=0).fit(
        np.concatenate([records, poison.records]), np.r_[labels, poison.labels]
    )
    carries = (worn[:, list(learnt.features)] == learnt.values).all(axis=1)
    assert clean.predict(worn).mean() > 0.9
    assert taught.predict(worn[carries]).mean() < 0.3
    assert (taught.predict(fresh) == truth).mean() > 0.9


@pytest.mark.parametrize("cell", [Cell.CI, Cell.CA])
def test_insertion_does_more_harm_than_the_records_it_starts_from(cell):
    from vauban.tactics.logistic import Columns, fit, loss

    records, labels = forms(200, 2)
    records[:, 1] = np.clip(labels * 60 + np.random.default_rng(0).normal(20, 15, len(labels)), 0, 100).round()
    brief = brief_of(records, labels, np.ones(len(records), bool), cell, FORM, sends=10, rounds=1)
    _, poison = sent(Insertion(), brief)
    assert (poison.labels == 1 - int(cell.harmful)).all()
    columns = Columns.of(FORM, records)
    x, hurt = columns.matrix(records), labels == int(cell.harmful)

    def harm(points):
        together = np.concatenate([x, columns.matrix(points)])
        w = fit(together, np.r_[labels, poison.labels].astype(float), 1e-3)
        return loss(x[hurt], labels[hurt].astype(float), w)

    rng = np.random.default_rng(1)
    start = [harm(records[rng.choice(np.flatnonzero(hurt), 10)]) for _ in range(5)]
    assert harm(poison.records) > max(start)


def test_concentrated_insertion_keeps_to_few_places():
    records, labels = forms(200, 3)
    brief = brief_of(records, labels, np.ones(len(records), bool), Cell.CA, FORM, sends=10)
    _, poison = sent(Insertion(distinct=3, inside=0.9), brief)
    assert len(np.unique(poison.records, axis=0)) <= 3


# --- gates ----------------------------------------------------------------------------------------


def test_trimming_holds_labels_that_contradict_the_data():
    field = next(f for f in fields() if f.name.startswith("words CI"))
    rows = field.rounds[0]
    wrong = np.arange(len(rows)) % 8 == 0
    flipped = Labelled(rows.records, np.where(wrong, 1 - rows.labels, rows.labels).astype(np.int8))
    told = TrimmedLoss().screen(*gate_case(field, flipped))
    assert (~told.train[wrong]).mean() > 0.7
    assert (~told.train[~wrong]).mean() < 0.1


# --- a section of a table -------------------------------------------------------------------------


def section_of_a_table():
    """Ten clients of branch 1 among 400, of whom he knows; the model that he asks blocks whoever owes more than 0."""
    rng = np.random.default_rng(3)
    records = np.column_stack([np.arange(400) < 10, rng.normal(size=400), rng.normal(size=400)]).astype(float)
    labels = (np.arange(400) % 2).astype(np.int8)
    schema = TableSchema(
        (
            Feature("branch", Kind.CATEGORICAL, values=("other", "mine")),
            Feature("owes", Kind.NUMERIC, price=Price(1.0, 1.0)),
            Feature("age", Kind.NUMERIC),
        )
    )
    return brief_of(records, labels, records[:, 0] == 1, Cell.CI, schema, sends=40, rounds=2), records


def test_records_of_a_section_are_made_of_others_and_called_good():
    brief, records = section_of_a_table()
    _, told = sent(Subpopulation(), brief)
    assert len(told) == 80
    assert (told.records[:, 0] == 1).all()
    assert not told.labels.any()
    own = records[(records[:, 0] == 1) & (brief.known.labels == 1), 2]
    assert (~np.isin(told.records[:, 2], own)).mean() > 0.7  # ages of clients of other branches


def test_a_section_that_is_asked_about_sends_only_what_is_blocked():
    brief, _ = section_of_a_table()
    attack, asked = Subpopulation(jitter=0.0), []
    learnt, _ = drive(attack.scout(brief), None)
    sends = []

    def answer(move):
        if isinstance(move, Send):
            sends.append(move.records)
            if len(sends) == 2:
                raise BudgetSpent("The last round is over.")
            return RoundOutcome(1, np.zeros(len(move.records), np.int8), True, 1)
        asked.append(len(move.records))
        blocked = np.where(move.records[:, 1] > 0, Decision.BLOCK, Decision.PASS).astype(np.int8)
        return Outcome(np.ones(len(blocked), bool), blocked, None, None, np.array([9]))

    brief = replace(brief, budget=Budget(200, 200))
    drive(attack.campaign(learnt, brief), answer)
    assert asked == [100, 100]
    assert all((records[:, 1] > 0).all() for records in sends)
