"""A person as a gate: his time, his errors, his memory, and what is taken out of the stored data again."""

from dataclasses import replace

import numpy as np
import pytest

from vauban.contracts import Batch, Labelled, Screening
from vauban.errors import BadInput, BudgetSpent, ContractViolation
from vauban.records import messages
from vauban.review.gate import Review
from vauban.scenarios import scenario
from vauban.simulation.reviewing import Desk, Reviewers
from vauban.simulation.run import run_simulation
from vauban.tactics.stored import Stored
from vauban.testing.field import fields, gate_case

NONE = np.zeros(0, dtype=bool)


def some(n, label=0):
    return Labelled(messages(f"message {i}" for i in range(n)), np.full(n, label, dtype=np.int8))


def stored(data):
    return Stored.of(data, np.ones(len(data), dtype=bool))


def opened(who, n=40, seed=1):
    desk = Desk(who, (seed,), 10)
    his = np.arange(n) % 2 == 0
    desk.open(Batch(some(n), np.full(n, "x", dtype=object), 1), his, stored(some(10)))
    return desk, his


def answers(desk, rows):
    return [desk.says(int(row)) for row in rows]


def test_he_stops_when_his_time_is_over_and_is_not_charged_twice():
    desk, _ = opened(Reviewers(looks=2))
    assert answers(desk, [10, 11, 10, 12, 13, 11, 10]) == [True, False, True, True, False, False, True]
    with pytest.raises(BudgetSpent):
        desk.says(15)
    assert desk.looked == 4


def test_he_goes_on_while_he_finds_and_no_longer():
    desk, his = opened(Reviewers(looks=1))
    assert all(answers(desk, 10 + np.flatnonzero(his)))
    assert answers(desk, [11]) == [False]
    with pytest.raises(BudgetSpent):
        desk.says(13)
    assert (desk.looked, desk.found) == (21, 20)


def test_he_errs_as_often_as_he_is_said_to():
    desk, his = opened(Reviewers(4000, 0.9, 0.8), 4000)
    said = np.array(answers(desk, range(10, 4010)))
    assert said[his].mean() == pytest.approx(0.9, abs=0.02)
    assert said[~his].mean() == pytest.approx(0.2, abs=0.025)


def test_what_he_said_once_he_says_again_when_the_record_is_stored():
    desk, his = opened(Reviewers(40, 0.5, 0.5))
    said = answers(desk, range(10, 50))
    kept = np.arange(40) != 3  # what is held leaves no gap in the store's numbers
    store = stored(some(10)).plus(some(40).take(kept), kept[kept], his[kept])
    desk.close(kept)
    desk.open(Batch(some(1), np.array(["x"], dtype=object), 2), np.zeros(1, dtype=bool), store)
    told = [poison for poison, there in zip(said, kept, strict=True) if there]
    assert answers(desk, range(10, 49)) == told
    assert desk.looked == 0
    assert desk.cleared().tolist() == [False] * 10 + [not poison for poison in told]
    assert len(desk.called()) == sum(said)


def planted(looks=15):
    """A batch of the planted mail with a campaign of eight, and the same campaign among what is stored already."""
    field = next(f for f in fields() if f.name.startswith("words CI labelled by his"))
    harmful = field.rounds[0].take(field.rounds[0].labels == 1).records[0]
    copies = Labelled(messages(f"{harmful} nicely {i}" for i in range(8)), np.zeros(8, dtype=np.int8))
    batch, context = gate_case(field, field.rounds[1].plus(copies))
    four = np.ones(4, dtype=bool)
    store = stored(context.stored).plus(copies.take(np.arange(4)), four, four)
    his = np.arange(len(batch.data)) >= len(field.rounds[1])
    desk = Desk(Reviewers(looks), (0,), len(store))
    desk.open(batch, his, store)
    seat = desk.seat(np.arange(len(batch.data)))
    return batch, replace(context, stored=store.data, reviewer=seat), his, store.poison, desk


def test_the_review_holds_a_campaign_and_takes_out_what_of_it_is_stored():
    batch, context, his, stored, _ = planted()
    told = Review().screen(batch, context)
    assert (~told.train).tolist() == his.tolist()
    assert told.remove.tolist() == stored.tolist()


def test_without_a_reviewer_or_without_his_time_nothing_is_held():
    batch, context, *_ = planted(0)
    for reviewer in (None, context.reviewer):
        told = Review().screen(batch, replace(context, reviewer=reviewer))
        assert told.train.all()
        assert told.remove is None or not told.remove.any()


def test_one_honest_member_keeps_a_family_from_being_held_as_a_whole():
    batch, context, his, _, desk = planted(8)
    desk._truth[len(context.stored) + np.flatnonzero(his)[0]] = False
    told = Review().screen(batch, context)
    said = {n for n, poison in desk._said.items() if poison}
    assert (~told.train).sum() + told.remove.sum() == len(said)


def test_a_gate_that_speaks_of_other_stored_records_is_refused():
    class Wrong:
        def screen(self, batch, context):
            return Screening(np.ones(len(batch.data), dtype=bool), (), np.zeros(3, dtype=bool))

    from vauban.simulation import loop

    batch, context, *_, desk = planted()
    with pytest.raises(ContractViolation, match="stored records"):
        loop._screened(batch, [("wrong", Wrong())], context, desk)


def test_the_loop_counts_what_he_looked_at_and_what_was_taken_out():
    system = scenario("spam").system("generated-spam", "logistic-regression", 0)
    told = run_simulation(
        system, "pseudospam", gates=["review"], rounds=2, share=0.05, labels="feedback", reviewers=Reviewers(12)
    )
    film = told.film("defended")
    found = [r.held_poison + r.removed_poison for r in film.rounds]
    assert [r.reviewed - 12 for r in film.rounds] <= found  # what was held with its family was not looked at
    assert [r.reviewed for r in told.film("gates without attack").rounds] == [12, 12]
    assert sum(r.held_poison + r.removed_poison for r in film.rounds) >= 8
    assert sum(r.held_clean + r.removed_clean for r in film.rounds) == 0
    with pytest.raises(BadInput, match="reviewer"):
        run_simulation(system, "pseudospam", rounds=2, reviewers=Reviewers(5, 1.5))
