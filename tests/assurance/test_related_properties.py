"""Variations of records whose columns depend on each other: what follows from a change is recomputed."""

from __future__ import annotations

import numpy as np
import pytest

from vauban.assurance.expectations import Expected
from vauban.assurance.properties import Feature, limits
from vauban.assurance.run import anywhere
from vauban.testing.worlds import RELATED, world

RECORDS = np.concatenate([w.known.records for w in (world("related EI label"),)])


def feature(name: str, expected: Expected) -> Feature:
    j = RELATED.index(name)
    low, high = limits(RELATED, RECORDS)
    return Feature(RELATED, j, expected, float(low[j]), float(high[j]))


@pytest.mark.parametrize(("name", "expected"), [("amount", Expected.RISKIER), ("open", Expected.IRRELEVANT)])
def test_a_variation_obeys_what_its_record_obeyed(name: str, expected: Expected) -> None:
    before, after = feature(name, expected).vary(RECORDS, np.random.default_rng(0))
    assert len(before) > 50
    assert (before[:, RELATED.index(name)] != after[:, RELATED.index(name)]).all()
    assert not RELATED.rules.broken(before, after).any()
    if name == "amount":
        assert (before[:, 2] != after[:, 2]).any()


def test_a_derived_feature_is_not_varied_by_itself() -> None:
    before, after = feature("burden", Expected.RISKIER).vary(RECORDS, np.random.default_rng(0))
    assert len(before) == len(after) == 0


def test_records_drawn_anywhere_obey() -> None:
    rng = np.random.default_rng(0)
    base = RECORDS[:80]
    drawn = anywhere(RELATED, RECORDS, base, rng)
    assert RELATED.holds(drawn).all()
    assert 0.05 < (drawn != base).any(axis=1).mean() < 1
