"""``vauban review predictions``: from files to a folder that the other commands of the review work on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.review.predicted import numbers, split
from vauban.cli import main
from vauban.contracts import SCORE
from vauban.schema import TableSchema
from vauban.targets import EstimatorTarget


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(w) for w in words])
    return int(done.value.code or 0)


def linear():
    """A model that every declared release of skops loads without a word of trust."""
    return make_pipeline(StandardScaler(), LogisticRegression())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models that read columns by name, what one was trained on, and a log."""
    folder = tmp_path_factory.mktemp("predictions")
    data, schema = numbers(rows=2600)
    assert isinstance(schema, TableSchema)
    first, second, log = split(data, 800, 800)[:3]
    targets = {}
    for name, part in (("old", first), ("new", second)):
        model = linear().fit(schema.decode(part.records), part.labels)
        skops.io.dump(model, folder / f"{name}.skops")
        targets[name] = EstimatorTarget(model, schema)
    schema.decode(second.records).assign(label=second.labels).to_csv(folder / "train.csv", index=False)
    rng = np.random.default_rng(0)
    late = np.where(rng.uniform(size=len(log)) < 0.5, log.labels, np.nan)
    score = targets["old"].answer(log.records, SCORE).scores
    assert score is not None
    frame = schema.decode(log.records).assign(
        label=log.labels,
        late=late,
        broker=[f"s{i}" for i in rng.integers(5, size=len(log))],
        day=pd.date_range("2026-01-01", periods=len(log), freq="h"),
        name=[f"r{i}" for i in range(len(log))],
        score=score,
        decision=np.where(score >= 0.5, "block", "pass"),
    )
    frame.to_csv(folder / "log.csv", index=False)
    return folder


def test_a_review_of_a_log_goes_the_way_of_every_review(files: Path, tmp_path: Path, capsys) -> None:
    words = ("review", "predictions", files / "log.csv", "--model", files / "new.skops", "--id", "name")
    named = ("--source", "broker", "--time", "day", "--outcome", "late", "--score", "score", "--decision", "decision")
    more = ("--reference", files / "old.skops", "--threshold", 0.48, "--budget", 30, "--out", tmp_path / "r")
    assert run(*words, *named, *more) == 1
    said = capsys.readouterr().out
    assert "the threshold was moved from 0.5 to 0.48" in said
    assert "can be gamed by whoever writes the records" in said
    assert "Labels come late" in said
    assert "decided as harmful" in said
    queue = pd.read_csv(tmp_path / "r" / "queue.csv", dtype=str, keep_default_na=False)
    assert len(queue) == 30
    assert set(queue["given_label"]) <= {"passes", "does not pass"}
    assert {"model decision", "reference decision", "model score", "known truth"} <= set(queue.columns)
    assert json.loads((tmp_path / "r" / "review.json").read_text())["review"] == "predictions"
    record = queue["record"][0]
    who = ("--reviewer", "Ada", "--role", "analyst")
    assert run("review", "next", tmp_path / "r", "--count", 2) == 0
    assert "labelled" not in capsys.readouterr().out
    assert run("review", "decide", tmp_path / "r", record, "correct", *who) == 0
    assert run("review", "undo", tmp_path / "r", "--reviewer", "Ada") == 0
    queue.assign(verdict=["poison"] * 3 + [""] * 27).to_csv(tmp_path / "filled.csv", index=False)
    assert run("review", "decide", tmp_path / "r", "--csv", tmp_path / "filled.csv", *who) == 0
    assert run("review", "status", tmp_path / "r") == 1
    assert run("review", "export", tmp_path / "r", "--out", tmp_path / "out") == 0
    assert len(pd.read_parquet(tmp_path / "out" / "held.parquet")) == 3


def test_nothing_wrong_exits_0_and_what_was_logged_is_the_reference(files: Path, tmp_path: Path, capsys) -> None:
    words = ("review", "predictions", files / "log.csv", "--model", files / "old.skops", "--score", "score")
    aside = ("--decision", "decision", "--label", "label", "--source", "broker")
    assert run(*words, *aside, "--training", files / "train.csv", "--out", tmp_path / "r", "--budget", 5) == 0
    said = capsys.readouterr().out
    assert "0 are decided otherwise" in said
    assert "Nothing stands out" in said


def test_a_live_log_has_no_label_that_the_training_data_have(files: Path, tmp_path: Path, capsys) -> None:
    log = pd.read_csv(files / "log.csv").drop(columns=["label", "late"])
    log.to_csv(tmp_path / "live.csv", index=False)
    words = ("review", "predictions", tmp_path / "live.csv", "--model", files / "new.skops", "--label", "label")
    more = ("--reference", files / "old.skops", "--training", files / "train.csv", "--budget", 5)
    assert run(*words, *more, "--out", tmp_path / "r") in (0, 1)
    said = capsys.readouterr().out
    assert "the log has no column 'label'" in said
    assert "cannot be said" in said
    assert "harmful-looking" in json.loads((tmp_path / "r" / "review.json").read_text())["looked_for"]


def test_a_log_that_the_model_does_not_reproduce_is_told(files: Path, tmp_path: Path) -> None:
    log = pd.read_csv(files / "log.csv")
    rows = np.flatnonzero(log["decision"] == "block")
    log.loc[rows[: len(rows) // 2], "decision"] = "pass"
    log.to_csv(tmp_path / "log.csv", index=False)
    words = ("review", "predictions", tmp_path / "log.csv", "--model", files / "old.skops", "--decision", "decision")
    assert run(*words, "--out", tmp_path / "r", "--budget", 20) == 1
    queue = pd.read_csv(tmp_path / "r" / "queue.csv")
    assert (queue["reason"].isin(["slice", "changed"])).sum() >= 10
    assert queue["why"].str.contains("what was logged|records do not pass").any()


def test_a_scenario_is_reviewed_with_its_own_model_as_the_reference(tmp_path: Path, capsys) -> None:
    words = ("review", "predictions", "credit", "--trusted-rows", 400, "--budget", 10, "--out", tmp_path / "r")
    assert run(*words, "--threshold", 0.6) == 1
    assert "the threshold was moved" in capsys.readouterr().out


def _text(path: Path) -> Path:
    (path / "text.csv").write_text("text,label\nhello there,0\nwin a prize,1\n")
    return path / "text.csv"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["log.csv"], "--model FILE"),
        (["none.csv", "--model", "new.skops"], "no data file"),
        (["log.csv", "--model", "new.skops", "--source", "nope"], "Unknown column for --source 'nope'"),
        (["log.csv", "--model", "new.skops", "--label", "late"], "labels are missing"),
        (["log.csv", "--model", "new.skops", "--label", "label", "--positive", "9"], "never occurs"),
        (["lacking.csv", "--model", "new.skops"], "lacks 2 of the 6 columns that the model reads: a, b"),
        (["empty.csv", "--model", "new.skops"], "holds no record"),
        (["log.csv", "--model", "new.skops", "--reference", "other.skops"], "read different columns"),
        (["log.csv", "--model", "new.skops", "--score", "name"], "no finite numbers"),
        (["log.csv", "--model", "new.skops", "--decision", "broker"], "no decisions"),
        (["log.csv", "--model", "new.skops", "--trusted-rows", "5"], "--trusted-rows needs the truth"),
        (["log.csv", "--model", "new.skops", "--label", "label", "--trusted-rows", "5000"], "Nothing is left"),
        (["log.csv", "--model", "new.skops", "--training", "train.csv"], "--training needs"),
        (["log.csv", "--model", "new.skops", "--outcome", "nothing"], "no record has one yet"),
        (["credit", "--label", "label"], "is for a file of records"),
        (["text.csv", "--model", "bare.skops", "--label", "label"], "reads 6 columns"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    files: Path, tmp_path: Path, capsys, words: list[str], said: str
) -> None:
    log = pd.read_csv(files / "log.csv")
    log.drop(columns=["a", "b"]).to_csv(files / "lacking.csv", index=False)
    log.head(0).to_csv(files / "empty.csv", index=False)
    if words[-1] == "nothing":
        log.assign(nothing=np.nan).to_csv(files / "log.csv", index=False)
    if words[-1] == "other.skops" or words[0] == "text.csv":
        data, schema = numbers(rows=400)
        frame = schema.decode(data.records)
        skops.io.dump(linear().fit(frame.rename(columns={"a": "z"}), data.labels), files / "other.skops")
        skops.io.dump(linear().fit(frame.to_numpy(), data.labels), files / "bare.skops")
    _text(files)
    given = [files / w if (files / w).suffix and (files / w).exists() else w for w in words]
    assert run("review", "predictions", *given, "--out", tmp_path / "r") == 2
    error = capsys.readouterr().err
    lines = [x for x in error.splitlines() if x.startswith("vauban: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in error
    assert not (tmp_path / "r").exists()
