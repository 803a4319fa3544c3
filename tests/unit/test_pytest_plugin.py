"""The pytest plugin, in a pytest of its own."""

from dataclasses import replace
from importlib.metadata import entry_points

import pytest

from vauban.errors import BadInput
from vauban.pytest_plugin import assert_robust
from vauban.results import AuditResult, Clean, Coverage, Finding, Queries, Rate, Skipped, Verdict
from vauban.results import Cost as Price

pytest_plugins = ["pytester"]


def finding(low, value, high, *, role="attack", cell="EI", victims=100):
    rate = Rate(value, low, high, victims)
    return Finding(
        f"{cell}-x", cell, "indiscriminate", "x", role, "X", "", ("label",), victims, round(value * victims), rate,
        Price("EUR", 3.0, 1.0, 9.0), Queries(10, 20, 5, 100), 1, 1, 0.1, 0.1, (), {}, None, (), (),
    )  # fmt: skip


def result(*findings, incomplete=(), degenerate=None):
    rate = Rate(0.1, 0.05, 0.2, 100)
    return AuditResult(
        "0", "s", {}, {}, 0, Clean(rate, rate, degenerate), (), findings, (), (), incomplete, Coverage(1, 1, 0, 0),
        Verdict("low", "", ()),
    )  # fmt: skip


def test_the_upper_end_counts_unless_another_is_named():
    found = result(finding(0.1, 0.2, 0.35))
    assert_robust(found, at_most=0.35)
    with pytest.raises(AssertionError, match=r"10.0% to 35.0%.*narrower"):
        assert_robust(found, at_most=0.3)
    assert_robust(found, at_most=0.2, bound="value")
    assert_robust(found, at_most=0.1, bound="low")
    with pytest.raises(AssertionError, match="median cost of 3 EUR"):
        assert_robust(found, at_most=0.05, bound="low")


def test_controls_prove_nothing():
    with pytest.raises(AssertionError, match="No attack was tried"):
        assert_robust(result(finding(0, 0, 0.01, role="control")), at_most=0.5)
    with pytest.raises(AssertionError, match="No attack was tried"):
        assert_robust(result(finding(0, 0, 0.01)), at_most=0.5, cell="EA")


def test_what_did_not_finish_or_says_nothing_fails():
    whole = finding(0, 0, 0.01)
    with pytest.raises(AssertionError, match="x in EA: stopped"):
        assert_robust(result(whole, incomplete=(Skipped("x", "EA", "stopped"),)), at_most=0.5)
    with pytest.raises(AssertionError, match="degenerate"):
        assert_robust(result(whole, degenerate="The model blocks all."), at_most=0.5)
    with pytest.raises(AssertionError, match="No attack was tried"):
        assert_robust(result(replace(whole, victims=0)), at_most=0.5)


def test_nonsense_is_refused():
    with pytest.raises(BadInput, match="between 0 and 1"):
        assert_robust(result(), at_most=30)
    with pytest.raises(BadInput, match="bound"):
        assert_robust(result(), at_most=0.3, bound="hihg")


TESTS = """
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from vauban.pytest_plugin import assert_robust

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc"))
y = (X["a"] + rng.normal(size=600) > 0).astype(int)
model = LogisticRegression().fit(X[:300], y[:300])

@pytest.mark.vauban
def test_weak(vauban_audit):
    assert_robust(vauban_audit(model, X[300:], y[300:], cells=["EI"], queries=60, victims=15,
                               attacks=["donor-bisection"]), at_most=0.2)

def test_other():
    pass
"""


def test_a_suite_with_the_plugin(pytester):
    pytester.makepyfile(TESTS)
    installed = any(e.value == "vauban.pytest_plugin" for e in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "vauban.pytest_plugin"]
    options = [*plugin, "--strict-markers", "-p", "no:cacheprovider"]
    attacked = pytester.runpytest_subprocess(*options, "-m", "vauban")
    attacked.assert_outcomes(failed=1, deselected=1)
    attacked.stdout.fnmatch_lines(["*EI-donor-bisection: 15 of 15 succeed*"])
