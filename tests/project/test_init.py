"""From a file to a vauban.toml: kinds, leaks, relations, and a file that a person can edit."""

import tomllib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.project.conftest import applicants
from vauban.errors import BadInput
from vauban.project import check, init, read_project
from vauban.project.guess import guess
from vauban.project.ranks import in_order
from vauban.project.relate import mine
from vauban.project.written import key, value


def test_every_column_is_taken_for_what_it_is(proposed):
    taken = {g.name: (g.role, g.kind.value if g.role == "feature" else "") for g in proposed.guesses}
    assert taken == {
        "application_id": ("id", ""),
        "applied": ("time", ""),
        "income": ("feature", "integer"),
        "loan_amount": ("feature", "integer"),
        "rate": ("feature", "numeric"),
        "savings": ("feature", "numeric"),
        "employed": ("feature", "ordinal"),
        "purpose": ("feature", "categorical"),
        "guarantor": ("feature", "boolean"),
        "zip_code": ("many", ""),
        "total_due": ("feature", "integer"),
        "country": ("constant", ""),
    }
    assert all(g.reasons for g in proposed.guesses)


def test_the_file_is_toml_with_reasons_and_what_must_be_told(proposed):
    text = proposed.path.read_text(encoding="utf-8")
    read = tomllib.loads(text)
    assert read["columns"]["employed"]["values"] == ["< 1 year", "1 year", "2 to 4 years", "5+ years"]
    assert read["columns"]["rate"]["read_as"] == "percent"
    assert read["columns"]["loan_amount"]["step"] == 100
    assert read["data"]["time"] == "applied"
    assert "trained on 55 %" in text
    assert "What the data cannot say" in text


def test_a_baseline_checks_out(proposed):
    seen = check(read_project(proposed.path))
    assert [c.well for c in seen] == [True] * 7, seen


def test_nothing_is_overwritten(table, proposed):
    before = proposed.path.read_bytes()
    with pytest.raises(BadInput, match="is there already"):
        init(table, "default", out=proposed.path)
    assert proposed.path.read_bytes() == before


def test_a_leak_is_left_out_and_an_honest_column_is_not(tmp_path):
    frame = applicants()
    frame["recovered_amount"] = np.where(frame["default"] == 1, np.random.default_rng(1).uniform(1, 99, len(frame)), 0)
    frame.to_csv(tmp_path / "a.csv", index=False)
    done = init(tmp_path / "a.csv", "default", out=tmp_path / "v.toml")
    assert {g.name for g in done.guesses if g.role == "leak"} == {"recovered_amount"}
    assert any("recovered_amount" in sentence for sentence in done.told)


def test_any_column_name_and_a_sample_of_counted_records(tmp_path):
    frame = applicants().rename(columns={"guarantor": "self", "savings": "frame"})
    frame["position"] = np.sort(np.random.default_rng(0).choice(9 * len(frame), len(frame), replace=False))
    frame.to_csv(tmp_path / "a.csv", index=False)
    done = init(tmp_path / "a.csv", "default", out=tmp_path / "v.toml")
    assert {g.name for g in done.guesses if g.role == "id"} == {"application_id", "position"}
    assert all(c.well for c in check(read_project(tmp_path / "v.toml")))


def test_relations_are_found_and_chance_is_not():
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, 500, 400), rng.integers(1, 500, 400)
    zero = rng.random(400) < 0.3
    one, other = np.where(zero, 0, rng.integers(1, 9, 400)), np.where(zero, 0, rng.integers(1, 9, 400))
    part = rng.integers(0, 501, 400) * a // 500
    names = ["a", "b", "sum", "ratio", "one", "other", "part", "noise"]
    columns = [a, b, a + b, a / b, one, other, part, rng.normal(250, 100, 400)]
    found = mine(np.column_stack(columns).astype(float), names)
    kinds = {(f.reason.split(":")[0], frozenset(f.columns)) for f in found}
    assert ("sum", frozenset({"a", "b", "sum"})) in kinds
    assert any(k in ("ratio", "product") and c == {"a", "b", "ratio"} for k, c in kinds)
    assert ("zeros", frozenset({"one", "other"})) in kinds
    assert any(f.columns == ("part", "a") for f in found)
    assert not any("noise" in f.columns for f in found)


def test_one_exception_makes_it_no_relation():
    rng = np.random.default_rng(0)
    a = rng.normal(0, 1, 6000)
    b = a + rng.uniform(0, 1, 6000)
    assert mine(np.column_stack([a, b]), ["a", "b"])
    b[-1] = a[-1] - 1
    assert not mine(np.column_stack([a, b]), ["a", "b"])


@pytest.mark.parametrize(
    ("values", "kind", "form"),
    [
        (["1", "2", "?", "17"], "integer", "number"),
        (["12.5%", "3%", "8.25 %"], "numeric", "percent"),
        (["$1,200", "$300", "$25,000"], "integer", "money"),
        (["1,5k", "2k", "3k"], "categorical", None),
        (["yes", "no", None], "boolean", None),
        (["low", "high", "medium"], "ordinal", None),
        (["2 years", "under 6 months", "1 year"], "ordinal", None),
        (["red", "blue", "green"], "categorical", None),
        (["A11", "A12", "A14"], "categorical", None),
        (["A", "B", "C", "D"], "ordinal", None),
        ([1.5, 2.25, None], "numeric", None),
        ([1.0, 2.0, None, 7.0], "integer", None),
        ([True, False, None], "boolean", None),
        ([1, "one", 2], "categorical", None),
    ],
)
def test_kinds(values, kind, form):
    column = pd.Series(values * 10, name="x")
    found = guess(column)
    assert (found.kind.value, found.form) == (kind, form)


@pytest.mark.parametrize("text", ["2024-01-31", "31/01/2024", "31.01.2024", "Jan-2011", "20 Jan 2024"])
def test_dates_are_dates(text):
    assert guess(pd.Series([text] * 3 + [text.replace("20", "19", 1)], name="x")).form == "days"


def test_codes_are_no_amounts():
    rng = np.random.default_rng(0)
    assert guess(pd.Series(rng.integers(1, 8, 500), name="product_code")).kind == "categorical"
    assert guess(pd.Series(rng.integers(0, 8, 500), name="visits")).kind == "integer"
    assert guess(pd.Series(rng.integers(10_000, 99_999, 500), name="zip")).kind == "categorical"


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=12, unique=True))
def test_an_order_holds_every_value_once(values):
    ranked = in_order(values)
    assert ranked is None or sorted(ranked[0]) == sorted(values)


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_name_and_text_survives_the_file(name, text):
    assert tomllib.loads(f"[columns.{key(name)}]\nvalues = {value([text])}") == {"columns": {name: {"values": [text]}}}


def test_a_hostile_column_cannot_write_into_the_file(tmp_path):
    frame = applicants()
    frame['x"]\nfile = "/etc/passwd'] = ["a\n[model]\nfile = 'evil.pkl'", "b", "c"] * 200
    frame.to_parquet(tmp_path / "a.parquet")
    done = init(tmp_path / "a.parquet", "default", out=tmp_path / "v.toml")
    read = tomllib.loads(done.path.read_text(encoding="utf-8"))
    assert read["model"]["file"] == "v-baseline.skops"
    assert 'x"]\nfile = "/etc/passwd' in read["columns"]


def test_messages_make_a_filter(tmp_path):
    from vauban.datasets import load

    spam = load("generated-spam", rows=400)
    frame = spam.frame.assign(kind=np.where(spam.labels == 1, "spam", "ham"))
    frame.to_csv(tmp_path / "m.csv", index=False)
    done = init(tmp_path / "m.csv", "kind", ["spam"], out=tmp_path / "v.toml")
    assert tomllib.loads(done.path.read_text())["data"]["text"] == "text"
    assert all(c.well for c in check(read_project(done.path)))
