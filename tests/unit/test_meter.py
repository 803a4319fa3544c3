"""Budgets are exact: rows are answered in order, to the last question, and others are not touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.audit.meter import Meter, ScoutMeter, check_ask
from vauban.contracts import LABEL, SCORE, Answers, Ask, Outcome
from vauban.errors import BadInput, ContractViolation
from vauban.records import Ints, Mask, messages
from vauban.schema import Feature, Kind, Price, TableSchema, TextSchema
from vauban.targets import CallableTarget
from vauban.threat import Budget, Decision, Grant

TABLE = TableSchema((Feature("x", Kind.NUMERIC, 0, 100, price=Price(1, 1)),))
BLOCK, PASS, UNANSWERED = Decision.BLOCK, Decision.PASS, Decision.UNANSWERED


def asked(meter: Meter, owner: list[int], blocked: list[int] | None = None) -> Outcome:
    """Ask rows for owners; the score of row i is i, and the rows in ``blocked`` are blocked."""
    n = len(owner)
    ask = Ask(np.arange(n, dtype=float)[:, None], np.array(owner, dtype=np.int64), SCORE)
    fits, _ = meter.admit(ask)
    decisions = np.where(np.isin(np.arange(n), blocked or []), BLOCK, PASS).astype(np.int8)
    return meter.settle(ask, fits, Answers(decisions[fits], np.arange(n, dtype=float)[fits]))


def test_each_victims_rows_are_answered_in_order_up_to_his_budget() -> None:
    meter = Meter("a", np.array([0, 1, 2]), 3, Budget(queries=2))
    outcome = asked(meter, [1, 0, 1, 1, 0, 0, 2])
    assert outcome.answered.tolist() == [True, True, True, False, True, False, True]
    assert outcome.decisions.tolist() == [PASS, PASS, PASS, UNANSWERED, PASS, UNANSWERED, PASS]
    assert np.isnan(outcome.scores).tolist() == (~outcome.answered).tolist()
    assert outcome.remaining.tolist() == [0, 0, 1]
    assert meter.used.tolist() == [2, 2, 1]
    assert not meter.spent
    assert asked(meter, [2, 2]).answered.tolist() == [True, False]
    assert meter.spent
    assert asked(meter, [0, 1, 2]).answered.tolist() == [False] * 3


def test_ordinals_count_each_victims_own_questions() -> None:
    meter = Meter("a", np.array([0, 1]), 2, Budget(queries=9))
    asked(meter, [0, 0, 1])
    fits, ordinal = meter.admit(Ask(np.zeros((4, 1)), np.array([1, 0, 1, 0])))
    assert fits.all()
    assert ordinal.tolist() == [2, 3, 3, 4]


def test_flagged_questions_stop_a_victim_in_the_middle_of_a_batch() -> None:
    meter = Meter("a", np.array([0, 1]), 2, Budget(queries=10, flagged=2))
    outcome = asked(meter, [0, 1, 0, 0, 0, 1], blocked=[0, 3, 4])
    assert outcome.answered.tolist() == [True, True, True, True, False, True]  # the second block is itself an answer
    assert outcome.decisions.tolist() == [BLOCK, PASS, PASS, BLOCK, UNANSWERED, PASS]
    assert meter.flagged.tolist() == [2, 0]
    assert meter.used.tolist() == [3, 2]
    assert outcome.remaining.tolist() == [0, 8]
    assert np.isnan(outcome.scores[4])


def test_flags_of_earlier_batches_count() -> None:
    meter = Meter("a", np.array([0]), 1, Budget(queries=10, flagged=2))
    asked(meter, [0], blocked=[0])
    assert asked(meter, [0, 0, 0], blocked=[1]).answered.tolist() == [True, True, False]
    assert meter.spent


def test_other_cohorts_have_nothing_left_here() -> None:
    meter = Meter("a", np.array([1]), 3, Budget(queries=4))
    assert meter.remaining.tolist() == [0, 4, 0]


def test_an_attacker_sees_no_more_than_he_asked_for() -> None:
    meter = Meter("a", np.array([0]), 1, Budget(queries=4))
    ask = Ask(np.zeros((1, 1)), np.array([0]), LABEL)
    told = Answers(np.array([BLOCK], np.int8), np.array([0.7]), np.array([[1.0]]))
    outcome = meter.settle(ask, meter.admit(ask)[0], told)
    assert outcome.scores is None
    assert outcome.gradients is None
    ask = Ask(np.zeros((2, 1)), np.array([0, 0]), frozenset({Grant.LABEL, Grant.GRADIENT}))
    meter = Meter("a", np.array([0]), 1, Budget(queries=1))
    outcome = meter.settle(ask, meter.admit(ask)[0], told)
    assert outcome.scores is None
    assert outcome.gradients[0] == 1.0
    assert np.isnan(outcome.gradients[1])


def naive(owners: list[list[int]], blocked: list[list[bool]], queries: int, flagged: int | None) -> list[list[bool]]:
    """Budgets by the letter: one row after the other."""
    used, flags, out = [0] * 4, [0] * 4, []
    for batch, blocks in zip(owners, blocked, strict=True):
        row = []
        for owner, block in zip(batch, blocks, strict=True):
            answer = used[owner] < queries and (flagged is None or flags[owner] < flagged)
            if answer:
                used[owner] += 1
                flags[owner] += block
            row.append(answer)
        out.append(row)
    return out


@settings(max_examples=150, deadline=None)
@given(
    batches=st.lists(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12), max_size=5),
    queries=st.integers(0, 8),
    flagged=st.none() | st.integers(1, 4),
)
def test_as_by_the_letter(batches: list[list[tuple[int, bool]]], queries: int, flagged: int | None) -> None:
    owners = [[o for o, _ in batch] for batch in batches]
    blocked = [[b for _, b in batch] for batch in batches]
    meter = Meter("a", np.arange(4), 4, Budget(queries=queries, flagged=flagged))
    got = [
        asked(meter, who, np.flatnonzero(block).tolist()).answered.tolist()
        for who, block in zip(owners, blocked, strict=True)
    ]
    assert got == naive(owners, blocked, queries, flagged)


@pytest.mark.parametrize(
    "owner", [None, np.array([0]), np.array([0.0, 1.0]), np.array([0, 3]), np.array([0, -1]), np.array([0, 2])]
)
def test_questions_for_nobody_or_somebody_else(owner: Ints | None) -> None:
    meter = Meter("mine", np.array([0, 1]), 3, Budget())
    with pytest.raises(ContractViolation, match="'mine'"):
        meter.admit(Ask(np.zeros((2, 1)), owner))


def test_scouting_has_a_budget_of_its_own() -> None:
    meter = ScoutMeter("a", Budget(queries=0, scouting=3))

    def ask(n: int) -> Mask:
        question = Ask(np.zeros((n, 1)))
        fits = meter.admit(question)
        outcome = meter.settle(question, fits, Answers(np.full(int(fits.sum()), BLOCK, np.int8)))
        assert outcome.remaining.tolist() == [3 - meter.used]
        return outcome.answered

    assert ask(2).tolist() == [True, True]
    assert ask(2).tolist() == [True, False]
    assert meter.spent
    assert (meter.used, meter.flagged) == (3, 3)
    with pytest.raises(ContractViolation, match="owners while it scouts"):
        meter.admit(Ask(np.zeros((1, 1)), np.array([0])))


@pytest.mark.parametrize(
    ("schema", "ask", "message"),
    [
        (TABLE, "no question", "must yield Ask. Got str"),
        (TABLE, Ask(np.zeros((1, 1)), None, SCORE), "asked for score, which it was not granted"),
        (TABLE, Ask([[0.0]]), "records of the schema. Got list"),
        (TABLE, Ask(messages(["a"])), "records of the schema"),
        (TABLE, Ask(np.zeros((1, 2))), r"records of 1 features. Got shape \(1, 2\)"),
        (TextSchema(), Ask(np.zeros((1, 1))), "records of the schema"),
    ],
)
def test_what_is_no_question(schema: TableSchema | TextSchema, ask: object, message: str) -> None:
    target = CallableTarget(len, schema)
    with pytest.raises(ContractViolation, match=message):
        check_ask(ask, "a", target, LABEL)


@pytest.mark.parametrize("field", ["queries", "scouting", "flagged", "cost"])
@pytest.mark.parametrize("value", [-1, float("nan")])
def test_budgets_are_no_debts(field: str, value: float) -> None:
    with pytest.raises(BadInput, match=f"{field} must be 0 or more"):
        Budget(**{field: value})
