"""Vauban from Python: fitted models and records in memory, in a few lines."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import vauban
from conftest import ENVIRONMENT
from vauban.errors import BadInput, ExitCode, VaubanError
from vauban.results import AuditResult
from vauban.schema import infer_schema
from vauban.targets import CallableTarget

pytestmark = pytest.mark.usefixtures("catalogue")

QUICK: dict[str, Any] = {"victims": 8, "queries": 40, "tune": 0, "attacks": ["do-nothing", "wander", "march", "babble"]}


def applicants(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Strings, categories, whole numbers, truth values and missing ones, with a pattern to learn."""
    rng = np.random.default_rng(seed)
    income = np.where(rng.random(n) < 0.1, np.nan, rng.normal(3000, 900, n).round(2))
    frame = pd.DataFrame(
        {
            "income": income,
            "amount": rng.integers(5, 200, n) * 100,
            "purpose": rng.choice(["car", "home", "travel"], n),
            "job": pd.Series(rng.choice(["none", "part", "full"], n)).where(rng.random(n) > 0.1, None),
            "home": pd.Categorical(rng.choice(["owns", "rents"], n)),
            "married": rng.random(n) < 0.5,
        }
    )
    risk = (
        frame["amount"] / 6000
        - np.nan_to_num(income, nan=2500) / 1500
        + (frame["job"] == "none")
        + rng.normal(0, 0.6, n)
    )
    return frame, (risk > 0).to_numpy()


@pytest.fixture(scope="module")
def pipeline() -> Any:
    frame, bad = applicants(500, seed=1)
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["income", "amount"]),
            ("names", OneHotEncoder(handle_unknown="ignore"), ["purpose", "job", "home", "married"]),
        ]
    )
    return make_pipeline(prepare, LogisticRegression()).fit(frame, bad.astype(int))


def successes(result: AuditResult) -> int:
    assert not result.incomplete
    return sum(f.successes for f in result.findings)


def test_a_pipeline_and_a_frame_as_they_are(pipeline: Any) -> None:
    frame, bad = applicants()
    before, model = pickle.dumps(frame), pickle.dumps(pipeline)
    result = vauban.audit(pipeline, frame, bad.astype(int), **QUICK)
    assert successes(result) > 5
    assert pickle.dumps(frame) == before
    assert pickle.dumps(pipeline) == model
    assert {f.cell for f in result.findings} == {"EI", "EA"}
    changed = {c.field for f in result.findings for e in f.examples for c in e.changes}
    assert changed <= set(frame.columns)
    for name in ("html", "json", "markdown"):
        assert "wander" in vauban.report(result, name)


def test_the_index_of_the_frame_does_not_matter(pipeline: Any) -> None:
    frame, bad = applicants()
    one = vauban.audit(pipeline, frame, bad.astype(int), **QUICK)
    other = vauban.audit(pipeline, frame.set_index(frame.index[::-1] * 7), bad.astype(int), **QUICK)
    assert [f.substance() for f in one.findings] == [f.substance() for f in other.findings]


def test_a_run_folder_and_its_verification(pipeline: Any, tmp_path: Path) -> None:
    frame, bad = applicants()
    result = vauban.audit(pipeline, frame, bad.astype(int), out=tmp_path / "run", **QUICK)
    assert vauban.verify(tmp_path / "run").problems == ()
    assert vauban.verify(tmp_path / "run", pipeline).checked == successes(result) > 0
    assert "wander" in vauban.report(tmp_path / "run", "markdown")
    again = vauban.audit(pipeline, frame, bad.astype(int), out=str(tmp_path / "text"), **QUICK)
    assert [f.substance() for f in again.findings] == [f.substance() for f in result.findings]


def test_labels_as_words() -> None:
    frame, bad = applicants()
    words = np.where(bad, "bad", "good")
    numbers = frame[["amount"]].assign(income=frame["income"].fillna(0.0))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(numbers, words)
    given = vauban.audit(model, numbers, list(words), harmful="bad", **QUICK)
    assert successes(given) > 0
    for labels in (words, pd.Series(words, index=range(5, 405)), pd.Series(words, dtype="category")):
        same = vauban.audit(model, numbers, labels, harmful="bad", **QUICK)
        assert [f.substance() for f in same.findings] == [f.substance() for f in given.findings]
    assert given.clean.fnr.value < 0.5
    upside_down = vauban.audit(model, numbers, words, harmful="good", **QUICK)
    assert upside_down.clean.fnr.n == given.clean.fpr.n


@pytest.mark.parametrize("model", [GradientBoostingClassifier(n_estimators=10, random_state=0), LinearSVC()])
def test_a_model_of_a_bare_matrix(model: Any) -> None:
    frame, bad = applicants()
    matrix = frame[["amount", "income"]].fillna(0).to_numpy(dtype=np.float64) / [1000, 1]
    model.fit(matrix, bad.astype(int))
    of_matrix = vauban.audit(model, matrix, bad.astype(int), **QUICK)
    assert successes(of_matrix) > 0
    assert {c.field for f in of_matrix.findings for e in f.examples for c in e.changes} <= {"x0", "x1"}
    of_frame = vauban.audit(model, pd.DataFrame(matrix), bad.astype(int), **QUICK)  # columns 0 and 1
    assert [f.successes for f in of_frame.findings] == [f.successes for f in of_matrix.findings]


def messages() -> tuple[list[str], list[int]]:
    rng = np.random.default_rng(0)
    words = [["meeting", "lunch", "thanks", "home", "ok"], ["winner", "prize", "free", "urgent", "cash"]]
    labels = rng.integers(0, 2, 200).tolist()
    return [" ".join(rng.choice(words[y], 3)) + f" {i}" for i, y in enumerate(labels)], labels


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series])
def test_texts(kind: Any) -> None:
    texts, labels = messages()
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels)
    result = vauban.audit(model, kind(texts), labels, **QUICK)
    assert successes(result) > 0
    assert {f.attack for f in result.findings} == {"do-nothing", "babble"}
    assert result.data["kind"] == "messages"


def test_texts_that_hold_anything_that_a_text_can(tmp_path: Path) -> None:
    texts, labels = messages()
    texts = [t + " \x00 \x1b[31m </script> \u202e \U0001f600\r\n" for t in texts]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels)
    result = vauban.audit(model, texts, labels, out=tmp_path / "run", **QUICK)
    assert vauban.verify(tmp_path / "run").checked == successes(result) > 0
    assert vauban.verify(tmp_path / "run").problems == ()
    with pytest.raises(BadInput, match=r"half a character \('\\ud800'\)"):
        vauban.audit(model, [*texts[1:], "win \ud800"], labels, out=tmp_path / "half", **QUICK)
    assert not (tmp_path / "half").exists()


def test_any_function_is_a_model() -> None:
    frame, bad = applicants()
    asked: list[Any] = []

    def predict(rows: pd.DataFrame) -> Any:
        asked.append(rows.dtypes)
        return np.clip(rows["amount"].to_numpy() / 20000, 0, 1)

    schema = infer_schema(frame, immutable=["purpose", "married"])
    result = vauban.audit(CallableTarget(predict, schema), frame, bad.astype(int), **QUICK)
    assert successes(result) > 0
    assert all((dtypes == frame.dtypes).all() for dtypes in asked)
    changed = {c.field for f in result.findings for e in f.examples for c in e.changes}
    assert not changed & {"purpose", "married"}


def test_a_slice_and_a_limit(pipeline: Any) -> None:
    frame, bad = applicants()
    result = vauban.audit(
        pipeline, frame, bad.astype(int), where="purpose = car", cost=1.5, cells=["EI"], flagged=3, **QUICK
    )
    assert {f.specificity for f in result.findings} == {"targeted"}
    assert all(frame["purpose"][e.victim_id] == "car" for f in result.findings for e in f.examples)
    assert all(e.cost <= 1.5 for f in result.findings for e in f.examples)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"harmful": "fraud"}, "'fraud' never occurs"),
        ({"labels": [0, 1] * 199}, r"one label a record, shape \(400,\)"),
        ({"labels": [float("nan")] + [0.0, 1.0] * 199 + [1.0]}, "1 of 400 labels are missing"),
        ({"labels": [None] + [0, 1] * 199 + [1]}, "1 of 400 labels are missing"),
        ({"labels": [0, 1, 2, 1] * 100}, "two values.*They hold 3"),
        ({"labels": [0] * 399 + [1]}, "At least 20 harmful records"),
        ({"labels": [[0, 1]] * 400}, "one a record. Got 2 dimensions"),
        ({"cells": ["EJ"]}, "Unknown cell 'EJ'"),
        ({"cells": []}, "no cell to audit"),
        ({"grants": ["lable"]}, "Did you mean 'label'"),
        ({"grants": []}, "granted no answer"),
        ({"attacks": ["wandr"]}, "Did you mean 'wander'"),
        ({"attacks": []}, "no attack to try"),
        ({"where": "amount ~ 3"}, "does not parse"),
        ({"where": "amount > 1e9"}, "selects none"),
        ({"queries": -1}, "queries must be 0 or more"),
        ({"cost": float("nan")}, "cost must be 0 or more"),
        ({"victims": 0}, "victims must be 1 or more"),
        ({"victims": -3}, "victims must be 1 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"jobs": 0}, "jobs must be 1 or more"),
        ({"cells": ["CI"], "attacks": None}, "CI and CA attack training. Say what the model was trained on"),
        ({"trainer": "mine"}, "A trainer is given, and nothing to train on"),
        ({"trained_on": (applicants()[0].drop(columns="home"), applicants()[1])}, "They differ in 'home'"),
        ({"trained_on": (applicants()[0], applicants()[1][:9])}, "400 records and 9 labels"),
        ({"trained_on": applicants(), "causative": "long"}, "Unknown length of the causative part 'long'"),
        ({"resume": True}, "no run to resume"),
        ({"out": "/proc/run"}, "cannot be written"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_used(given: dict[str, Any], message: str, pipeline: Any) -> None:
    frame, bad = applicants()
    arguments = {"labels": bad.astype(int), **QUICK, **given}
    with pytest.raises(BadInput, match=message):
        vauban.audit(pipeline, frame, **arguments)


def test_attacks_on_training_from_python(pipeline: Any, tmp_path: Path) -> None:
    frame, bad = applicants()
    past, defaulted = applicants(1500, seed=1)
    names = np.array(["good", "bad"])
    pipeline = clone(pipeline).fit(past, names[1 - defaulted.astype(int)])
    before = pickle.dumps(pipeline)
    asked: dict[str, Any] = {"harmful": "good", "attacks": ["wander", "backdoor", "random-flips"], "queries": 40}
    asked |= {"trained_on": (past, names[1 - defaulted.astype(int)]), "out": tmp_path / "run", "victims": 8}
    result = vauban.audit(pipeline, frame, names[1 - bad.astype(int)], **asked)
    found = {(f.cell, f.attack): f for f in result.findings}
    assert set(found) == {
        *((c, "wander") for c in ("EI", "EA")),
        *((c, "random-flips") for c in ("CI", "CA")),
        ("CI", "backdoor"),
    }
    planted, control = found["CI", "backdoor"], found["CI", "random-flips"]
    assert planted.success_rate.low > control.success_rate.high
    assert planted.retraining is not None
    assert pickle.dumps(pipeline) == before
    again = vauban.audit(pipeline, frame, names[1 - bad.astype(int)], **asked, resume=True)
    assert [f.substance() for f in again.findings] == [f.substance() for f in result.findings]


def test_how_a_callable_is_trained_again_must_be_said(pipeline: Any) -> None:
    frame, bad = applicants()
    target = CallableTarget(lambda f: pipeline.predict_proba(f)[:, 1], infer_schema(frame))
    with pytest.raises(BadInput, match="Give a trainer"):
        vauban.audit(target, frame, bad.astype(int), trained_on=applicants(500, seed=1), **QUICK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(amount=np.inf), "infinite"),
        (lambda f: f.assign(amount=pd.Timestamp("2020-01-01")), "Convert it first"),
        (lambda f: f.iloc[:10], "one label a record"),
    ],
)
def test_frames_that_cannot_be_used(change: Any, message: str, pipeline: Any) -> None:
    frame, bad = applicants()
    with pytest.raises(BadInput, match=message):
        vauban.audit(pipeline, change(frame), bad.astype(int), **QUICK)


@pytest.mark.parametrize("missing", ["amount", "purpose"])
def test_a_model_that_needs_a_column_that_is_not_there(missing: str, pipeline: Any) -> None:
    frame, bad = applicants()
    with pytest.raises(VaubanError, match=missing):
        vauban.audit(pipeline, frame.drop(columns=missing), bad.astype(int), **QUICK)


def test_models_that_are_none(pipeline: Any) -> None:
    frame, bad = applicants()
    with pytest.raises(BadInput, match="fitted classifier"):
        vauban.audit(LogisticRegression(), frame, bad.astype(int))
    with pytest.raises(BadInput, match="harmful ones being 'yes'"):
        vauban.audit(pipeline, frame, np.where(bad, "yes", "no"), harmful="yes")
    target = CallableTarget(lambda rows: np.zeros(len(rows)), infer_schema(frame))
    with pytest.raises(BadInput, match="its own schema and threshold"):
        vauban.audit(target, frame, bad.astype(int), threshold=0.3)


def test_an_interrupted_audit_keeps_what_was_found() -> None:
    frame, bad = applicants()
    calls = 0

    def predict(rows: pd.DataFrame) -> Any:
        nonlocal calls
        calls += 1
        if calls == 12:
            raise KeyboardInterrupt
        return np.clip(rows["amount"].to_numpy() / 20000, 0, 1)

    result = vauban.audit(CallableTarget(predict, infer_schema(frame)), frame, bad.astype(int), **QUICK)
    assert result.findings
    assert {s.reason for s in result.incomplete} == {"interrupted before it finished"}
    assert any("did not finish" in line for line in result.verdict.details)


def test_a_model_that_fails_keeps_what_was_found() -> None:
    frame, bad = applicants()
    calls = 0

    def predict(rows: pd.DataFrame) -> Any:
        nonlocal calls
        calls += 1
        if calls == 12:
            raise ConnectionError("gone")
        return np.clip(rows["amount"].to_numpy() / 20000, 0, 1)

    result = vauban.audit(CallableTarget(predict, infer_schema(frame)), frame, bad.astype(int), **QUICK)
    assert result.findings
    assert len(result.incomplete) == 1
    assert "gone" in result.incomplete[0].reason


def imported_by(code: str) -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules, file=sys.stderr)"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return {name.partition(".")[0] for name in said.stderr.split()}


HEAVY = {"numpy", "pandas", "sklearn", "scipy", "pyarrow", "matplotlib", "joblib", "skops", "jinja2", "rich"}


def test_importing_vauban_is_light() -> None:
    assert "vauban" in imported_by("import vauban")
    assert not imported_by("import vauban") & HEAVY


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["audit", "--help"]])
def test_help_is_light(arguments: list[str]) -> None:
    found = imported_by(
        f"from vauban.cli import main\ntry: main({arguments!r})\n"
        f"except SystemExit as end: assert end.code == {ExitCode.DONE}"
    )
    assert "click" in found
    assert not found & HEAVY


@pytest.mark.parametrize(
    "first",
    ["", "import vauban.audit", "from vauban.audit.run import Event", "import vauban.api", "import vauban.cli.show"],
)
def test_the_public_name_is_the_function_whatever_was_imported_first(first: str) -> None:
    code = f"""
{first}
import vauban
for _ in range(2):
    try: vauban.audit(None, [], [])
    except Exception as error: assert type(error).__name__ == "BadInput", error
    else: raise AssertionError
from vauban.audit import run
import vauban.audit.folder
assert callable(vauban.report) and callable(vauban.verify) and run.run_audit
"""
    assert "vauban" in imported_by(code)
