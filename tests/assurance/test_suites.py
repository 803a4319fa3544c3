import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.assurance.corpus import keep, read_corpus
from vauban.assurance.expectations import Expectations
from vauban.assurance.suites import read_cases, read_suite, replay
from vauban.errors import BadInput
from vauban.schema import Feature, Kind, Price, TableSchema, TextSchema
from vauban.targets import CallableTarget

SCHEMA = TableSchema(
    (
        Feature("income", Kind.INTEGER, 0, 100, price=Price(1.0, 1.0), dtype="int64"),
        Feature("owner", Kind.CATEGORICAL, values=("me", "bank"), price=Price(), dtype="object"),
    )
)


def target():
    return CallableTarget(lambda frame: (frame["income"] < 50).to_numpy(dtype=float), SCHEMA, 0.5)


CASES = """income,owner,expected,_owner,reason,severity
80,me,pass,ana,a regular customer,critical
20,bank,block,,known fraud,
20,me,pass|refer,ana,must not be lost,high
60,bank,block,ben,"=cmd()",low
"""


def written(folder, text=CASES, name="cases.csv"):
    (folder / name).write_text(text)
    return folder / name


def test_a_suite_says_which_cases_fail_who_says_so_and_why_the_gravest_first(tmp_path):
    suite = read_suite(written(tmp_path), SCHEMA)
    right, failures = replay(target(), suite.cases)
    assert right.tolist() == [True, True, False, False]
    assert [(f.row, f.expected, f.got, f.severity, f.owner) for f in failures] == [
        (3, "pass|refer", "block", "high", "ana"),
        (4, "block", "pass", "low", "ben"),
    ]
    assert failures[0].reason == "must not be lost"
    assert failures[0].record == {"income": 20, "owner": "me"}


def test_ten_thousand_cases_are_one_question(tmp_path):
    cases = read_cases(written(tmp_path, "income,owner,expected\n" + "80,me,pass\n" * 10_000), SCHEMA)
    asked = []

    def model(frame):
        asked.append(len(frame))
        return (frame["income"] < 50).to_numpy(dtype=float)

    made = CallableTarget(model, SCHEMA, 0.5)
    asked.clear()
    right, _ = replay(made, [cases])
    assert right.all()
    assert asked == [10_000]


def test_a_toml_names_tables_and_expectations(tmp_path):
    written(tmp_path)
    (tmp_path / "suite.toml").write_text('name = "canaries"\ncases = ["cases.csv"]\n[expect]\nincome = "safer"\n')
    suite = read_suite(tmp_path / "suite.toml", SCHEMA)
    assert (suite.name, len(suite.cases[0]), dict(suite.expect)) == ("canaries", 4, {"income": "safer"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("income,owner\n1,me\n", "no column 'expected'"),
        ("income,expected\n1,pass\n", "lack the columns owner"),
        ("income,owner,expected\n1,me,reject\n", "case 1: expected is 'reject'"),
        ("income,owner,expected\n", "no case"),
        ("income,owner,expected,severity\n1,me,pass,grave\n", "severity is 'grave'"),
        ("income,owner,expected,colour\n1,me,pass,red\n", "unknown columns colour"),
        ("income,owner,expected\n1,nobody,pass\n", "does not list: nobody"),
        ("income,owner,expected\nmuch,me,pass\n", "income"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_table_is_one_clear_error(tmp_path, text, said):
    with pytest.raises(BadInput, match=said):
        read_cases(written(tmp_path, text), SCHEMA)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cases = 3", "must be a list of files"),
        ("cases = ['nowhere.csv']", "cannot be read"),
        ("[expect]\nincome = 3", "a word"),
        ("nmae = 'x'", "Did you mean 'name'"),
        ("= broken", "no toml"),
    ],
)
def test_a_bad_suite_is_one_clear_error(tmp_path, text, said):
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(BadInput, match=said):
        read_suite(tmp_path / "s.toml", SCHEMA)


def test_expectations_must_make_sense():
    with pytest.raises(BadInput, match="have no order"):
        Expectations.named({"owner": "safer"}, SCHEMA)
    with pytest.raises(BadInput, match="safr"):
        Expectations.named({"income": "safr"}, SCHEMA)
    with pytest.raises(BadInput, match="Messages have no features"):
        Expectations.named({"text": "safer"}, TextSchema())


TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1).filter(str.strip)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_what_is_kept_comes_back_whatever_an_attacker_wrote(tmp_path_factory, texts):
    folder, schema = tmp_path_factory.mktemp("corpus"), TextSchema()
    texts = [t for t in dict.fromkeys(texts) if not {"\r", "\x00"} & set(t)]
    if not texts:
        return
    frame = pd.DataFrame({"text": texts})
    keep(folder, "spam", schema, frame, {"expected": "block", "reason": "=1+1"}, "a test")
    raw = (folder / "spam.csv").read_text(encoding="utf-8")
    assert '"=1+1"' not in raw.replace("'=1+1", "")
    back = read_corpus(folder, "spam", schema)
    assert back is not None
    assert back.frame["text"].tolist() == texts
    assert set(back.notes["reason"]) == {"=1+1"}


def test_what_is_in_the_corpus_is_not_added_twice(tmp_path):
    frame = pd.DataFrame({"income": [20, 30, 20], "owner": ["me"] * 3})
    assert keep(tmp_path, "s", SCHEMA, frame, {"expected": "block"}, "x") == 2
    assert keep(tmp_path, "s", SCHEMA, frame, {"expected": "block"}, "x") == 0
    kept = read_corpus(tmp_path, "s", SCHEMA)
    right, _ = replay(target(), [kept])
    assert np.array_equal(right, [True, True])


def test_ten_thousand_kept_records_are_one_question(tmp_path):
    asked: list[int] = []

    def odd(texts):
        asked.append(len(texts))
        return np.array([int(text.split()[1]) % 2 for text in texts], dtype=float)

    target = CallableTarget(odd, TextSchema(), 0.5)
    frame = pd.DataFrame({"text": [f"message {i}" for i in range(10_000)]})
    assert keep(tmp_path, "numbers", target.schema, frame, {"expected": "pass"}, "here") == 10_000
    right, failures = replay(target, [read_corpus(tmp_path, "numbers", target.schema)])
    assert asked == [10_000]
    assert (int(right.sum()), len(failures)) == (5_000, 5_000)
    assert failures[0].record == {"text": "message 1"}
