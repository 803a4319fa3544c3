import numpy as np
import pytest

from vauban.records import fingerprints, frozen, messages, modality_of

MANY = 300_000
"""Enough that keys of 32 bits would collide: ten pairs are expected."""


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(size=(MANY, 4)),
        lambda rng: np.round(rng.normal(0, 50, (MANY, 6)), 2),
        lambda rng: rng.integers(0, 1000, (MANY, 5)).astype(float),
        lambda rng: np.c_[np.arange(MANY) % 1000, np.arange(MANY) // 1000].astype(float),
        lambda rng: (np.arange(2**18)[:, None] >> np.arange(18) & 1).astype(float),
        lambda rng: np.where(np.arange(2**18)[:, None] >> np.arange(18) & 1, np.nan, 3.0),
    ],
    ids=["normal", "two decimals", "integers", "grid", "all booleans", "all patterns of missing values"],
)
def test_many_different_records_have_different_keys(draw):
    records = draw(np.random.default_rng(0))
    assert len(np.unique(fingerprints(records))) == len(records)


def test_columns_do_not_commute():
    records = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [2.0, 2.0], [0.0, 0.0]])
    assert len(set(fingerprints(records).tolist())) == 5


def test_equal_records_have_equal_keys_in_any_layout_and_company():
    records = np.random.default_rng(0).normal(size=(50, 7))
    keys = fingerprints(records)
    for same in (np.asfortranarray(records), np.repeat(records, 2, axis=0)[::2], frozen(records)):
        np.testing.assert_array_equal(fingerprints(same), keys)
    np.testing.assert_array_equal(np.concatenate([fingerprints(records[i : i + 1]) for i in range(50)]), keys)
    wide = np.zeros((50, 14))
    wide[:, ::2] = records
    np.testing.assert_array_equal(fingerprints(wide[:, ::2]), keys)


def test_minus_nought_is_nought():
    one, two = fingerprints(np.array([[0.0, 1.0], [-0.0, 1.0]]))
    assert one == two


def test_every_missing_value_is_the_same():
    with np.errstate(invalid="ignore"):
        computed = np.array([np.inf]) - np.inf  # its sign bit differs from np.nan's on common machines
    odd = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)
    kinds = np.array([np.nan, -np.nan, computed[0], odd[0]])[:, None]
    assert len(set(fingerprints(np.c_[np.ones(4), kinds]).tolist())) == 1


def test_keys_are_the_same_on_every_machine():
    assert fingerprints(np.array([[1.5, np.nan, -2.0]])).tolist() == [11473293403209984172]
    assert fingerprints(messages(["a text"])).tolist() == [5830437876521264211]


def test_texts():
    texts = messages(["", " ", "a", "A", "ä", "a\u0308", "\ud800", "a\x00"])
    assert len(set(fingerprints(texts).tolist())) == len(texts)
    assert fingerprints(texts)[2] == fingerprints(messages(["b", "a"]))[1]


@pytest.mark.parametrize("nobody", [np.empty((0, 3)), messages([])])
def test_no_records_have_no_keys(nobody):
    keys = fingerprints(nobody)
    assert keys.shape == (0,)
    assert keys.dtype == np.uint64


def test_what_is_frozen_is_a_read_only_copy():
    records = np.ones((2, 2))
    copy = frozen(records)
    records[0] = 5
    assert copy.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        copy[0] = 2


def test_shape_says_the_modality():
    assert modality_of(messages(["a"])) == "messages"
    assert modality_of(np.ones((1, 2))) == "table"
