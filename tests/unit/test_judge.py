"""A success is what the model says of the exact record, inside the schema and the attacker's means; nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.audit.judge import NEVER, Judge, Judged, judge_membership, judge_substitute
from vauban.contracts import Bound, Candidate, Membership, Scale
from vauban.errors import ContractViolation, TargetError
from vauban.records import messages
from vauban.schema import Feature, Kind, Price, TableSchema, TextSchema
from vauban.targets import CallableTarget
from vauban.threat import Cell, Decision

SCHEMA = TableSchema(
    (
        Feature("x", Kind.NUMERIC, 0, 100, price=Price(1, 2)),
        Feature("sex", Kind.CATEGORICAL, values=("f", "m"), dtype="object"),
    )
)


def above(frame: pd.DataFrame) -> Any:
    return frame["x"].to_numpy() / 100


TARGET = CallableTarget(above, SCHEMA)
VICTIMS = np.array([[80.0, 0], [60.0, 1], [90.0, 0]])
PASS, BLOCK = Decision.PASS, Decision.BLOCK


def judge(limit: float | None = None, cell: Cell = Cell.EI) -> Judge:
    return Judge("mine", cell, SCHEMA, VICTIMS, limit)


def see(judge: Judge, *rows: tuple[int, float, float, int, int]) -> None:
    """Owner, x, sex, decision, ordinal."""
    owner, x, sex, decisions, ordinal = (np.array(column) for column in zip(*rows, strict=True))
    judge.see(owner, np.column_stack([x, sex]).astype(float), decisions.astype(np.int8), ordinal)


def verdict(judge: Judge, target: Any = TARGET) -> Judged:
    n = len(VICTIMS)
    return judge.verdict(target, np.arange(n), np.zeros(n, np.int64))


def test_the_cheapest_is_kept() -> None:
    it = judge()
    see(it, (0, 30.0, 0, PASS, 1), (0, 49.0, 0, PASS, 2), (0, 40.0, 0, PASS, 3), (1, 40.0, 1, PASS, 1))
    see(it, (0, 48.0, 0, PASS, 4))
    got = verdict(it)
    assert got.cost.tolist() == [2 * 31, 2 * 20, np.inf]
    assert got.records[:, 0].tolist() == [49, 40, 90]
    assert got.first.tolist() == [1, 1, NEVER]
    assert got.at.tolist() == [2, 1, 0]
    assert got.score[:2].tolist() == pytest.approx([0.49, 0.40])
    assert np.isnan(got.score[2])
    assert got.success.tolist() == [True, True, False]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_of_two_as_cheap_the_earlier_question_counts(order: list[int]) -> None:
    schema = TableSchema((*SCHEMA.features[:1], Feature("free", Kind.NUMERIC, 0, 9, price=Price(0, 0))))
    it = Judge("mine", Cell.EI, schema, np.array([[80.0, 0.0]]), None)
    records = np.array([[40.0, 1.0], [40.0, 2.0]])[order]
    ordinal = np.array([5, 3])[order]
    it.see(np.zeros(2, np.int64), records, np.full(2, PASS, np.int8), ordinal)
    it.see(np.zeros(1, np.int64), np.array([[40.0, 7.0]]), np.array([PASS], np.int8), np.array([9]))
    got = it.verdict(CallableTarget(above, schema), np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert got.records.tolist() == [[40.0, 2.0]]
    assert (got.first[0], got.at[0]) == (3, 3)


def test_what_did_not_flip_or_cannot_be_never_counts() -> None:
    it = judge()
    see(
        it,
        (0, 70.0, 0, BLOCK, 1),  # no flip
        (0, 70.0, 0, Decision.REFER, 2),  # a person will look at it
        (0, 10.0, 0, Decision.UNANSWERED, 3),
        (0, 10.0, 1, PASS, 4),  # what cannot be changed was
        (1, -5.0, 1, PASS, 1),  # out of bounds
        (1, np.nan, 1, PASS, 2),
    )
    got = verdict(it)
    assert not got.success.any()
    assert got.first.tolist() == [NEVER] * 3
    assert (got.records == VICTIMS).all()


def test_what_is_too_dear_never_counts() -> None:
    it = judge(limit=62.0)
    see(it, (0, 48.9, 0, PASS, 1), (1, 29.0, 1, PASS, 1))
    assert not verdict(it).success[0]
    assert verdict(it).cost[1] == 62
    see(it, (0, 49.0, 0, PASS, 2))
    assert verdict(it).cost[0] == 62
    assert verdict(it).first[0] == 2


def test_a_victim_that_is_as_he_wants_it_costs_nothing() -> None:
    it = judge(cell=Cell.EA)
    see(it, (0, 80.0, 0, BLOCK, 1))
    assert verdict(it).cost[0] == 0


def test_claimed_candidates_are_judged_by_asking() -> None:
    it = judge()
    it.hear([Candidate(0, np.array([45.0, 0])), Candidate(1, np.array([55.0, 1]))], np.array([0, 1]), TARGET)
    got = verdict(it)
    assert got.cost.tolist() == [70, np.inf, np.inf]
    assert (got.first[0], got.at[0]) == (0, 0)


def test_claims_of_texts() -> None:
    target = CallableTarget(lambda texts: [float("ok" not in t) for t in texts], TextSchema())
    it = Judge("mine", Cell.EI, TextSchema(), messages(["win now", "win"]), None)
    it.hear([Candidate(1, "win ok"), Candidate(0, "now win")], np.array([0, 1]), target)
    got = it.verdict(target, np.zeros(2, np.int64), np.zeros(2, np.int64))
    assert got.cost.tolist() == [np.inf, 1]


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ([Candidate(2, VICTIMS[2])], "claims something of 2, not of its cohort"),
        ([Bound(7, 1.0)], "claims something of 7"),
        ([Membership(np.zeros(2))], "claims Membership in a search"),
        (["trust me"], "claims str"),
    ],
)
def test_claims_about_others(claims: list[Any], message: str) -> None:
    with pytest.raises(ContractViolation, match=message):
        judge().hear(claims, np.array([0, 1]), TARGET)


def test_a_true_bound_is_kept_and_a_false_one_refused() -> None:
    it = judge()
    see(it, (0, 49.0, 0, PASS, 1))
    it.hear([Bound(0, 62.0), Bound(1, np.inf)], np.array([0, 1]), TARGET)
    got = verdict(it)
    assert got.bound[:2].tolist() == [62.0, np.inf]
    assert np.isnan(got.bound[2])
    it.hear([Bound(0, 62.001)], np.array([0, 1]), TARGET)
    with pytest.raises(ContractViolation, match=r"victim 0 costs at least 62.001, but evaded it for 62"):
        verdict(it)


def test_the_verdict_asks_the_model_again() -> None:
    asked: list[int] = []

    def changing(frame: pd.DataFrame) -> Any:
        asked.append(len(frame))
        return np.ones(len(frame))

    it = judge()
    see(it, (0, 40.0, 0, PASS, 1), (1, 30.0, 1, PASS, 1))
    with pytest.raises(TargetError, match="does not stand by its answers: 2 of 2 successes of 'mine'"):
        verdict(it, CallableTarget(changing, SCHEMA))
    assert asked == [2]


def test_a_model_of_labels_has_no_score() -> None:
    target = CallableTarget(lambda frame: frame["x"].to_numpy() >= 50, SCHEMA, scale=Scale.LABEL)
    it = judge()
    see(it, (0, 40.0, 0, PASS, 1))
    assert verdict(it, target).success.tolist() == [True, False, False]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-10, 110), st.integers(0, 1)), max_size=30),
    st.integers(1, 30),
    st.none() | st.integers(0, 150),
)
def test_as_one_by_one(rows: list[tuple[int, int, int]], size: int, limit: int | None) -> None:
    it, best = judge(None if limit is None else float(limit)), dict.fromkeys(range(3), (np.inf, 0))
    first = dict.fromkeys(range(3), NEVER)
    for start in range(0, len(rows), size):
        batch = [
            (o, float(x), s, PASS if x < 50 else BLOCK, start + i + 1)
            for i, (o, x, s) in enumerate(rows[start : start + size])
        ]
        see(it, *batch)
        for owner, x, sex, decision, ordinal in batch:
            before = VICTIMS[owner]
            cost = float(max(x - before[0], 2 * (before[0] - x)))
            possible = 0 <= x <= 100 and sex == before[1] and cost <= (np.inf if limit is None else limit)
            if possible and decision == PASS:
                best[owner] = min(best[owner], (cost, ordinal))
                first[owner] = min(first[owner], ordinal)
    got = verdict(it)
    assert [(c, a) for c, a in zip(got.cost, got.at, strict=True)] == list(best.values())
    assert got.first.tolist() == list(first.values())


def test_agreement_of_a_substitute() -> None:
    class Usual:
        def decide(self, records: Any) -> Any:
            return np.full(len(records), BLOCK, np.int8)

    assert judge_substitute(Usual(), TARGET, np.array([[80.0, 0], [20.0, 0], [50.0, 0]])).tolist() == [
        True,
        False,
        True,
    ]


def test_membership_is_the_area_under_the_roc_curve() -> None:
    members = np.array([True, True, False, False])
    assert judge_membership(np.array([4.0, 3.0, 2.0, 1.0]), members) == 1
    assert judge_membership(np.array([1.0, 2.0, 3.0, 4.0]), members) == 0
    assert judge_membership(np.array([4.0, 1.0, 3.0, 2.0]), members) == 0.5
    with pytest.raises(ContractViolation, match="some, not all"):
        judge_membership(np.zeros(2), np.array([True, True]))
