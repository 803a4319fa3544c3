"""The contracts carry attacks of every kind: small ones, run by hand."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from vauban.contracts import (
    LABEL,
    SCORE,
    Ask,
    Attack,
    Bound,
    Brief,
    Candidate,
    CausativeAttack,
    Claim,
    Cohort,
    Known,
    Membership,
    NothingLearnt,
    Outcome,
    RoundOutcome,
    Send,
    Substitute,
    drive,
    no_scouting,
)
from vauban.errors import BudgetSpent
from vauban.records import Modality, Records
from vauban.schema import FORBIDDEN, Feature, Kind, Price, TableSchema
from vauban.targets import EstimatorTarget
from vauban.threat import Budget, Cell, Decision, Grant

D = 4
NOTHING = np.empty((0, D))
TABLE = frozenset({Modality.TABULAR})
GRADIENT = frozenset({Grant.LABEL, Grant.GRADIENT})
STRUCTURE = frozenset({Grant.LABEL, Grant.STRUCTURE})
SCHEMA = TableSchema(
    tuple(Feature(f"x{j}", Kind.NUMERIC, -20, 20, price=Price(up=1.0 + j, down=2.0 + j)) for j in range(D))
)


@dataclass
class Metered:
    """Answers questions of a target, a budget a victim (or in all, while scouting)."""

    target: EstimatorTarget
    budget: int
    victims: int = 0
    used: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.used = np.zeros(max(self.victims, 1), dtype=np.int64)

    def __call__(self, ask: Ask) -> Outcome:
        owner = np.zeros(len(ask.records), dtype=np.int64) if ask.owner is None else ask.owner
        if (self.used[np.unique(owner)] >= self.budget).all():
            raise BudgetSpent("everybody is spent")
        told = np.zeros(len(owner), dtype=bool)
        for i, victim in enumerate(owner):
            told[i] = self.used[victim] < self.budget
            self.used[victim] += told[i]
        a = self.target.answer(ask.records, ask.want)
        decisions = np.where(told, a.decisions, np.int8(Decision.UNANSWERED)).astype(np.int8)
        scores = np.where(told, a.scores, np.nan) if Grant.SCORE in ask.want else None
        gradients = None if a.gradients is None else np.where(told[:, None], a.gradients, np.nan)
        return Outcome(told, decisions, scores, gradients, self.budget - self.used)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 2, (3000, D))
    return x, (x @ np.array([1.0, -0.8, 0.5, 0.2]) + rng.normal(0, 1.5, len(x)) > 1).astype(int)


@pytest.fixture(scope="module")
def target(data):
    x, y = data
    return EstimatorTarget(LogisticRegression().fit(x[:1000], y[:1000]), SCHEMA, sample=x[:100], name="linear")


@pytest.fixture(scope="module")
def victims(data, target):
    x = data[0][2000:]
    return x[target.answer(x, LABEL).decisions == Decision.BLOCK][:60]


def brief_of(grants, records=NOTHING, labels=None, cell=Cell.EI, **more):
    return Brief(cell, SCHEMA, grants, Budget(200, 200), Known(records, labels, np.ones(len(records), bool)), **more)


def search(attack, target, victims, brief, budget=200):
    """Return claims, and the cost of the cheapest record asked for that flipped, for each victim."""
    assert isinstance(attack, Attack)
    meter = Metered(target, budget, len(victims))
    learnt, _ = drive(attack.scout(brief), Metered(target, budget))
    claims, trail = drive(attack.search(Cohort(victims, np.arange(len(victims))), learnt, brief), meter)
    best = np.full(len(victims), np.inf)
    for ask in trail:
        flipped = brief.reached(target.answer(ask.records, LABEL).decisions)
        cost = np.where(flipped, SCHEMA.cost(victims[ask.owner], ask.records), np.inf)
        np.minimum.at(best, ask.owner, cost)
    assert (meter.used <= budget).all()
    return claims, best


def optimum(target, victims):
    """Return the least cost of passing: features in the order of their price per margin, each as far as needed."""
    inside = target.structure()
    need = inside.margin(victims)
    price = np.where(inside.weights > 0, SCHEMA.down, SCHEMA.up)
    room = np.where(inside.weights > 0, victims + 20, 20 - victims)
    cost = np.zeros(len(victims))
    for j in np.argsort(price / np.abs(inside.weights)):
        used = np.minimum(np.maximum(need, 0) / abs(inside.weights[j]), room[:, j])
        cost, need = cost + used * price[j], need - used * abs(inside.weights[j])
    return cost


# --- exploratory: scores, gradients, bounds, substitutes, membership --------------------------------


@dataclass(frozen=True)
class Greedy:
    """Of all steps of one size, take the one that brings most for its price; until over the line."""

    step: float = 1.0
    modalities = TABLE
    wants = SCORE

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        return no_scouting(NothingLearnt())

    def search(self, cohort: Cohort, intelligence, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        first = cohort.records
        with suppress(BudgetSpent):
            at, outcome = first, (yield Ask(first, cohort.ids, SCORE))
            now, done = brief.progress(outcome.scores), brief.reached(outcome.decisions)
            moves = self.step * np.concatenate([np.eye(D), -np.eye(D)])
            while not done.all():
                cohort, at, now, first = cohort.pick(~done), at[~done], now[~done], first[~done]
                tried = brief.schema.repair(np.repeat(first, 2 * D, 0), (at[:, None] + moves).reshape(-1, D))
                told = yield Ask(tried, np.repeat(cohort.ids, 2 * D), SCORE)
                gain = brief.progress(told.scores).reshape(-1, 2 * D) - now[:, None]
                paid = brief.schema.cost(np.repeat(at, 2 * D, 0), tried).reshape(-1, 2 * D)
                pick = np.arange(len(at)), np.nanargmax(np.where(gain > 0, gain / np.maximum(paid, 1e-9), -1.0), axis=1)
                at, now = tried.reshape(-1, 2 * D, D)[pick], now + gain[pick]
                done = brief.reached(told.decisions.reshape(-1, 2 * D)[pick])
        return ()


def test_greedy_search_on_scores(target, victims):
    claims, cost = search(Greedy(), target, victims, brief_of(SCORE))
    assert claims == ()
    assert np.isfinite(cost).all()
    best = optimum(target, victims)
    assert (cost >= best - 1e-9).all()
    assert np.median(cost / best) < 3
    assert np.isinf(search(Greedy(), target, victims, brief_of(SCORE), budget=3)[1]).any()  # and it is metered


@dataclass(frozen=True)
class DownTheGradient:
    """Ask for the gradient once; then try ever longer steps along the feature that brings most for its price."""

    modalities = TABLE
    wants = GRADIENT

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        return no_scouting(NothingLearnt())

    def search(self, cohort: Cohort, intelligence, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        with suppress(BudgetSpent):
            outcome = yield Ask(cohort.records, cohort.ids, GRADIENT)
            sign = -1.0 if brief.cell.goal is Decision.PASS else 1.0
            towards = sign * outcome.gradients
            price = np.where(towards > 0, brief.schema.up, brief.schema.down)
            best = np.argmax(np.abs(towards) / price, axis=1)
            way = np.eye(D)[best] * np.sign(towards)
            for length in np.geomspace(0.1, 40, 30):
                yield Ask(brief.schema.repair(cohort.records, cohort.records + length * way), cohort.ids)
        return ()


def test_a_step_down_the_gradient(target, victims):
    assert Grant.GRADIENT in target.grants
    _, cost = search(DownTheGradient(), target, victims, brief_of(GRADIENT), budget=31)
    best = optimum(target, victims)
    reachable = np.isfinite(cost)
    assert reachable.mean() > 0.9
    assert (cost >= best - 1e-9).all()
    assert np.median(cost[reachable] / best[reachable]) < 1.3


@dataclass(frozen=True)
class Closed:
    """The cheapest change of a linear model in closed form: claimed as a candidate, and as a bound."""

    modalities = TABLE
    wants = STRUCTURE

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        return no_scouting(NothingLearnt())

    def search(self, cohort: Cohort, intelligence, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        yield from ()
        inside, claims = brief.inside, []
        low, high = brief.schema.span(cohort.records)
        for i, record in enumerate(cohort.records):
            end = np.where(inside.weights > 0, low[i], high[i])
            gain = inside.weights * (record - end)
            price = np.where(inside.weights > 0, brief.schema.down, brief.schema.up) / np.abs(inside.weights)
            after, need = record.copy(), float(inside.margin(record[None])[0])
            for j in np.argsort(price):
                after[j] += (end[j] - record[j]) * min(max(need, 0.0) / gain[j], 1.0)
                need -= gain[j]
            claims += [
                Bound(int(cohort.ids[i]), float(brief.schema.cost(record[None], after[None])[0])),
                Candidate(int(cohort.ids[i]), after + 1e-9 * np.sign(after - record)),
            ]
        return claims


def test_a_lower_bound_that_holds_and_is_reached(target, victims):
    claims, _ = search(Closed(), target, victims, brief_of(STRUCTURE, inside=target.structure()))
    bounds = {c.victim: c.cost for c in claims if isinstance(c, Bound)}
    assert np.allclose([bounds[i] for i in range(len(victims))], optimum(target, victims))
    _, found = search(Greedy(0.2), target, victims, brief_of(SCORE))
    assert all(bounds[i] <= found[i] + 1e-9 for i in bounds)  # judged by what another attack found
    made = np.array([c.record for c in claims if isinstance(c, Candidate)])
    assert (target.answer(made, LABEL).decisions == Decision.PASS).all()
    paid = SCHEMA.cost(victims, made)
    assert (paid < FORBIDDEN).all()
    assert np.allclose(paid, [bounds[i] for i in range(len(victims))], atol=1e-6)


@dataclass(frozen=True)
class Copy:
    model: LogisticRegression

    def decide(self, records: Records) -> np.ndarray:
        return np.where(self.model.predict(records), Decision.BLOCK, Decision.PASS).astype(np.int8)


@dataclass(frozen=True)
class Extract:
    """Ask about known records, and train a model on what was answered."""

    modalities = TABLE
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Copy]:
        outcome = yield Ask(brief.known.records[: brief.budget.scouting])
        told = outcome.answered
        blocked = outcome.decisions[told] == Decision.BLOCK
        return Copy(LogisticRegression(C=100).fit(brief.known.records[: len(told)][told], blocked))

    def search(self, cohort: Cohort, intelligence: Copy, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        yield from ()
        return (Substitute(intelligence),)


def test_a_substitute_agrees_on_fresh_records(data, target, victims):
    x, y = data
    claims, _ = search(Extract(), target, victims, brief_of(LABEL, x[1000:1200]))
    assert callable(claims[0].model.decide)
    fresh, truth = x[1500:], target.answer(x[1500:], LABEL).decisions
    assert (claims[0].model.decide(fresh) == truth).mean() > 0.96
    from_labels = Copy(LogisticRegression().fit(x[1000:1020], y[1000:1020]))
    assert (claims[0].model.decide(fresh) == truth).mean() > (from_labels.decide(fresh) == truth).mean()


@dataclass(frozen=True)
class Confident:
    """A model is surer of what it was trained on (Yeom et al., "Privacy risk in machine learning", CSF 2018)."""

    modalities = TABLE
    wants = SCORE

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        return no_scouting(NothingLearnt())

    def search(self, cohort: Cohort, intelligence, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        outcome = yield Ask(brief.suspects, np.zeros(len(brief.suspects), dtype=np.int64), SCORE)
        return (Membership(np.abs(outcome.scores - 0.5)),)


def test_membership_shows_in_an_overfitted_forest_and_not_in_a_sound_model(data, target):
    x, y = data
    y = y ^ (np.random.default_rng(5).random(len(y)) < 0.3)  # labels that can only be learnt by heart
    member = np.arange(200) < 100
    suspects = np.concatenate([x[:100], x[1000:1100]])
    forest = EstimatorTarget(RandomForestClassifier(50, random_state=0).fit(x[:1000], y[:1000]), SCHEMA, name="forest")
    found = {}
    for model in (forest, target):
        claim = search(Confident(), model, x[:1], brief_of(SCORE, suspects=suspects))[0][0]
        found[model.name] = roc_auc_score(member, claim.scores)
    assert found["forest"] > 0.75
    assert abs(found["linear"] - 0.5) < 0.12


# --- causative: ask, send, see the round's outcome, ask again ----------------------------------------


@dataclass(frozen=True)
class Creep:
    """Each round, send records on the way to his own that just pass: collected as good, they move the line his way."""

    aim: tuple[float, ...]
    sent: int = 400
    modalities = TABLE
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, float]:
        """Return how much of the way his records can go and still pass."""
        low, high = 0.0, 1.0
        for _ in range(8):
            middle = (low + high) / 2
            outcome = yield Ask(np.array(self.aim)[None] * middle)
            low, high = (middle, high) if brief.reached(outcome.decisions)[0] else (low, middle)
        return low

    def dress(self, records: Records, intelligence: float, brief: Brief) -> Records:
        return records * intelligence

    def campaign(self, intelligence: float, brief: Brief) -> Generator[Ask | Send, object, Sequence[Claim]]:
        with suppress(BudgetSpent):
            while True:
                goods = self.dress(np.tile(self.aim, (self.sent, 1)), intelligence * 0.98, brief)
                outcome = yield Send(goods, sources=["him"] * self.sent)
                if outcome.model_changed:
                    intelligence = yield from self.scout(brief)
        return ()


@dataclass
class Loop:
    """A model that is retrained each round on its traffic, labelled by what the deployed model said of it."""

    x: np.ndarray
    y: np.ndarray
    rounds: int = 2
    retrains: bool = True

    def __post_init__(self) -> None:
        self.round, self.asked = 0, []
        self.target = self.trained()

    def trained(self) -> EstimatorTarget:
        return EstimatorTarget(LogisticRegression().fit(self.x, self.y), SCHEMA, sample=self.x[:100])

    def __call__(self, move: Ask | Send) -> Outcome | RoundOutcome:
        if isinstance(move, Ask):
            self.asked.append(self.round)
            return Metered(self.target, 10_000)(move)
        if self.round == self.rounds:
            raise BudgetSpent("the last round is over")
        decisions = self.target.answer(move.records, LABEL).decisions
        if self.retrains:
            self.x = np.concatenate([self.x, move.records])
            self.y = np.concatenate([self.y, decisions == Decision.BLOCK])
            self.target = self.trained()
        self.round += 1
        return RoundOutcome(self.round, decisions, self.retrains, self.rounds - self.round)


@pytest.mark.parametrize("retrains", [True, False])
def test_a_campaign_over_two_rounds(data, retrains):
    x, y = data
    attack = Creep(aim=(6.0, -6.0, 0.0, 0.0))
    assert isinstance(attack, CausativeAttack)
    brief = brief_of(frozenset({Grant.LABEL, Grant.SEND}), cell=Cell.CI)
    loop = Loop(x[:600], y[:600], retrains=retrains)
    reach, _ = drive(attack.scout(brief), loop)
    harmful = x[2000:][y[2000:] == 1]
    before = (loop.target.answer(harmful, LABEL).decisions == Decision.PASS).mean()
    claims, trail = drive(attack.campaign(reach, brief), loop)
    sends = [m for m in trail if isinstance(m, Send)]
    assert claims == ()
    assert len(sends) == 2
    after = (loop.target.answer(harmful, LABEL).decisions == Decision.PASS).mean()
    further, _ = drive(attack.scout(brief), loop)
    if retrains:
        assert {1, 2} <= set(loop.asked)  # he looked again after each new model
        assert np.abs(sends[1].records[0]).sum() > np.abs(sends[0].records[0]).sum()  # and went further
        assert further > reach
        assert after > before + 0.03
    else:
        assert set(loop.asked) == {0, 2}  # only this test's own scouting
        assert (after, further) == (before, reach)
