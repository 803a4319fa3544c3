"""Every success on real data flips the model and is a possible record, says a reader apart from our schemas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from tests.acceptance.reader import german, give_me_some_credit, impossible, message, south_german, taiwan
from tests.acceptance.related_reader import (
    coil2000,
    fremtpl2,
    insurance_charges,
    lendingclub,
    loan_sanction,
    vehicle_claims,
)
from vauban.audit.folder import records_table
from vauban.audit.run import Audit, Settings, run_audit
from vauban.scenarios import scenario
from vauban.scenarios.models import BOOSTERS, REGRESSORS
from vauban.scenarios.spam import SEGMENTS
from vauban.system import System
from vauban.threat import Budget, Cell, Grant

pytestmark = pytest.mark.data

READERS = {
    "german": german,
    "south-german": south_german,
    "taiwan": taiwan,
    "give-me-some-credit": give_me_some_credit,
    "sms": message(SEGMENTS),
    "enron": message(None),
    "youtube": message(10_000),
    "lendingclub": lendingclub,
    "coil2000": coil2000,
    "vehicle-claims": vehicle_claims,
    "fremtpl2": fremtpl2,
    "loan-sanction": loan_sanction,
    "insurance-charges": insurance_charges,
}
LARGE = {"lendingclub", "coil2000", "vehicle-claims", "fremtpl2"}
# Every data set and every kind of model; where both have company, one pair covers them.
CASES = [
    ("credit", "german", "logistic-regression"),
    ("credit", "taiwan", "logistic-regression"),
    ("credit", "taiwan", "xgboost"),
    ("credit", "give-me-some-credit", "lightgbm"),
    ("credit", "south-german", "catboost"),
    ("loan", "lendingclub", "hist-gradient-boosting"),
    ("insurance", "coil2000", "random-forest"),
    ("insurance", "vehicle-claims", "logistic-regression"),
    ("insurance", "fremtpl2", "poisson-boosting"),
    ("loan", "loan-sanction", "hist-gradient-boosting"),
    ("insurance", "insurance-charges", "poisson-regression"),
    ("spam", "youtube", "logistic-regression"),
    ("spam", "sms", "logistic-regression"),
    ("spam", "sms", "naive-bayes"),
    ("spam", "enron", "linear-svm"),
]


@dataclass(frozen=True)
class Case:
    name: str
    data: str
    model: str
    system: System
    audit: Audit


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> Case:
    name, data, model = request.param
    if model in BOOSTERS:
        pytest.importorskip(model, reason=f"{model} is not installed: pip install 'vauban[{model}]'")
    chosen = scenario(name)
    system = chosen.system(data, model, seed=3)
    grants = frozenset({Grant.LABEL, Grant.SCORE} | ({Grant.STRUCTURE} & system.target.grants))
    few = data in LARGE
    threats = chosen.threats(["EI", "EA"], grants, Budget(60, 120) if few else Budget(100, 200), None)
    attacks = ("donor-bisection", "greedy-search", "linear-optimum", "do-nothing")
    if not few:
        attacks += ("random-search", "good-words")
    return Case(
        name,
        data,
        model,
        system,
        run_audit(system, threats, Settings(seed=3, victims=16 if few else 25, attacks=attacks, tune=0)),
    )


def test_every_success_flips_and_is_possible(case: Case) -> None:
    name, data, model, system, audit = case.name, case.data, case.model, case.system, case.audit
    assert audit.problem is None
    table = records_table(audit.successes)
    assert len(table) > 40, "too few successes to say anything"
    assert impossible(table, READERS[data]) == []

    after = table[[c for c in table if c.startswith("after.")]].rename(columns=lambda c: c.removeprefix("after."))
    raw = after["text"].to_numpy(dtype=object) if name == "spam" else after
    estimator = system.target.estimator
    if model == "linear-svm":
        score = estimator.decision_function(raw)
    else:
        score = estimator.predict(raw) if model in REGRESSORS else estimator.predict_proba(raw)[:, 1]
    score = np.asarray(score, dtype=np.float64)  # a float32 would be compared to the threshold cut to float32
    blocked = score >= system.target.threshold
    wanted_blocked = (table["cell"] == Cell.EA).to_numpy()
    # A score within rounding of the threshold, but not on it, is judged by the target's own rule: 12 digits.
    off = np.abs(score - system.target.threshold)
    clear = (off > 1e-9) | (off == 0)
    assert (blocked == wanted_blocked)[clear].all()
    assert clear.mean() > 0.95


def test_nothing_but_the_record_of_the_data_is_attacked(case: Case) -> None:
    system, audit = case.system, case.audit
    table = records_table(audit.successes)
    held_out = system.parts.victims.frame.loc[table["victim_id"]].reset_index(drop=True)
    before = table[[c for c in table if c.startswith("before.")]].rename(columns=lambda c: c.removeprefix("before."))
    pd.testing.assert_frame_equal(before, held_out, check_dtype=False)


def test_attacks_beat_the_control_in_both_cells(case: Case) -> None:
    audit = case.audit
    for cell in ("EI", "EA"):
        of_cell = {f.attack: f for f in audit.result.findings if f.cell == cell}
        best = max((f.success_rate for f in of_cell.values() if f.role == "attack"), key=lambda r: r.value)
        assert best.low > of_cell["do-nothing"].success_rate.high
