"""From a vauban.toml to findings: the same model gives the same ones wherever it comes from, with money."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import vauban
import vauban.project
from tests.project.conftest import applicants
from vauban.audit.run import Settings, run_audit
from vauban.cli import main
from vauban.errors import BadInput
from vauban.project import check, read_project
from vauban.simulation.beside import run_in
from vauban.targets import EstimatorTarget, ReferringTarget
from vauban.threat import Budget, Decision, Grant

SCORE = frozenset({Grant.LABEL, Grant.SCORE})
COLUMNS = ["income", "loan_amount"]


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(words)
    return int(done.value.code or 0)


def written(folder: Path, file: str, **more: str) -> Path:
    said = {"data": "positive = 1", "model": "", "rest": "", **more}
    text = f"""
[data]
file = "data.csv"
label = "default"
{said["data"]}
[model]
file = "{file}"
{said["model"]}
[columns.income]
kind = "integer"
lower = 800
upper = 9000
change = "either"
up = 0.001
down = 0.001
[columns.loan_amount]
kind = "integer"
lower = 500
upper = 20000
step = 100
change = "either"
up = 0.001
down = 0.001
{said["rest"]}
"""
    path = folder / f"{file}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    applicants(500, seed=3).to_csv(folder / "data.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def train():
    return applicants(800, seed=4)


@pytest.fixture(scope="module")
def linear(folder, train):
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train[COLUMNS], train["default"])
    skops.io.dump(model, folder / "linear.skops")
    return model


def findings(path: Path, attacks=("greedy-search",), where=None):
    project = read_project(path)
    threats = project.threats(("EI", "EA"), SCORE, Budget(60, 60), where)
    return run_audit(project.system(), threats, Settings(victims=15, attacks=attacks)).result


def test_audit_resume_verify_and_report(folder, linear, tmp_path, capsys):
    path, out = written(folder, "linear.skops"), tmp_path / "run"
    words = ["audit", str(path), "--victims", "10", "--queries", "50", "--attack", "greedy-search"]
    assert run(*words, "--out", str(out)) == 0
    first = json.loads((out / "result.json").read_text())
    assert first["findings"]
    (out / "result.json").unlink()
    assert run("audit", "--resume", str(out)) == 0
    again = json.loads((out / "result.json").read_text())
    assert [f["success_rate"] for f in again["findings"]] == [f["success_rate"] for f in first["findings"]]
    assert run("verify", str(out)) == 0
    assert run("report", str(out), "--format", "markdown") == 0
    assert "vauban audit" in capsys.readouterr().out
    path.write_text(path.read_text() + "# edited\n")
    assert run("audit", "--resume", str(out)) == 2
    assert "was changed since" in capsys.readouterr().err
    assert run(*words, "--data", "german", "--out", str(tmp_path / "other")) == 2


def test_the_same_model_from_memory_and_skops(folder, linear):
    path = written(folder, "linear.skops")
    project = read_project(path)
    stored = findings(path)
    system = project.system()
    given = EstimatorTarget(linear, system.target.schema, name="Pipeline", sample=system.target.sample)
    threats = project.threats(("EI", "EA"), SCORE, Budget(60, 60), None)
    memory = run_audit(replace(system, target=given), threats, Settings(victims=15, attacks=("greedy-search",))).result
    assert [f.substance() for f in memory.findings] == [f.substance() for f in stored.findings]
    assert sum(f.successes for f in stored.findings) > 0


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm", "catboost"])
def test_the_same_booster_from_memory_skops_and_its_own_file(kind, folder, train):
    pytest.importorskip(kind)
    import skops.io

    X, y = train[COLUMNS], train["default"]
    if kind == "xgboost":
        from xgboost import XGBClassifier

        model, native = XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1).fit(X, y), "x.json"
        model.get_booster().save_model(folder / native)
    elif kind == "lightgbm":
        from lightgbm import LGBMClassifier

        model, native = LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1).fit(X, y), "l.txt"
        model.booster_.save_model(folder / native)
    else:
        from catboost import CatBoostClassifier

        model = CatBoostClassifier(iterations=20, thread_count=1, verbose=0, allow_writing_files=False).fit(X, y)
        native = "c.cbm"
        model.save_model(str(folder / native))
    skops.io.dump(model, folder / f"{kind}.skops")
    path = written(folder, native)
    one, other = findings(written(folder, f"{kind}.skops")), findings(path)
    project = read_project(path)
    system = project.system()
    schema = system.target.schema
    given = EstimatorTarget(model, schema, sample=schema.encode(system.parts.victims.frame))
    threats = project.threats(("EI", "EA"), SCORE, Budget(60, 60), None)
    memory = run_audit(replace(system, target=given), threats, Settings(victims=15, attacks=("greedy-search",))).result
    for told in (other, memory):
        assert [(f.id, f.successes, f.cost) for f in one.findings] == [
            (f.id, f.successes, f.cost) for f in told.findings
        ]
        assert (one.clean.fnr, one.clean.fpr) == (told.clean.fnr, told.clean.fpr)
    assert sum(f.successes for f in one.findings) > 0


def test_several_harmful_classes(folder, train):
    import skops.io
    from sklearn.ensemble import RandomForestClassifier

    classes = np.where(train["default"] == 0, "good", np.where(train["income"] > 4000, "fraud", "default"))
    model = RandomForestClassifier(20, random_state=0).fit(train[COLUMNS], classes)
    skops.io.dump(model, folder / "many.skops")
    path = written(folder, "many.skops", model='harmful = ["fraud", "default"]\ntrust = ["sklearn.tree._tree.Tree"]')
    seen = check(read_project(path))
    assert {c.what: c.well for c in seen}["it answers"], seen
    assert findings(path).findings


def test_a_regressor_cut_into_tiers(folder, train):
    import skops.io
    from sklearn.linear_model import LinearRegression

    cost = 3 * train["loan_amount"] - train["income"]
    skops.io.dump(LinearRegression().fit(train[COLUMNS], cost), folder / "cost.skops")
    data = "positive_above = 9000\n"
    path = written(folder, "cost.skops", data=data, model="threshold = 20000")
    path.write_text(path.read_text().replace('label = "default"', 'label = "total_due"'))
    assert sum(f.successes for f in findings(path).findings) > 0
    path.write_text(path.read_text().replace("threshold = 20000", ""))
    with pytest.raises(BadInput, match="regressor"):
        read_project(path).system()


def test_three_way_decisions(folder, linear, tmp_path):
    path = written(folder, "linear.skops", model="threshold = 0.5\nrefer = 0.2")
    project = read_project(path)
    system = project.system()
    assert isinstance(system.target, ReferringTarget)
    records = system.target.schema.encode(system.parts.victims.frame)
    told = system.target.answer(records, SCORE)
    middle = (told.scores >= 0.2) & (told.scores < 0.5)
    assert middle.any()
    assert np.array_equal(told.decisions == Decision.REFER, middle)
    assert Grant.STRUCTURE not in system.target.grants
    threats = project.threats(("EI",), SCORE, Budget(80, 80), None)
    audited = run_in(
        tmp_path / "r", {}, system, threats, Settings(victims=15, attacks=("greedy-search",)), lambda _: None
    )
    after = pd.read_parquet(tmp_path / "r" / "records.parquet")
    assert len(after) == audited.result.findings[0].successes > 0
    passed = linear.predict_proba(after[[f"after.{c}" for c in COLUMNS]].set_axis(COLUMNS, axis=1))[:, 1]
    assert (passed < 0.2).all()  # referred is not through
    assert not vauban.verify(tmp_path / "r").problems


LOSSES = """
[losses]
currency = "EUR"
miss = 0.5
miss_of = "loan_amount"
block = 100
gain = 1
gain_of = "loan_amount"
unit = 10
"""


def test_money_is_of_the_records_in_the_slice(folder, linear):
    path = written(folder, "linear.skops", rest=LOSSES)
    where = "loan_amount > 8000"
    result = findings(path, where=where)
    part = read_project(path).system().parts.victims
    aimed = (part.frame["loan_amount"] > 8000).to_numpy()
    blocked = linear.predict_proba(part.frame[COLUMNS])[:, 1] >= 0.5
    harmful, amount = part.labels == 1, part.frame["loan_amount"].to_numpy()
    by_hand = (0.5 * amount * (aimed & harmful & ~blocked)).sum() + 100 * (aimed & ~harmful & blocked).sum()
    for finding in result.findings:
        before, after = finding.money.loss_per_1000["before"], finding.money.loss_per_1000["after"]
        assert before["value"] == pytest.approx(1000 * by_hand / aimed.sum())
        assert before["low"] < before["value"] < before["high"]
        assert after["value"] > before["value"]
        assert after["low"] <= after["value"] <= after["high"]
        assert where in finding.money.note


def test_an_interval_of_money_holds_where_nothing_was_seen():
    from vauban.audit.money import _mean

    drawn = _mean(np.random.default_rng(0), np.arange(50, dtype=np.uint64), np.zeros(50), np.zeros(50, dtype=bool))
    assert (drawn == 0).all()  # no amount is known: nothing can be said of one
    one = np.zeros(50)
    one[0] = 7.0
    drawn = _mean(np.random.default_rng(0), np.arange(50, dtype=np.uint64), one, one > 0)
    beta = np.random.default_rng(1).beta(1.5, 49.5, 4000) * 7
    assert np.quantile(drawn[1:], [0.025, 0.975]) == pytest.approx(
        np.quantile(beta, [0.025, 0.975]), rel=0.15, abs=0.01
    )


def test_copies_of_a_record_do_not_narrow_an_interval():
    from vauban.audit.money import _mean

    values = (np.arange(40) % 4 == 0).astype(float)
    once = _mean(np.random.default_rng(0), np.arange(40, dtype=np.uint64), values, values > 0)
    again = np.repeat(np.arange(40, dtype=np.uint64), 25), np.repeat(values, 25)
    often = _mean(np.random.default_rng(0), *again, again[1] > 0)
    apart = _mean(np.random.default_rng(0), np.arange(1000, dtype=np.uint64), again[1], again[1] > 0)
    assert np.std(often[1:]) == pytest.approx(np.std(once[1:]), rel=0.15)
    assert np.std(apart[1:]) < 0.4 * np.std(once[1:])


def test_a_model_that_answers_differently_each_time_is_seen(folder, linear, monkeypatch):
    path = written(folder, "linear.skops")
    rng = np.random.default_rng(0)
    plain = EstimatorTarget._score
    monkeypatch.setattr(
        EstimatorTarget, "_score", lambda self, raw: np.clip(plain(self, raw) + rng.normal(0, 0.05, len(raw)), 0, 1)
    )
    seen = {c.what: c for c in check(read_project(path))}
    assert seen["the same each time"].well is False


def test_a_degenerate_model_is_seen(folder, linear):
    path = written(folder, "linear.skops", model="threshold = 0.0")
    seen = {c.what: c for c in check(read_project(path))}
    assert seen["it is not degenerate"].well is False
    assert "blocks all" in seen["it is not degenerate"].seen


def test_retraining_as_the_file_says(folder, linear, tmp_path, monkeypatch):
    from vauban.contracts import Labelled, Trainer

    (tmp_path / "mine.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "def fit(frame, labels):\n    return LogisticRegression().fit(frame, labels)\n"
    )
    (folder / "retrain.py").write_text(
        "import sys, pandas as pd, skops.io\nfrom sklearn.linear_model import LogisticRegression\n"
        "d = pd.read_parquet(sys.argv[1])\n"
        "skops.io.dump(LogisticRegression().fit(d.drop(columns='default'), d['default']), sys.argv[2])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    command = f'command = [{json.dumps(sys.executable)}, "retrain.py", "{{data}}", "{{model}}"]'
    for how in ("refit = true", 'call = "mine:fit"', command):
        project = read_project(written(folder, "linear.skops", rest=f"[retrain]\n{how}"))
        system = project.system()
        trainer: Trainer = project.trainer(system.parts)
        part = system.parts.victims
        records = system.target.schema.encode(part.frame)
        flipped = trainer.fit(Labelled(records, 1 - part.labels))
        assert flipped.threshold == system.target.threshold
        was, now = (t.answer(records, SCORE).scores for t in (system.target, flipped))
        assert np.corrcoef(was, now)[0, 1] < -0.5
    for how in ("", "refit = true\ncall = 'a:b'", "call = 'nothing'", "command = ['true']"):
        project = read_project(written(folder, "linear.skops", rest=f"[retrain]\n{how}"))
        with pytest.raises(BadInput):
            project.trainer(system.parts)


def test_missing_whole_numbers_of_pandas_own_kind(tmp_path):
    frame = applicants(400)[[*COLUMNS, "default"]]
    frame["visits"] = pd.array(np.arange(400) % 7, dtype="Int64")
    frame.loc[frame.index % 3 == 0, "visits"] = pd.NA
    frame.to_parquet(tmp_path / "a.parquet")
    done = vauban.project.init(tmp_path / "a.parquet", "default", out=tmp_path / "v.toml")
    result = findings(done.path)
    assert any(f.examples for f in result.findings)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_frames_of_all_kinds_alike(kind, folder, linear):
    data = applicants(300, seed=3)[[*COLUMNS, "default"]]
    frame, labels = data[COLUMNS], data["default"]
    if kind == "polars":
        pl = pytest.importorskip("polars")
        frame, labels = pl.DataFrame(frame.to_dict("list")), pl.Series(labels.tolist())
    elif kind == "arrow":
        import pyarrow as pa

        frame, labels = pa.Table.from_pandas(frame), pa.chunked_array([labels.tolist()])
    result = vauban.audit(linear, frame, labels, attacks=["greedy-search"], victims=5, queries=30, cells=["EI"])
    assert result.findings[0].victims == 5
    assert result.data["sha256"] == _hash_of(linear, data)


def _hash_of(linear, data) -> str:
    told = vauban.audit(
        linear, data[COLUMNS], data["default"], attacks=["do-nothing"], victims=1, queries=1, cells=["EI"]
    )
    return str(told.data["sha256"])
