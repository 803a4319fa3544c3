"""The strongest attack is chosen on records apart, and its figures are those on the victims."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import planted
import pytest

from conftest import Vauban, assert_refused
from vauban.audit import selection
from vauban.audit.plan import make_plan
from vauban.audit.run import Audit, Settings, run_audit
from vauban.audit.selection import kinds
from vauban.catalogue import CATALOGUE
from vauban.errors import BadInput
from vauban.filters import Filter
from vauban.reports import FORMATS
from vauban.results import to_json
from vauban.schema import TextSchema
from vauban.system import Part, Parts, System
from vauban.targets import CallableTarget

ODD_TUNING = [*range(101, 129, 2), *range(200, 212, 2)]  # 14 odd, 6 even
EVEN_VICTIMS = [*range(300, 360, 2), *range(401, 421, 2)]  # 30 even, 10 odd


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in (planted.ODD, planted.EVEN):
        monkeypatch.setitem(CATALOGUE, entry.name, entry)


def play(system: System | None = None, attacks: tuple[str, ...] = ("odd", "even"), **settings: Any) -> Audit:
    system = system or planted.system(ODD_TUNING, EVEN_VICTIMS)
    audit = run_audit(system, planted.threats(), Settings(attacks=attacks, **settings))
    assert audit.problem is None
    return audit


def test_the_strongest_is_that_of_the_tuning_set_with_its_figures_on_the_victims() -> None:
    result = play().result
    (best,) = result.strongest
    assert (best.attack, best.finding, best.chosen_on, best.why) == ("odd", "EI-odd", "tuning set", None)
    assert best.tuned_on is not None
    assert (best.tuned_on.n, best.tuned_on.successes) == (20, 14)
    assert [(t.attack, t.successes) for t in best.tried] == [("odd", 14), ("even", 6)]
    assert {f.attack: f.successes for f in result.findings} == {"odd": 10, "even": 30}
    (sentence,) = result.verdict.details
    assert "with odd, the strongest of 2 attacks on 20 records apart, 10 of 40" in sentence
    assert "on these records themselves even reached more, 30" in sentence
    assert result.verdict.headline.startswith("25 % of the harmful records")
    assert result.verdict.level == "moderate"  # the interval of 10 of 40 starts at 14 %


def test_the_reports_give_the_tuned_ones_figures() -> None:
    stored = to_json(play().result)
    stored["model"] |= {"sha256": "ab", "file": None, "note": ""}
    stored["data"] |= {"sha256": "cd"}
    page, summary = FORMATS["html"](stored), FORMATS["markdown"](stored)
    assert "Odd, the strongest of 2 attacks, chosen on 20 records apart." in page
    assert "**Integrity**: 25 %" in summary
    assert "by Odd, the strongest of 2 attacks, chosen on 20 records apart, at" in summary
    older = {k: v for k, v in stored.items() if k != "strongest"}  # a run of before there was a tuning set
    assert "by Even, the strongest of 2 attacks, at" in FORMATS["markdown"](older)


def test_ties_go_to_the_lower_median_cost_then_to_fewer_questions() -> None:
    evens = planted.system([*range(100, 140, 2)], EVEN_VICTIMS)
    CATALOGUE["odd"] = replace(planted.ODD, parameters={"rest": 0, "asks": 1})  # type: ignore[index]
    assert play(evens, ("even", "odd")).result.strongest[0].attack == "odd"
    CATALOGUE["odd"] = replace(planted.ODD, parameters={"rest": 0, "asks": 3})  # type: ignore[index]
    assert play(evens, ("even", "odd")).result.strongest[0].attack == "even"


def test_switched_off_it_says_so() -> None:
    result = play(tune=0).result
    (best,) = result.strongest
    assert (best.attack, best.chosen_on, best.tuned_on, best.tried) == ("even", "victims", None, ())
    assert best.why == "the comparison is switched off (--tune 0)"
    assert "the strongest of 2 attacks on these records themselves (the comparison is switched off" in str(
        result.verdict.details
    )


def test_one_attack_is_compared_with_nothing() -> None:
    (best,) = play(attacks=("odd",)).result.strongest
    assert (best.attack, best.chosen_on, best.tried) == ("odd", "no choice", ())


def test_where_nothing_passes_on_the_tuning_set_it_says_nothing() -> None:
    CATALOGUE["odd"] = replace(planted.ODD, parameters={"by": 3, "rest": 2})  # type: ignore[index]
    CATALOGUE["even"] = replace(planted.EVEN, parameters={"by": 3, "rest": 1})  # type: ignore[index]
    (best,) = play(planted.system([102, 105, 108], [301, 304, 302])).result.strongest
    assert (best.attack, best.chosen_on) == ("even", "victims")
    assert best.why == "no attack got through on the tuning set"
    assert [t.successes for t in best.tried] == [0, 0]


def test_one_that_is_chosen_and_fails_is_not_called_safe() -> None:
    result = play(planted.system([101, 103], [*range(300, 340, 2)])).result
    assert result.strongest[0].attack == "odd"
    assert result.verdict.headline == (
        "The attack chosen as the strongest got through for none of 20 records, but others did."
    )


def test_a_slice_without_a_tuning_record() -> None:
    aimed = [replace(t, where=Filter("x > 250")) for t in planted.threats()]
    audit = run_audit(planted.system(ODD_TUNING, EVEN_VICTIMS), aimed, Settings(attacks=("odd", "even")))
    (best,) = audit.result.strongest
    assert (best.attack, best.chosen_on) == ("even", "victims")
    assert "no record of the tuning part" in str(best.why)


def test_the_best_of_an_attacks_settings_is_used_on_the_victims() -> None:
    CATALOGUE["even"] = replace(planted.EVEN, alternatives=({"rest": 1}, {"rest": 1, "asks": 9}))  # type: ignore[index]
    result = play(attacks=("even",)).result
    (finding,) = result.findings
    assert (finding.settings, finding.successes) == ({"rest": 1, "asks": 3}, 10)
    assert finding.queries.median == 4
    (best,) = result.strongest
    assert [(t.settings["rest"], t.settings["asks"], t.successes) for t in best.tried] == [
        (1, 3, 14),
        (1, 9, 14),
        (0, 3, 6),
    ]
    assert play(attacks=("even",), tune=0).result.findings[0].settings == {"rest": 0, "asks": 3}


# --- apart from all others, by content -------------------------------------------------------------


def overlapping() -> System:
    """Tuning records of which all but 600 and up lie somewhere else too; 602 is there twice."""
    tuning = [101, 103, 105, 600, 602, 602, 604, 7]
    made = planted.system(tuning, [101, 300, 302], [103, 2])
    return replace(made, parts=replace(made.parts, train=planted.part([105, 3])))


def assert_apart(system: System, most: int = 100) -> None:
    (front,) = make_plan(system, planted.threats(), ("odd", "even"), 100, most).fronts
    assert sorted(front.tuning[:, 0].tolist()) == [600, 602, 604][:most]
    parts = system.parts
    others = [system.target.schema.encode(p.frame) for p in (parts.train, parts.known, parts.victims)]
    assert not np.isin(kinds(front.tuning), kinds(np.concatenate([front.victims, *others]))).any()


def test_tuning_records_are_nobody_elses() -> None:
    assert_apart(overlapping())
    assert_apart(overlapping(), 2)


@pytest.mark.parametrize("name", ["train", "known", "victims"])
def test_a_tuning_set_that_forgot_a_part_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = overlapping()
    forgotten = getattr(system.parts, name).frame

    def blind(records: Any) -> Any:
        keys = kinds(records)
        return (
            keys + np.uint64(1) if len(records) == len(forgotten) and (records == forgotten.to_numpy()).all() else keys
        )

    monkeypatch.setattr(selection, "kinds", blind)
    with pytest.raises(AssertionError):
        assert_apart(system)


def test_messages_that_differ_in_digits_are_the_same() -> None:
    def texts(*of: str) -> Part:
        return Part(pd.DataFrame({"text": list(of)}), np.ones(len(of), dtype=np.int8))

    target = CallableTarget(lambda frame: np.ones(len(frame)), TextSchema(longest=100), 0.5, name="all")
    parts = Parts(
        texts("train me"), texts("Win 7  PRIZES", "call 1", "train me", "apart"), texts("CALL 2"), texts("win 5 prizes")
    )
    about = {"name": "texts", "kind": "messages", "source": "here", "removed": {}}
    system = System("texts", target, parts, None, about)
    (front,) = make_plan(system, planted.threats(), ("good-words", "good-words-passive"), 10, 10).fronts
    assert front.tuning.tolist() == ["apart"]


def test_a_cascade_without_a_tuning_set_is_refused(vauban: Vauban) -> None:
    with pytest.raises(BadInput, match="--tune"):
        play(attacks=("odd", "cascade"), tune=0)
    assert_refused(vauban("audit", "small-table", "--attack", "cascade", "--tune", "0"), "--tune 20")
