"""A cascade: the cheapest attack first, survivors to the next, one budget a victim for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import planted
import pytest
import small_systems
from planted import Parity

from vauban.audit.answers import Oracle
from vauban.audit.folder import records_table
from vauban.audit.judge import Judged
from vauban.audit.meter import Meter
from vauban.audit.plan import brief_for, make_plan
from vauban.audit.run import Audit, Settings, run_audit
from vauban.audit.runner import Turn, search_in_turn
from vauban.catalogue import CATALOGUE
from vauban.contracts import NothingLearnt
from vauban.results import to_json
from vauban.system import System

SLOW = planted.line("slow", by=3, rest=0, asks=8)


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch, catalogue: None) -> None:
    for entry in (planted.ODD, planted.EVEN, SLOW):
        monkeypatch.setitem(CATALOGUE, entry.name, entry)


# --- one budget ------------------------------------------------------------------------------------

NUMBERS = [101, 102, 103, 104, 105]


def cascade(members: Sequence[Parity], queries: int, flagged: int | None = None, size: int | None = None) -> Judged:
    system = planted.system([], NUMBERS)
    (front,) = make_plan(system, planted.threats(queries, flagged), ("odd",), 10).fronts
    brief = brief_for(front, system.target, "odd", 0)
    turns = [Turn(m, f"m{i}", brief, NothingLearnt(), (i,)) for i, m in enumerate(members)]
    return search_in_turn(turns, front.victims, Oracle(system.target), cohort_size=size)[0]


NOBODY = [Parity(by=1000, rest=999, asks=a) for a in (2, 4, 1)]  # they ask 3, 5 and 2 questions


def check_budget() -> None:
    for size in (1, 2, None):
        for queries in range(13):
            judged = cascade(NOBODY, queries, size=size)
            assert judged.used.tolist() == [min(queries, 10)] * 5
            assert not judged.success.any()
        assert cascade(NOBODY, 50, flagged=4, size=size).flagged.tolist() == [4] * 5


def test_the_budget_of_a_cascade_is_exact() -> None:
    check_budget()


def test_a_budget_for_each_member_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Meter.turn

    def anew(meter: Meter, attack: str, cohort: Any) -> None:
        turn(meter, attack, cohort)
        meter.used[:] = 0

    monkeypatch.setattr(Meter, "turn", anew)
    with pytest.raises(AssertionError):
        check_budget()


def test_who_is_evaded_is_left_alone_and_ordinals_go_on() -> None:
    judged = cascade([Parity(rest=1, asks=1), Parity(rest=0, asks=3)], 50)
    assert judged.success.all()
    assert judged.turn.tolist() == [0, 1, 0, 1, 0]
    assert judged.used.tolist() == [2, 6, 2, 6, 2]
    assert judged.first.tolist() == [2, 6, 2, 6, 2]


def test_who_is_spent_goes_on_to_nobody() -> None:
    judged = cascade([Parity(rest=1, asks=1), Parity(rest=0, asks=3)], 5)
    assert judged.success.tolist() == [True, False, True, False, True]
    assert judged.used.tolist() == [2, 5, 2, 5, 2]


# --- the plan's cascade ----------------------------------------------------------------------------

TUNING = [*range(101, 141)]
VICTIMS = [*range(301, 331)]


def play(attacks: tuple[str, ...], queries: int = 50, **settings: Any) -> Audit:
    system = planted.system(TUNING, VICTIMS)
    audit = run_audit(system, planted.threats(queries), Settings(attacks=attacks, **settings))
    assert audit.problem is None
    return audit


def test_the_cheapest_goes_first_whatever_the_order_of_names() -> None:
    (finding,) = play(("slow", "even", "odd", "cascade"), tune=40).result.findings[-1:]
    assert [m["attack"] for m in finding.members] == ["odd", "even", "slow"]
    assert [m["tuned_on"]["queries"] for m in finding.members] == [2, 4, 9]
    assert [(m["left"], m["successes"]) for m in finding.members] == [(30, 15), (15, 15), (0, 0)]
    assert (finding.attack, finding.role, finding.successes) == ("cascade", "attack", 30)


def test_it_can_be_the_strongest() -> None:
    result = play(("odd", "even", "cascade")).result
    assert result.strongest[0].attack == "cascade"
    assert next(t.attack for t in result.strongest[0].tried) == "cascade"
    assert "with cascade, the strongest of 3 attacks on 20 records apart, 30 of 30" in result.verdict.details[0]


def test_alone_it_is_made_of_the_whole_catalogue() -> None:
    result = play(("cascade",), 30, victims=5).result
    (finding,) = result.findings
    names = [m["attack"] for m in finding.members]
    fit = [e.name for e in CATALOGUE.values() if e.role == "attack"]
    assert {"odd", "even", "slow", "donor-bisection"} <= set(names) <= set(fit)
    assert "greedy-search" not in names  # scores are not granted
    assert finding.queries.p90 <= 30


def test_its_members_share_what_may_be_asked_to_scout() -> None:
    system = small_systems.scorecard_system()
    attacks = ("march", "donor-bisection", "surrogate")
    plan = make_plan(system, small_systems.threats(60), (*attacks, "cascade"), 5, 5)
    assert {m.scouting for p in plan.attacks for m in p.members} == {20}
    assert {p.scouting for p in plan.attacks} == {None}


def test_without_members_it_is_out_of_scope() -> None:
    result = play(("good-words", "cascade")).result
    assert [(s.attack, s.reason) for s in result.out_of_scope if s.cell == "EI"] == [
        ("good-words", "it works on messages, and the records are tables"),
        ("cascade", "none of its attacks can be tried here"),
    ]


def test_a_cascade_of_one_attack_equals_that_attack() -> None:
    system = small_systems.scorecard_system()
    for name in ("march", "donor-bisection"):
        audit = run_audit(system, small_systems.threats(30), Settings(0, 6, (name, "cascade"), tune=3))
        table = records_table(audit.successes)
        other = {"id", "attack", "title", "description", "members", "settings", "tags"}
        for cell in ("EI", "EA"):
            alone, one = (
                {k: v for k, v in f.substance().items() if k not in other}
                for f in audit.result.findings
                if f.cell == cell
            )
            assert alone == one
            of_cell = [
                table[(table["cell"] == cell) & (table["attack"] == a)].drop(columns="attack").reset_index(drop=True)
                for a in (name, "cascade")
            ]
            assert len(of_cell[0])
            pd.testing.assert_frame_equal(*of_cell)


# --- the same findings, whatever interrupts them ---------------------------------------------------

MANY = ("slow", "even", "odd", "cascade")


def substance(audit: Audit) -> dict[str, Any]:
    result = audit.result
    strongest = to_json(result.strongest)
    for trial in [t for s in strongest for t in (*s["tried"], s["tuned_on"])]:
        del trial["rows_scored"], trial["seconds"]
    return {"findings": [f.substance() for f in result.findings], "strongest": strongest, "exit": audit.exit_code}


def run(system: System, attacks: tuple[str, ...] = MANY, **settings: Any) -> Audit:
    few = planted.threats(11) if system.name == "numbers" else small_systems.threats(17)
    return run_audit(system, few, Settings(0, 8, attacks, tune=8, **settings))


def test_cohorts_and_workers() -> None:
    system = planted.system(TUNING, VICTIMS)
    whole = run(system)
    members = next(f.members for f in whole.result.findings if f.attack == "cascade")
    assert [m["left"] for m in members] == [8, 4, 0]
    for settings in ({"cohort_size": 1}, {"cohort_size": 3}, {"jobs": 2}):
        other = run(system, **settings)
        assert substance(other) == substance(whole)
        pd.testing.assert_frame_equal(records_table(other.successes), records_table(whole.successes))


def test_messages_in_cohorts(text_system: System) -> None:
    attacks = ("babble", "good-words-first-n", "cascade")
    assert substance(run(text_system, attacks, cohort_size=3)) == substance(run(text_system, attacks))


class Interrupted:
    """The planted model, which is interrupted at one of its calls."""

    def __init__(self) -> None:
        self.calls, self.rows, self.stop_at = 0, 0, -1

    def __call__(self, frame: pd.DataFrame) -> Any:
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        self.calls += 1
        self.rows += len(frame)
        return planted.harm(frame)


def test_a_resumed_cascade_asks_no_logged_answer_again(tmp_path: Path) -> None:
    model = Interrupted()
    system = planted.system(TUNING, VICTIMS)
    system = replace(system, target=replace(system.target, predict=model))

    def life(folder: str, stop_at: int = -1) -> tuple[Audit | None, int]:
        model.calls, model.rows, model.stop_at = 0, 0, stop_at
        try:
            audit = run(system, answers=tmp_path / folder)
        except KeyboardInterrupt:  # before the attacks
            audit = None
        return audit, model.rows

    whole, rows = life("whole")
    calls = model.calls
    assert whole is not None
    again, always = life("whole")  # plans, verdicts and examples are asked in every life, and not logged
    assert again is not None
    assert substance(again) == substance(whole)
    assert always < rows
    within = 0
    for stop_at in range(0, calls, 4):
        first, before = life(f"at-{stop_at}", stop_at)
        within += first is not None
        last, after = life(f"at-{stop_at}")
        assert last is not None
        assert substance(last) == substance(whole)
        assert before + after <= rows + always + len(VICTIMS)  # one question is in flight
    assert within > 3
