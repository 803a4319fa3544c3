"""Data are split in disjoint parts, with the classes in the same shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.errors import BadInput
from vauban.system import SHARES, split

NAMES = ("train", "tuning", "known", "victims")


def data(good: int, harmful: int) -> tuple[pd.DataFrame, np.ndarray]:
    n = good + harmful
    order = np.random.default_rng(1).permutation(n)
    return pd.DataFrame({"row": np.arange(n)}, index=order), (np.arange(n) % n < harmful)[order].astype(np.int8)


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 300), st.integers(20, 300), st.integers(0, 5))
def test_parts_are_disjoint_whole_and_stratified(good: int, harmful: int, seed: int) -> None:
    frame, labels = data(good, harmful)
    parts = split(frame, labels, seed)
    rows = np.concatenate([getattr(parts, name).frame["row"] for name in NAMES])
    assert sorted(rows) == list(range(good + harmful))
    for name in NAMES:
        part = getattr(parts, name)
        assert (labels[part.frame["row"]] == part.labels).all()
        assert (part.frame.index == part.frame["row"]).all()  # the row in the data, whatever its index was
        assert abs(int((part.labels == 1).sum()) - SHARES[name] * harmful) <= 1
        assert abs(int((part.labels == 0).sum()) - SHARES[name] * good) <= 1
    assert parts.sizes() == {name: len(getattr(parts, name)) for name in NAMES}


def test_the_seed_decides() -> None:
    frame, labels = data(100, 50)
    one, same, other = (split(frame, labels, seed).victims.frame["row"].tolist() for seed in (0, 0, 1))
    assert one == same
    assert one != other
    assert one != sorted(one)


def test_nothing_given_is_changed() -> None:
    frame, labels = data(40, 40)
    before = frame.copy(), labels.copy()
    parts = split(frame, labels, 0)
    parts.victims.frame.iloc[0, 0] = -1
    parts.victims.labels[0] = 7
    pd.testing.assert_frame_equal(frame, before[0])
    assert (labels == before[1]).all()


def test_shares_of_nothing() -> None:
    frame, labels = data(50, 50)
    parts = split(frame, labels, 0, {"train": 0.0, "tuning": 0.1, "known": 0.3, "victims": 0.6})
    assert parts.sizes() == {"train": 0, "tuning": 10, "known": 30, "victims": 60}


def test_parts_of_parts() -> None:
    frame, labels = data(50, 50)
    part = split(frame, labels, 0).victims
    some = part.take(part.labels == 1)
    assert len(some) == int(part.labels.sum())
    assert (part.take(np.array([2, 0])).frame["row"] == part.frame["row"].iloc[[2, 0]]).all()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(99), r"shape \(100,\). Got shape \(99,\)"),
        (np.zeros((100, 1)), r"Got shape \(100, 1\)"),
        (np.where(np.arange(100) == 3, np.nan, 1), "1 of 100 labels are missing"),
        (np.arange(100) % 3, r"1 \(harmful\) or 0 \(good\). Got also \[(np.float64\()?2.0"),
        (np.zeros(100), "At least 20 harmful records .* Got 0"),
        (np.ones(100), "At least 20 good records .* Got 0"),
        ((np.arange(100) < 19).astype(int), "At least 20 harmful records .* Got 19"),
    ],
)
def test_labels_that_cannot_be_split(labels: np.ndarray, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        split(pd.DataFrame({"row": np.arange(100)}), labels, 0)
