import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from vauban.assurance.statement import at_look, exact, looks


@given(st.integers(1, 60), st.floats(0.001, 0.999))
def test_the_exact_interval_covers_at_every_share(n, p):
    ks = np.arange(n + 1)
    covered = [(r := exact(int(k), n)).low <= p <= r.high for k in ks]
    assert binom.pmf(ks, n, p)[covered].sum() >= 0.95


def test_known_answers():
    none = exact(0, 100)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 100))
    assert (none.low, exact(7, 7).high, exact(0, 0).high) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize("p", [0.004, 0.05, 0.4])
def test_it_may_be_stopped_at_any_look(p):
    """Whoever stops as soon as the truth lies outside, still finds it outside in at most 5 % of all runs."""
    rng = np.random.default_rng(0)
    ends = looks(3200)
    wrong = 0
    for _ in range(600):
        hits = rng.uniform(size=ends[-1]) < p
        rates = [at_look(int(hits[:n].sum()), n, k + 1) for k, n in enumerate(ends)]
        wrong += any(not r.low <= p <= r.high for r in rates)
    assert wrong / 600 <= 0.05


def test_looks_double_and_end_where_they_must():
    assert looks(1000) == [200, 400, 800, 1000]
    assert looks(150) == [150]
    assert looks(0) == []
