"""Applicants with a known rule: what stands for a group and decides without merit is found, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from vauban.assurance import proxies, stand_ins
from vauban.assurance.expectations import Expectations
from vauban.assurance.proxies import Known, find_proxies
from vauban.assurance.rules import Condition, Rule
from vauban.assurance.run import run_test
from vauban.assurance.stand_ins import groups_of
from vauban.assurance.statement import exact
from vauban.cli.tested import show
from vauban.errors import BadInput
from vauban.results import to_json
from vauban.scenarios import scenario
from vauban.schema import Feature, Kind, TableSchema
from vauban.system import Parts
from vauban.targets import CallableTarget

ZONES = ("A", "B", "C", "D", "E")
SCHEMA = TableSchema(
    (
        Feature("zone", Kind.CATEGORICAL, values=ZONES),
        Feature("income", Kind.NUMERIC, 0.0, 10.0),
        Feature("debts", Kind.NUMERIC, 0.0, 10.0),
        Feature("hobby", Kind.CATEGORICAL, values=("chess", "golf", "ski")),
    )
)


@dataclass(frozen=True)
class World:
    """Applicants of two groups, and a model.

    Attributes:
        stands: whether zones C and D stand for group x.
        refused: what the model adds to the score of zones C and D.
        true: what they truly add to the risk.
    """

    stands: bool = True
    refused: float = 0.0
    true: float = 0.0
    seed: int = 0

    def risk(self, records: np.ndarray, zones: float) -> np.ndarray:
        inside = np.isin(records[:, 0], (2, 3))
        return 1 / (1 + np.exp(2 + 0.5 * records[:, 1] - 0.7 * records[:, 2] - zones * inside))

    def find(self, grounds: tuple[str, ...] = (), budget: int = 20_000) -> tuple[list[tuple[str, str]], int]:
        """Return kind and rule of what is found, and how many questions were asked."""
        rng = np.random.default_rng(self.seed)
        n = 3000
        records = np.column_stack(
            [rng.integers(5, size=n), rng.uniform(0, 10, n), rng.uniform(0, 10, n), rng.integers(3, size=n)]
        ).astype(float)
        labels = (rng.uniform(size=n) < self.risk(records, self.true)).astype(np.int64)
        chance = np.where(np.isin(records[:, 0], (2, 3)), 0.9, 0.05) if self.stands else np.full(n, 0.4)
        frame = pd.DataFrame({"group": np.where(rng.uniform(size=n) < chance, "x", "y")})
        asked = [0]

        def ask(given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            asked[0] += len(given)
            scores = self.risk(given, self.refused)
            return scores < 0.5, scores

        passing, scores = ask(records)
        asked[0] = 0
        groups = groups_of("group", SCHEMA, frame)
        known = Known(records, labels, passing, scores)
        found = find_proxies(SCHEMA, ask, known, groups, ["group"], grounds, budget, rng)
        return [(p.kind, f"{p.group}: {p.rule}") for p in found], asked[0]


PLANTED = ("proxy", "group = x: zone in (C, D)")


@pytest.mark.parametrize("refused", [2.0, 100.0])
def test_a_stand_in_that_decides_without_merit_is_found_and_described(refused: float) -> None:
    assert World(refused=refused).find()[0] == [PLANTED]


def test_nothing_is_asked_beyond_the_budget() -> None:
    for budget in (6_000, 20_000):
        assert 1_000 < World(refused=100.0).find(budget=budget)[1] <= budget


def test_a_declared_ground_is_told_as_one() -> None:
    assert World(refused=100.0).find(grounds=("zone",))[0] == [("ground", PLANTED[1])]


def test_what_the_true_outcome_bears_out_is_told_as_such() -> None:
    assert World(refused=3.0, true=3.0).find()[0] == [("outcome", PLANTED[1])]


SILENT = {
    "association": World(stands=False, refused=100.0),  # refused without merit, but in both groups alike
    "influence": World(true=-3.0),  # whoever stands for the group is safer, but the model does not look at it
    "merit": World(refused=3.0, true=3.0),
}


def _everything_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    zones = Rule((Condition(0, values=(2, 3)),))
    sure = stand_ins.Association(exact(100, 100), exact(0, 100), 0.0)
    monkeypatch.setattr(proxies, "standing_for", lambda schema, seen, group, one: [stand_ins.Candidate(group, zones)])
    for module in (proxies, stand_ins):
        monkeypatch.setattr(module, "association", lambda *_: sure)


def _everything_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    def only(schema, ask, known, rows, inside, *_):  # type: ignore[no-untyped-def]
        there = inside[rows]
        return there & ~known.passing[rows], there, there & False

    monkeypatch.setattr(proxies, "_influential", lambda schema, ask, candidates, *_: candidates)
    monkeypatch.setattr(proxies, "_where", lambda schema, ask, candidate, *_: (candidate.rule, candidate.rule))
    monkeypatch.setattr(proxies, "_only_because", only)


def _nothing_has_merit(monkeypatch: pytest.MonkeyPatch) -> None:
    real = proxies._judged

    def judged(*asked):  # type: ignore[no-untyped-def]
        found = real(*asked)
        return None if found is None else replace(found, merit=0.0)

    monkeypatch.setattr(proxies, "_judged", judged)


BROKEN = {"association": _everything_stands, "influence": _everything_decides, "merit": _nothing_has_merit}


@pytest.mark.parametrize("question", SILENT)
def test_each_question_is_needed(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy where one of the three is not so; a search that does not ask it raises a false alarm there."""
    world = SILENT[question]
    assert "proxy" not in [kind for kind, _ in world.find()[0]]
    BROKEN[question](monkeypatch)
    assert "proxy" in [kind for kind, _ in world.find()[0]]


def test_sound_models_raise_no_alarm() -> None:
    """A calibrated model that uses what stands for the group: at 1 % a run, 3 of 40 would be one in 130."""
    worlds = [World(refused=r, true=r, seed=s) for s in range(10) for r in (0.0, 0.5, 1.0, 2.0)]
    assert sum("proxy" in [kind for kind, _ in w.find(budget=8_000)[0]] for w in worlds) <= 2


def test_groups() -> None:
    frame = pd.DataFrame(
        {"age": np.arange(100.0), "sex": ["f", "m"] * 50, "rare": ["a"] * 99 + ["b"], "name": range(100)}
    )
    assert {g.text: g.members.sum() for g in groups_of("age", SCHEMA, frame)} == {
        "age up to 49.5": 50,
        "age over 49.5": 50,
    }
    assert {g.text: g.members.sum() for g in groups_of("sex", SCHEMA, frame)} == {"sex = f": 50, "sex = m": 50}
    assert groups_of("rare", SCHEMA, frame) == []
    with pytest.raises(BadInput, match="100 values"):
        groups_of("name", SCHEMA, frame.astype({"name": str}))


def test_a_protected_column_that_the_model_is_not_given(capsys: pytest.CaptureFixture[str]) -> None:
    system = scenario("credit").system("generated-credit", "logistic-regression", 0)
    base, rng = system.target, np.random.default_rng(0)

    def predict(frame: pd.DataFrame) -> np.ndarray:
        scores = np.asarray(base.answer(base.schema.encode(frame), base.grants & {"label", "score"}).scores)
        return np.where(frame["region"].isin(["north", "plain"]), 1.0, scores)

    parts = {}
    for name in system.parts.sizes():
        part = getattr(system.parts, name)
        chance = np.where(part.frame["region"].isin(["north", "plain"]), 0.9, 0.05)
        origin = np.where(rng.uniform(size=len(part)) < chance, "x", "y")
        parts[name] = replace(part, frame=part.frame.assign(origin=origin))
    planted = replace(system, target=CallableTarget(predict, base.schema, base.threshold), parts=Parts(**parts))
    expected = Expectations.named({"origin": "protected"}, base.schema, ["origin"])
    result = run_test(planted, expectations=expected, budget="40000").result
    assert [(p.kind, p.rule) for p in result.proxies] == [("proxy", "region in (north, plain)")]
    assert result.questions <= 40_000
    stored = json.loads(json.dumps(to_json(result)))["proxies"][0]
    assert stored["held"]["low"] > 0.8
    assert stored["lost_by_others"]["high"] < stored["lost"]["low"]
    show(result, None)
    assert "PROXY: region in (north, plain)" in capsys.readouterr().out
    with pytest.raises(BadInput, match="orign"):
        Expectations.named({"orign": "protected"}, base.schema, ["origin"])
