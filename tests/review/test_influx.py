"""A section that came more often, with labels of its own, is told; an honest growth is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vauban.contracts import SCORE, Labelled
from vauban.monitors.dossier import Dossier
from vauban.monitors.influx import Influx
from vauban.scenarios.models import table_model
from vauban.schema import infer_schema
from vauban.targets import EstimatorTarget


def dossier(more: int, share: float | None, seed: int = 0) -> Dossier:
    """A thousand records and four hundred verified ones, of four zones; ``more`` of zone d, so many of them harmful."""
    rng = np.random.default_rng(seed)

    def drawn(n: int) -> tuple[pd.DataFrame, np.ndarray]:
        zone = rng.choice(list("abcd"), n, p=[0.4, 0.3, 0.2, 0.1])
        income = rng.normal(3000, 800, n).round()
        harmful = rng.uniform(size=n) < np.where(zone == "d", 0.5, 0.2) + np.where(income < 2500, 0.15, 0)
        return pd.DataFrame({"zone": zone, "income": income}), harmful.astype(np.int8)

    frame, labels = drawn(1000)
    known, truth = drawn(400)
    added, natural = drawn(20 * more)
    of_d = np.flatnonzero(added["zone"] == "d")[:more]
    own = natural[of_d] if share is None else (rng.uniform(size=more) < share).astype(np.int8)
    whole = pd.concat([frame, added.iloc[of_d]], ignore_index=True)
    schema = infer_schema(pd.concat([whole, known], ignore_index=True))
    trusted = Labelled(schema.encode(known), truth)
    return Dossier(schema.encode(whole), np.concatenate([labels, own]), schema, trusted=trusted, seed=seed)


def test_a_section_that_is_taught_is_told_and_its_records_come_first():
    found = Influx().score(case := dossier(200, 0.0))
    assert found.alarm[0].startswith("zone = d: ")
    first = np.argsort(-found.score, kind="stable")[:200]
    assert (first >= 1000).mean() > 0.6  # the honest good ones of the zone are among them
    assert (case.labels[first] == 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_an_honest_growth_is_not_told(seed):
    assert Influx().score(dossier(200, None, seed)).alarm == ()


def test_without_growth_there_is_no_opinion():
    assert np.isneginf(Influx().score(dossier(0, None)).score).all()


def test_values_that_nobody_verified_are_compared_with_what_is_expected():
    case = dossier(0, None)
    assert case.trusted is not None
    known = case.schema.decode(case.trusted.records)
    model = table_model("hist-gradient-boosting", case.schema, 0).fit(known, case.trusted.labels)
    approved = EstimatorTarget(model, case.schema, sample=case.trusted.records)
    records, labels = case.records.copy(), case.labels.copy()
    bad = np.flatnonzero((labels == 1) & (np.asarray(approved.answer(records, SCORE).scores) > 0.4))[:40]
    records[bad, 1], labels[bad] = 2222.0, 0
    told = Influx().score(Dossier(records, labels, case.schema, trusted=case.trusted, approved=approved))
    assert any(line.startswith("income = 2222: ") for line in told.alarm), told.alarm
