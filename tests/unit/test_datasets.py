from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import time
import zipfile
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from vauban.datasets import Dataset, describe, load, names, public
from vauban.datasets.dataset import read_facts
from vauban.datasets.duplicates import first_of_each, normalise
from vauban.datasets.lexicon import fill
from vauban.datasets.messages import MOST_ROWS
from vauban.errors import BadInput
from vauban.scenarios.facts import schema_from_facts
from vauban.scenarios.models import table_model
from vauban.system import split as divide

RELATED = ("generated-loan", "generated-insurance", "generated-claims", "generated-premium")
GENERATED = ("generated-spam", "generated-credit", *RELATED)
LOANS = ("lendingclub", "loan-sanction")
INSURANCE = ("coil2000", "vehicle-claims", "fremtpl2", "insurance-charges")
CREDIT = ("german", "south-german", "taiwan", "give-me-some-credit")
PUBLIC = ("sms", "sms-evasion-pairs", "enron", "youtube", "spambase", *CREDIT, *LOANS, *INSURANCE)
TABLES = ("generated-credit", *RELATED, *CREDIT, *LOANS, *INSURANCE)


@pytest.fixture
def public_data() -> None:
    if not os.environ.get("VAUBAN_DATA_DIR"):
        pytest.skip("VAUBAN_DATA_DIR is not set: the public data sets are not at hand")


def split(data: Dataset) -> list:
    return train_test_split(data.frame, data.labels, test_size=0.3, stratify=data.labels, random_state=0)


# Names


def test_every_name_has_a_description_that_says_where_its_file_is() -> None:
    assert names() == (*GENERATED, *PUBLIC)
    for name in names():
        info = describe(name)
        assert info.name == name
        of_table = {"generated-loan": "loan", **dict.fromkeys(LOANS, "loan"), **dict.fromkeys(INSURANCE, "insurance")}
        of_table |= dict.fromkeys(RELATED[1:], "insurance")
        assert info.scenario == (
            "spam" if info.kind == "messages" or name == "spambase" else of_table.get(name, "credit")
        )
        assert (info.file is None) == (info.address is None) == (name in GENERATED)


@pytest.mark.parametrize("ask", [load, describe])
def test_an_unknown_name_is_refused_with_the_nearest_one(ask) -> None:
    with pytest.raises(BadInput, match=r"'germann'.*'german'.*taiwan"):
        ask("germann")


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("rows", [0, -5])
def test_no_rows_are_refused(name: str, rows: int) -> None:
    with pytest.raises(BadInput, match="at least 1"):
        load(name, rows=rows)


def test_more_messages_than_the_grammar_has_are_refused() -> None:
    with pytest.raises(BadInput, match=f"{MOST_ROWS} at most"):
        load("generated-spam", rows=MOST_ROWS + 1)


# Generated data


@pytest.mark.parametrize("name", GENERATED)
def test_the_same_seed_gives_the_same_data_and_another_seed_other_data(name: str) -> None:
    first, again, other = load(name, seed=3, rows=400), load(name, seed=3, rows=400), load(name, seed=4, rows=400)
    pd.testing.assert_frame_equal(first.frame, again.frame)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not first.frame.equals(other.frame)


def test_a_known_sample_does_not_change() -> None:
    # What a seed means is part of every result that names it: a change here changes all of them.
    spam, credit = load("generated-spam", rows=500), load("generated-credit", rows=500)
    digest = hashlib.sha256("\n".join(spam.frame["text"]).encode() + spam.labels.tobytes()).hexdigest()
    assert digest[:16] == "bcacb5cf0dec1ab1"
    assert int(credit.frame["loan_amount"].sum()) == 3562100
    assert int(credit.labels.sum()) == 120


@pytest.mark.parametrize("name", GENERATED)
def test_shapes_types_and_default_size(name: str) -> None:
    data = load(name)
    assert len(data.frame) == len(data.labels) == describe(name).rows
    assert data.labels.dtype == np.int8
    assert set(np.unique(data.labels)) == {0, 1}
    assert data.kind == describe(name).kind
    assert data.positive == {
        "generated-spam": "spam",
        "generated-insurance": "unqualified",
        "generated-claims": "fraud",
        "generated-premium": "claim",
    }.get(name, "default")


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), short=st.integers(1, 60), more=st.integers(1, 60))
def test_fewer_messages_of_a_seed_are_the_first_of_more(seed: int, short: int, more: int) -> None:
    few, many = load("generated-spam", seed=seed, rows=short), load("generated-spam", seed=seed, rows=short + more)
    assert few.frame["text"].tolist() == many.frame["text"].tolist()[:short]
    np.testing.assert_array_equal(few.labels, many.labels[:short])


@pytest.mark.parametrize("seed", [0, 1])
def test_messages_are_varied_clean_and_a_quarter_spam(seed: int) -> None:
    data = load("generated-spam", seed=seed)
    texts = data.frame["text"]
    assert 0.22 < data.labels.mean() < 0.29
    assert len({normalise(text) for text in texts}) == len(texts)
    assert not texts.str.contains(r"[\[\]{}|]", regex=True).any()
    assert not texts.str.contains(r"\s\s|^\s|\s$", regex=True).any()
    assert texts.str.len().between(3, 320).all()
    words = {word for text in texts for word in re.findall(r"\w+", text.lower())}
    assert len(words) > 4000


def test_six_thousand_messages_take_less_than_a_second() -> None:
    load("generated-spam", rows=1)  # the grammar is read and the lexicon made once
    start = time.process_time()
    load("generated-spam", seed=9)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("seed", [0, 1])
def test_a_spam_filter_works_well_but_not_perfectly(seed: int) -> None:
    train, test, y_train, y_test = split(load("generated-spam", seed=seed))
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000)).fit(train["text"], y_train)
    blocked = model.predict(test["text"])
    assert 0.03 < (blocked != y_test).mean() < 0.08
    assert 0.05 < (blocked[y_test == 1] == 0).mean() < 0.25
    assert 0.002 < (blocked[y_test == 0] == 1).mean() < 0.05


@pytest.mark.parametrize("seed", [0, 1])
def test_a_credit_model_works_well_but_not_perfectly(seed: int) -> None:
    data = load("generated-credit", seed=seed)
    assert 0.19 < data.labels.mean() < 0.25
    words = data.frame.select_dtypes(exclude=["number", "bool"]).columns.tolist()
    encoder = OneHotEncoder(sparse_output=False)
    trees = make_column_transformer((encoder, words), remainder="passthrough")
    line = make_column_transformer((encoder, words), remainder=make_pipeline(SimpleImputer(), StandardScaler()))
    train, test, y_train, y_test = split(data)
    auc = {}
    for name, model in {
        "trees": make_pipeline(trees, HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=8, random_state=0)),
        "line": make_pipeline(line, LogisticRegression(max_iter=1000)),
    }.items():
        auc[name] = roc_auc_score(y_test, model.fit(train, y_train).predict_proba(test)[:, 1])
        assert 0.75 < auc[name] < 0.83
    assert auc["trees"] > auc["line"]  # the cause of default is not linear


def test_applicants_have_mixed_types_missing_values_and_correlated_columns() -> None:
    frame = load("generated-credit").frame
    assert set(frame.dtypes.astype(str)) == {"int64", "float64", "bool", frame["region"].dtype.name}
    assert all(isinstance(value, str) for value in frame["region"])
    assert set(frame.columns[frame.isna().any()]) == {"savings_balance", "utilisation"}
    assert frame["savings_balance"].isna().mean() == pytest.approx(0.06, abs=0.015)
    assert frame["income_monthly"].corr(frame["savings_balance"], method="spearman") > 0.3
    assert frame["utilisation"].corr(frame["late_payments_12m"], method="spearman") > 0.1
    assert (frame["employment_years"] <= frame["age"] - 17).all()
    assert (frame.loc[frame["employment_type"].isin(["retired", "unemployed"]), "employment_years"] == 0).all()


def grammar() -> dict[str, list[str]]:
    rules: dict[str, list[str]] = {}
    for name in ("common", "good", "spam"):
        text = files("vauban.datasets").joinpath("grammar", f"{name}.txt").read_text(encoding="utf-8")
        for part in re.split(r"^= ", re.sub(r"^#.*\n", "", text, flags=re.M), flags=re.M)[1:]:
            rule, *lines = part.strip().splitlines()
            assert rule not in rules, f"two rules are named {rule}"
            rules[rule] = lines
    return rules


def test_every_slot_of_the_grammar_is_either_a_rule_or_a_word_of_the_lexicon() -> None:
    rules = grammar()
    used = {slot for lines in rules.values() for line in lines for slot in re.findall(r"\{(\w+)\}", line)}
    for slot in used - rules.keys():
        assert fill(slot, False, lambda: 0.5)
    for rule in rules:  # a rule would hide a slot of the same name
        with pytest.raises(KeyError):
            fill(rule, False, lambda: 0.5)


@pytest.mark.parametrize("rule", sorted(grammar()))
def test_brackets_of_the_grammar_are_closed(rule: str) -> None:
    for line in grammar()[rule]:
        depth = np.cumsum([(c == "[") - (c == "]") for c in line])
        assert line
        assert depth.min() >= 0
        assert depth[-1] == 0


# Duplicates


@settings(deadline=None)
@given(st.lists(st.text(max_size=6)))
def test_what_is_kept_is_the_first_of_each_and_the_rest_is_counted(texts: list[str]) -> None:
    keep, removed = first_of_each(texts)
    keys = [normalise(text) for text in texts]
    assert keep.tolist() == [key not in keys[:i] for i, key in enumerate(keys)]
    assert removed["exact duplicates"] == len(texts) - len(set(texts))
    assert keep.sum() + sum(removed.values()) == len(texts)


def test_near_duplicates_differ_in_digits_case_or_space() -> None:
    texts = ["Win 100 now", "Win 100 now", "WIN  999\nnow ", "Win 1000 now"]
    keep, removed = first_of_each(texts)
    assert keep.tolist() == [True, False, False, True]
    assert removed == {"exact duplicates": 1, "near duplicates": 1}


# Facts


def check_facts(data: Dataset) -> None:
    assert data.facts is not None
    assert data.facts["data"] == data.name
    assert [feature["name"] for feature in data.facts["features"]] == data.frame.columns.tolist()
    for feature in data.facts["features"]:
        values = data.frame[feature["name"]].dropna()
        if feature["kind"] in ("categorical", "ordinal"):
            assert set(values) <= set(feature["categories"]), feature["name"]
        elif feature["kind"] == "boolean":
            assert values.dtype == bool
        else:
            low, high = feature["bounds"]
            assert values.between(low, high).all(), feature["name"]
            if "step" in feature:
                steps = values / feature["step"]
                np.testing.assert_allclose(steps, steps.round(), atol=1e-9, err_msg=feature["name"])


@pytest.mark.parametrize("name", TABLES)
def test_prices_are_stated_for_what_may_change_and_for_nothing_else(name: str) -> None:
    facts = read_facts(name)
    for feature in facts["features"]:
        where, cost = feature["name"], feature["cost"]
        assert feature["direction"] in ("any", "up", "down", "none"), where
        assert feature["mutable"] == (feature["direction"] != "none"), where
        assert all(price > 0 for price in cost.values()), where
        if not feature["mutable"]:
            assert cost == {}, where
        elif "cost_matrix" in feature:
            matrix = np.array(feature["cost_matrix"], dtype=float)
            assert matrix.shape == (len(feature["categories"]),) * 2, where
            assert (np.diag(matrix) == 0).all(), where
            assert not (matrix < 0).any(), where
        elif feature["kind"] == "categorical":
            assert set(cost) == {"change"}, where
        else:
            assert set(cost) == {"any": {"up", "down"}, "up": {"up"}, "down": {"down"}}[feature["direction"]], where


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_applicants_lie_within_the_facts_for_every_seed(seed: int) -> None:
    check_facts(load("generated-credit", seed=seed))


def test_messages_have_no_facts() -> None:
    assert load("generated-spam", rows=5).facts is None


# Files of public data


@pytest.mark.parametrize("name", PUBLIC)
def test_a_missing_file_is_named_with_its_address_and_place(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    info = describe(name)
    with pytest.raises(BadInput) as raised:
        load(name)
    for part in (str(tmp_path / info.file), info.address, "VAUBAN_DATA_DIR", info.file):
        assert part in str(raised.value)


def test_without_the_variable_files_are_looked_for_in_the_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("VAUBAN_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert public.data_folder() == tmp_path / "vauban"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert public.data_folder() == tmp_path / ".cache" / "vauban"


@pytest.mark.parametrize("name", PUBLIC)
def test_another_file_is_refused_with_both_digests(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    path = tmp_path / describe(name).file
    path.parent.mkdir()
    content = b"ham\tnot what was published"
    pack = {".gz": gzip.compress, ".zip": zipped}.get(path.suffix, bytes)
    path.write_bytes(pack(content))
    with pytest.raises(BadInput, match="not the published file") as raised:
        load(name)
    assert hashlib.sha256(content).hexdigest() in str(raised.value)
    assert public.PUBLIC[name].files[0].sha256[0] in str(raised.value)


def zipped(content: bytes, *names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names or ("content.csv",):
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_zip_file_that_is_damaged_or_holds_several_files_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    path = tmp_path / describe("give-me-some-credit").file
    path.parent.mkdir()
    for content in (zipped(b"x" * 99)[:-30], b"no zip at all", zipped(b"x", "a", "b")):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="no complete zip file"):
            load("give-me-some-credit")


def test_a_gzip_file_that_is_cut_short_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    path = tmp_path / describe("taiwan").file
    path.parent.mkdir()
    for content in (
        gzip.compress(b"ID,LIMIT_BAL" * 99)[:-9],
        b"no gzip at all",
        gzip.compress(b"x" * 999)[:12] + b"?" * 30,
    ):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="no complete gzip file"):
            load("taiwan")


def test_a_loader_reads_quotes_duplicates_and_labels_as_they_are(tmp_path, monkeypatch) -> None:
    lines = ['ham\tshe said "hi', "spam\tWIN 10 now", 'ham\tyes" she did', "spam\tWIN 20 now", "spam\tWIN 10 now"]
    content = "\n".join(lines).encode()
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    file = replace(public.PUBLIC["sms"].files[0], sha256=(hashlib.sha256(content).hexdigest(),))
    monkeypatch.setattr(public, "PUBLIC", {"sms": replace(public.PUBLIC["sms"], files=(file,))})
    path = tmp_path / describe("sms").file
    path.parent.mkdir()
    path.write_bytes(content)
    data = load("sms")
    assert data.frame["text"].tolist() == ['she said "hi', "WIN 10 now", 'yes" she did']
    assert data.labels.tolist() == [0, 1, 0]
    assert data.removed == {"exact duplicates": 1, "near duplicates": 1}


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
@pytest.mark.parametrize(
    ("name", "shape", "harmful", "removed"),
    [
        ("sms", (5140, 1), 623, {"exact duplicates": 403, "near duplicates": 31}),
        ("enron", (29170, 1), 14534, {"exact duplicates": 3222, "near duplicates": 1323}),
        ("youtube", (1718, 1), 829, {"exact duplicates": 207, "near duplicates": 31}),
        ("spambase", (4601, 57), 1813, {}),
        ("german", (1000, 20), 300, {}),
        ("south-german", (1000, 20), 300, {}),
        ("taiwan", (30000, 23), 6636, {}),
        ("give-me-some-credit", (150000, 10), 10026, {}),
        ("lendingclub", (42535, 24), 6431, {}),
        ("loan-sanction", (614, 11), 192, {}),
        ("coil2000", (9822, 85), 586, {}),
        ("vehicle-claims", (15420, 30), 923, {}),
        ("fremtpl2", (677991, 9), 24944, {}),
        ("insurance-charges", (1338, 6), 669, {}),
    ],
)
def test_public_data_has_its_published_size_and_balance(name, shape, harmful, removed) -> None:
    start = time.process_time()
    data = load(name)
    assert time.process_time() - start < 4.0
    assert data.frame.shape == shape
    assert describe(name).rows == shape[0]
    assert int(data.labels.sum()) == harmful
    assert data.labels.dtype == np.int8
    assert data.removed == removed
    absent = data.frame.isna().sum()
    absent = absent[absent > 0]
    if name in LOANS:
        assert (absent < 0.1 * len(data.frame)).all()
    else:
        expected = {"MonthlyIncome": 29731, "NumberOfDependents": 3924} if name == "give-me-some-credit" else {}
        assert absent.to_dict() == expected
    if data.kind == "messages":
        assert len({normalise(text) for text in data.frame["text"]}) == len(data.frame)
    elif name == "spambase":
        assert data.facts is None
    else:
        check_facts(data)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("name", RELATED)
def test_generated_tables_obey_their_relations_for_every_seed(name: str, seed: int) -> None:
    data = load(name, seed=seed, rows=800)
    check_facts(data)
    schema = schema_from_facts(data.facts, data.frame)
    assert schema.relations
    assert schema.holds(schema.encode(data.frame)).all()


@pytest.mark.parametrize("name", RELATED)
def test_a_model_of_generated_loans_and_drivers_is_neither_blind_nor_perfect(name: str) -> None:
    data = load(name)
    schema = schema_from_facts(data.facts, data.frame)
    parts = divide(data.frame, data.labels, 0, times=data.times)
    model = table_model("logistic-regression", schema, 0).fit(parts.train.frame, parts.train.labels)
    auc = roc_auc_score(parts.victims.labels, model.predict_proba(parts.victims.frame)[:, 1])
    assert 0.66 < auc < 0.95


def test_generated_loans_come_month_by_month_and_later_ones_fail_more_often() -> None:
    data = load("generated-loan")
    assert (np.diff(data.times) >= np.timedelta64(0)).all()
    assert len(np.unique(data.times)) == 48
    late = data.times >= np.datetime64("2023-07-01")
    assert data.labels[late].mean() > data.labels[~late].mean() + 0.03


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
def test_lendingclub_holds_what_was_known_when_it_was_decided_and_its_relations() -> None:
    data = load("lendingclub")
    later = "pymnt recover settlement collection out_prncp last_credit hardship loan_status issue_d"
    assert not [c for c in data.frame for word in later.split() if word in c]
    assert data.facts["amount"] in data.frame
    assert (data.times.min(), data.times.max()) == (np.datetime64("2007-06-01"), np.datetime64("2011-12-01"))
    schema = schema_from_facts(data.facts, data.frame)
    broken = dict(zip(schema.rules.names, schema.rules.unmet(schema.encode(data.frame)).mean(axis=0), strict=True))
    assert broken["installment"] == pytest.approx(1 - 0.956, abs=0.006)  # with the funded amount, as is documented
    assert broken["open accounts are accounts"] < 1e-4
    assert broken["no more is funded than asked for"] == 0
    # A use stated as 0 tells no limit: such a balance cannot move, or it could grow without ever showing.
    records = schema.encode(data.frame)
    j, use = schema.index("revol_bal"), schema.index("revol_util")
    hidden = records[(records[:, use] == 0) & (records[:, j] > 0)]
    assert len(hidden) > 10
    more = hidden.copy()
    more[:, j] += 1000
    assert (schema.repair(hidden, more)[:, j] == hidden[:, j]).all()
    assert np.isinf(schema.cost(hidden, more)).all()


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
def test_relations_of_insurance_tables_hold_in_nearly_all_rows() -> None:
    for name, most in (("coil2000", 0.0), ("vehicle-claims", 3e-4), ("fremtpl2", 3e-3)):
        data = load(name)
        schema = schema_from_facts(data.facts, data.frame)
        assert 1 - schema.holds(schema.encode(data.frame)).mean() <= most, name


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
def test_labels_of_tiers_are_cut_from_their_values() -> None:
    charges, claims = load("insurance-charges"), load("fremtpl2", rows=2000)
    np.testing.assert_array_equal(charges.labels, charges.values >= np.median(charges.values))
    np.testing.assert_array_equal(claims.labels, claims.values > 0)
    assert claims.values.shape == (2000,)


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
def test_south_german_credit_is_read_the_same_below_german_names(tmp_path, monkeypatch) -> None:
    english = load("south-german")
    lines = (public.data_folder() / describe("south-german").file).read_bytes().split(b"\n", 1)[1]
    names = (
        b"laufkont laufzeit moral verw hoehe sparkont beszeit rate famges buerge wohnzeit verm alter weitkred wohn "
        b"bishkred beruf pers telef gastarb kredit\n"
    )
    path = tmp_path / describe("south-german").file
    path.parent.mkdir()
    path.write_bytes(names + lines)
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    german = load("south-german")
    pd.testing.assert_frame_equal(german.frame, english.frame)
    np.testing.assert_array_equal(german.labels, english.labels)


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
def test_the_corrected_table_holds_the_applicants_of_the_original_one() -> None:
    # Both tables are the same applicants in another order; amount, duration and age tell most of them apart.
    old, new = load("german"), load("south-german")
    left = old.frame[["credit_amount", "duration", "age", "housing", "telephone"]].assign(bad=old.labels)
    right = new.frame[["amount", "duration", "age", "housing", "telephone"]].assign(bad=new.labels)
    left.columns = right.columns
    key = ["amount", "duration", "age"]
    alone = [frame[~frame.duplicated(key, keep=False)] for frame in (left, right)]
    both = alone[0].merge(alone[1], on=key, suffixes=("", "_new"))
    assert len(both) > 900
    assert (both["bad"] == both["bad_new"]).all()
    assert (both["telephone"].map({"A191": 1, "A192": 2}) == both["telephone_new"]).all()
    # The codes of housing were in this order all along; what was wrong is what the old table says that they mean.
    assert (both["housing"].map({"A151": 1, "A152": 2, "A153": 3}) == both["housing_new"]).mean() > 0.99


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
def test_comments_hold_no_mark_that_the_export_left() -> None:
    assert not load("youtube").frame["text"].str.contains("\ufeff").any()


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
def test_public_columns_have_the_types_that_models_receive() -> None:
    german, taiwan, sms, enron = (load(name).frame for name in ("german", "taiwan", "sms", "enron"))
    assert set(taiwan.dtypes.astype(str)) == {"int64"}
    kinds = {feature["name"]: feature["kind"] for feature in read_facts("german")["features"]}
    for column, kind in kinds.items():
        numeric = kind == "integer"
        assert german[column].dtype == "int64" if numeric else isinstance(german[column].iloc[0], str), column
    assert sms["text"].iloc[1] == "Ok lar... Joking wif u oni..."
    assert enron["text"].iloc[0] == "christmas tree farm pictures\n"
    assert taiwan.iloc[0].tolist()[:6] == [20000, 2, 2, 1, 24, 2]


@pytest.mark.data
@pytest.mark.usefixtures("public_data")
def test_a_sample_of_public_data_is_drawn_with_the_seed_in_file_order() -> None:
    everything, some, again, other = load("taiwan"), *(load("taiwan", seed=s, rows=500) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(some.frame, again.frame)
    assert not some.frame.equals(other.frame)
    position = {tuple(row): i for i, row in enumerate(everything.frame.to_numpy())}
    places = [position[tuple(row)] for row in some.frame.to_numpy()]
    np.testing.assert_array_equal(everything.labels[places], some.labels)
    assert sum(a > b for a, b in pairwise(places)) < 10  # equal clients stand at several places
    with pytest.raises(BadInput, match="there are 1000"):
        load("german", rows=1001)
