"""Intervals cover what they say, and quantiles know infinity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from vauban.metrics.intervals import combined, differs, paired_median_ratio, quantile, weighted, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17, 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(successes: int, n: int, low: float, high: float) -> None:
    rate = wilson(successes, n)
    assert (round(rate.low, 4), round(rate.high, 4), rate.n) == (low, high, n)
    assert rate.value == successes / n


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_as_scipys(counts: tuple[int, int]) -> None:
    rate, other = wilson(*counts), binomtest(*counts).proportion_ci(0.95, "wilson")
    assert (rate.low, rate.high) == pytest.approx((other.low, other.high), abs=1e-9)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_no_trials_are_no_rate() -> None:
    rate = wilson(0, 0)
    assert math.isnan(rate.value)
    assert math.isnan(rate.low)
    assert math.isnan(rate.high)
    assert rate.n == 0


@pytest.mark.parametrize("n", [12, 50, 200])
def test_coverage(n: int) -> None:
    covered = []
    for p in np.linspace(0.02, 0.98, 49):
        bounds = [wilson(k, n) for k in range(n + 1)]
        inside = np.array([r.low <= p <= r.high for r in bounds])
        covered.append(float(binom.pmf(np.arange(n + 1), n, p)[inside].sum()))
    assert 0.94 <= np.mean(covered) <= 0.96
    assert min(covered) > 0.82


def test_coverage_by_simulation() -> None:
    rng = np.random.default_rng(7)
    p = rng.uniform(0.01, 0.99, 4000)
    drawn = [wilson(int(k), 60) for k in rng.binomial(60, p)]
    assert 0.93 <= np.mean([r.low <= q <= r.high for r, q in zip(drawn, p, strict=True)]) <= 0.97


def test_quantiles_are_values_and_know_infinity() -> None:
    values = np.array([3.0, np.inf, 1.0, np.inf, 2.0])
    assert quantile(values, 0.5) == 3
    assert quantile(values, 0.1) == 1
    assert quantile(values, 0.6) == 3
    assert quantile(values, 0.61) == math.inf
    assert quantile(values, 0.9) == math.inf
    assert quantile(np.array([1.0, np.inf]), 0.5) == 1
    assert quantile(np.array([np.inf]), 0.5) == math.inf
    assert math.isnan(quantile(np.empty(0), 0.5))


@given(st.lists(st.floats(0, 9) | st.just(math.inf), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_the_least_value_that_enough_are_below(values: list[float], q: float) -> None:
    got = quantile(np.array(values), q)
    assert got in values
    assert np.mean(np.array(values) <= got) >= q - 1e-12
    below = [v for v in values if v < got]
    assert len(below) / len(values) < q + 1e-12


def test_paired_ratios() -> None:
    ours, theirs = np.array([1.0, 2, 0, np.inf, 3]), np.array([2.0, 2, 0, 1, np.inf])
    got = paired_median_ratio(ours, theirs)
    assert (got.value, got.n) == (1, 3)
    assert got.low <= got.value <= got.high
    assert paired_median_ratio(ours, theirs) == got
    assert math.isnan(paired_median_ratio(np.array([np.inf]), np.array([1.0])).value)


def test_a_share_that_differs_from_the_controls() -> None:
    assert differs(0, 10, 0, 10) == 1
    assert differs(10, 10, 0, 10) == pytest.approx(1 / math.comb(20, 10))
    assert differs(0, 10, 10, 10) == 1
    assert differs(3, 0, 1, 5) == 1


def test_combined_shares_are_weighed_and_cover():
    rng = np.random.default_rng(0)
    truth, covered = 0.2 * 0.3 + 0.8 * 0.02, 0
    for _ in range(400):
        parts = [wilson(int(rng.binomial(80, 0.3)), 80), wilson(int(rng.binomial(300, 0.02)), 300)]
        told = combined(parts, (0.2, 0.8))
        covered += told.low <= truth <= told.high
    assert 0.92 <= covered / 400 <= 0.98
    assert told.n == 380


def test_combined_of_one_share_is_the_share():
    one = wilson(3, 50)
    told = combined([one, wilson(0, 0)], (1.0, 0.0))
    assert (told.value, told.low, told.high) == pytest.approx((one.value, one.low, one.high))


def test_equal_weights_are_a_plain_share():
    which = np.arange(50) < 7
    told, plain = weighted(which, np.full(50, 3.0)), wilson(7, 50)
    assert (told.value, told.low, told.high, told.n) == pytest.approx((plain.value, plain.low, plain.high, plain.n))


def test_unequal_weights_say_less():
    which = np.arange(50) % 5 == 0
    even, uneven = weighted(which, np.ones(50)), weighted(which, np.where(np.arange(50) < 10, 10.0, 1.0))
    assert uneven.high - uneven.low > even.high - even.low
    assert math.isnan(weighted(which, np.zeros(50)).value)
