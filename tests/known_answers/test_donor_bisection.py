"""The label-only attack on tables against optima that are known, and the small parts it is made of."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from vauban.contracts import LABEL, Ask, Brief, Cohort, Known, Outcome, drive, seed_for
from vauban.errors import BudgetSpent
from vauban.exploratory.donor_bisection import DonorBisection
from vauban.records import Floats, Records
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.tactics.additive_guess import guess
from vauban.tactics.arms import Arms
from vauban.tactics.asked import Asked
from vauban.tactics.bisection import Bisection
from vauban.tactics.streams import Streams
from vauban.threat import Budget, Cell, Decision

SCHEMA = TableSchema(
    (
        Feature("age", Kind.INTEGER, 18, 90),
        Feature("debt", Kind.INTEGER, 0, 60, price=Price(up=0.1, down=0.25)),
        Feature("income", Kind.NUMERIC, 0, 100, price=Price(up=0.05)),
        Feature("job", Kind.CATEGORICAL, values=("none", "clerk", "boss"), price=Price.flat(3, 2.0)),
        Feature("home", Kind.ORDINAL, values=("rents", "shares", "owns"), price=Price(up=1.5)),
    )
)
HARM = np.array([0.01, 0.12, -0.06])
JOBS = np.array([1.0, 0.2, -0.6])
HOMES = np.array([0.5, 0.1, -0.2])


def margin(records: Records) -> Floats:
    job, home = records[:, 3].astype(int), records[:, 4].astype(int)
    return records[:, :3] @ HARM + JOBS[job] + HOMES[home]


def people(n: int, seed: int = 0) -> Records:
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [
            rng.integers(18, 91, n),
            rng.integers(0, 61, n),
            rng.uniform(0, 100, n),
            rng.integers(0, 3, n),
            rng.integers(0, 3, n),
        ]
    ).astype(float)


class Game:
    """Answers, meters and judges by the book: what the runner does, written down once more."""

    def __init__(self, victims: Records, brief: Brief, harm=margin):
        self.victims, self.brief, self.harm = victims, brief, harm
        self.left = np.full(len(victims), brief.budget.queries)
        self.best = np.full(len(victims), np.inf)
        self.asked: list[tuple[int, bytes]] = []
        self.scouting = brief.budget.scouting
        self.rounds = 0

    def decide(self, records: Records):
        return np.where(self.harm(records) >= 0, Decision.BLOCK, Decision.PASS).astype(np.int8)

    def scout(self, ask: Ask) -> Outcome:
        if self.scouting == 0:
            raise BudgetSpent("scouted")
        answered = np.arange(len(ask.records)) < self.scouting
        self.scouting -= int(answered.sum())
        decisions = np.where(answered, self.decide(ask.records), np.int8(-1))
        return Outcome(answered, decisions, None, None, np.array(self.scouting))

    def answer(self, ask: Ask) -> Outcome:
        if not self.left.any():
            raise BudgetSpent("spent")
        self.rounds += 1
        assert ask.owner is not None
        cost = SCHEMA.cost(self.victims[ask.owner], ask.records)
        assert np.isfinite(cost).all(), "asked for a record that cannot be made"
        assert (cost < self.best[ask.owner]).all(), "asked for a record that cannot help"
        decisions = self.decide(ask.records)
        answered = np.zeros(len(ask.owner), dtype=bool)
        for row, owner in enumerate(ask.owner):
            self.asked.append((int(owner), ask.records[row].tobytes()))
            if self.left[owner]:
                self.left[owner] -= 1
                answered[row] = True
                if decisions[row] == self.brief.cell.goal:
                    self.best[owner] = min(self.best[owner], cost[row])
        decisions = np.where(answered, decisions, np.int8(-1))
        return Outcome(answered, decisions, None, None, self.left.copy())


def brief_for(cell: Cell, queries: int = 400, scouting: int = 600, known: int = 300, **budget: float) -> Brief:
    records = people(known, seed=7)
    labels = (margin(records) >= 0).astype(np.int8)
    return Brief(
        cell,
        SCHEMA,
        LABEL,
        Budget(queries=queries, scouting=scouting, **budget),
        Known(records, labels, np.ones(known, dtype=bool)),
        seed=seed_for(0, "scout"),
    )


def played(victims: Records, brief: Brief, harm=margin, ids=None) -> Game:
    game = Game(victims, brief, harm)
    learnt, _ = drive(DonorBisection().scout(brief), game.scout)
    ids = np.arange(len(victims)) if ids is None else np.asarray(ids, dtype=np.int64)
    claims, _ = drive(
        DonorBisection().search(Cohort(victims[ids], ids, seed_for(0, "search")), learnt, brief), game.answer
    )
    assert claims == ()
    return game


def victims_of(cell: Cell, n: int) -> Records:
    records = people(4 * n, seed=1)
    return records[(margin(records) >= 0) == cell.harmful][:n]


def optimum(victim: Records, cell: Cell, harm=margin) -> float:
    """Try every value of all but the income, which is best at an end or on the boundary."""
    grid = [np.array(c) for c in product(range(61), range(3), range(3))]
    income = np.unique(np.concatenate([[victim[2]], np.linspace(victim[2], 100, 400)]))
    values = np.array(grid)
    records = np.repeat(victim[None], len(values) * len(income), axis=0)
    records[:, [1, 3, 4]] = np.repeat(values, len(income), axis=0)
    records[:, 2] = np.tile(income, len(values))
    cost = SCHEMA.cost(np.repeat(victim[None], len(records), axis=0), records)
    reached = (harm(records) >= 0) != cell.harmful
    return float(cost[reached].min(initial=np.inf))


@pytest.mark.parametrize("cell", [Cell.EI, Cell.EA])
def test_comes_near_the_optimum_that_brute_force_finds(cell):
    victims = victims_of(cell, 12)
    game = played(victims, brief_for(cell))
    best = np.array([optimum(v, cell) for v in victims])
    assert np.isfinite(game.best).tolist() == np.isfinite(best).tolist()
    ratio = game.best[np.isfinite(best)] / best[np.isfinite(best)]
    assert np.median(ratio) <= 1.02
    assert ratio.max() <= 1.2


def test_finds_a_planted_pair_that_no_single_change_replaces():
    def harm(records: Records) -> Floats:
        return 0.5 - ((records[:, 1] <= 5) & (records[:, 3] == 2)).astype(float)

    victims = people(40, seed=3)
    victims = victims[(victims[:, 1] > 10) & (victims[:, 3] != 2)]
    game = played(victims, brief_for(Cell.EI), harm)
    np.testing.assert_allclose(game.best, 2.0 + 0.25 * (victims[:, 1] - 5), rtol=0.01)


def test_nothing_is_asked_twice():
    game = played(victims_of(Cell.EI, 10), brief_for(Cell.EI))
    assert len(game.asked) == len(set(game.asked))


def test_nobody_depends_on_who_else_is_there():
    victims, brief = victims_of(Cell.EI, 9), brief_for(Cell.EI, queries=150)
    together = played(victims, brief).best
    alone = [played(victims, brief, ids=[i]).best[i] for i in range(len(victims))]
    assert together.tolist() == alone
    assert len(played(victims, brief, ids=[]).asked) == 0


def test_the_number_of_rounds_does_not_grow_with_the_victims():
    few, many = (played(victims_of(Cell.EI, n), brief_for(Cell.EI)).rounds for n in (3, 60))
    assert many <= 3 * few


@pytest.mark.parametrize("queries", [0, 1, 7])
def test_small_budgets_are_kept(queries):
    game = played(victims_of(Cell.EI, 5), brief_for(Cell.EI, queries=queries, scouting=queries))
    assert (game.left >= 0).all()


def test_knowing_nothing_at_all_still_finds_something():
    victims = victims_of(Cell.EI, 10)
    game = played(victims, brief_for(Cell.EI, scouting=0, known=0))
    assert np.isfinite(game.best).mean() >= 0.9


def test_no_record_dearer_than_the_attacker_can_pay_is_asked():
    game = played(victims_of(Cell.EI, 10), brief_for(Cell.EI, cost=1.5))
    owners = np.array([owner for owner, _ in game.asked])
    records = np.array([np.frombuffer(record) for _, record in game.asked])
    assert len(owners)
    assert (SCHEMA.cost(game.victims[owners], records) <= 1.5).all()


def test_scouting_learns_which_features_matter():
    brief = brief_for(Cell.EI)
    learnt, _ = drive(DonorBisection().scout(brief), Game(people(1), brief).scout)
    assert [e.name for e in learnt.effects[:2]] == ["debt", "income"]
    assert {e.name: e.direction for e in learnt.effects}["debt"] == "raises"
    assert {e.name: e.values for e in learnt.effects}["job"] == ("none", "clerk", "boss")
    assert len(learnt.donors)


# --- the parts ------------------------------------------------------------------------------------


def test_bisection_closes_in_on_many_thresholds_at_once():
    thresholds = np.random.default_rng(0).uniform(size=50)
    for ways in (1, 3):
        span = Bisection(np.zeros(50), np.ones(50))
        for _ in range(12):
            points = span.between(ways)
            span = span.narrowed(points, points >= thresholds[:, None])
        assert (span.lo < thresholds).all()
        assert (thresholds <= span.hi).all()
        assert not span.open((ways + 1.0) ** -12 + 1e-12).any()


def test_bisection_goes_downwards_too_and_leaves_what_was_not_asked():
    span = Bisection(np.array([10.0, 10.0]), np.array([0.0, 0.0]))
    points = span.between(1)
    span = span.narrowed(points, points <= 7, asked=np.array([[True], [False]]))
    assert span.hi.tolist() == [5.0, 0.0]
    assert span.lo.tolist() == [10.0, 10.0]


def test_arms_cost_what_the_schema_says_and_lead_where_it_allows():
    victims = people(200, seed=5)
    arms = Arms.of(SCHEMA, victims, victims)
    rng = np.random.default_rng(0)
    for arm in range(len(arms.feature)):
        can = np.flatnonzero(np.isfinite(arms.full[:, arm]))
        money = rng.uniform(0, 1.2, len(can)) * arms.full[can, arm]
        value, cost = arms.spend(can, np.full(len(can), arm), money)
        after = victims[can].copy()
        after[:, SCHEMA.mutable[arms.feature[arm]]] = value
        np.testing.assert_allclose(cost, SCHEMA.cost(victims[can], after), atol=1e-9)
        assert (cost <= money + 1e-9).all()


def test_streams_are_each_victims_own_and_even():
    cohort = Cohort(people(5), np.arange(5), (3,))
    all_, one = Streams.of(cohort), Streams.of(cohort.pick([2]))
    first = all_.uniform(np.arange(5), 1000)
    assert np.array_equal(first[2], one.uniform(np.array([0]), 1000)[0])
    assert not np.array_equal(all_.uniform(np.arange(5), 1000), first)
    assert abs(first.mean() - 0.5) < 0.02
    assert first.min() >= 0
    assert first.max() < 1


def test_asked_never_lets_a_record_through_twice():
    asked = Asked.nothing(3, 2, 100)
    values = np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]])
    assert asked.add(np.array([0, 0, 1]), values).tolist() == [True, False, True]
    assert asked.add(np.array([0, 1, 1]), values).tolist() == [False, True, False]
    again = np.array([[1.0, 2.0], [3.0, 3.0], [3.0, 3.0], [4.0, 4.0], [5.0, 5.0], [6.0, 6.0]])
    rows = asked.add_some(np.array([0, 2]), again, np.ones(6, dtype=bool), 1)
    assert rows.tolist() == [1, 3]


def test_the_guess_recovers_a_linear_model_from_decisions():
    records = people(800, seed=11)
    picture = guess(SCHEMA, records, margin(records) < 0)
    fresh = people(500, seed=12)
    assert ((picture.progress(fresh) >= 0) == (margin(fresh) < 0)).mean() > 0.95
    flat = guess(SCHEMA, records, np.zeros(800, dtype=bool))
    assert not flat.progress(fresh).any()
