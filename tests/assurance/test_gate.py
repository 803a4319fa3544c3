"""The retrain gate: sound candidates go through, faults are held with the right reason, broken gates would not do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from vauban.assurance.gate import decide, record
from vauban.assurance.suites import cases_of
from vauban.cli import main
from vauban.contracts import Labelled
from vauban.monitors.dossier import Dossier
from vauban.review.examine import examine
from vauban.scenarios import scenario
from vauban.system import System


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(w) for w in words])
    return int(done.value.code or 0)


@pytest.fixture(scope="module")
def system() -> System:
    return scenario("credit").system("generated-credit", "logistic-regression", 0)


@pytest.fixture(scope="module")
def trusted(system: System) -> Labelled:
    part = system.parts.victims
    return Labelled(system.target.schema.encode(part.frame), part.labels)


def retrained(system: System, rows: slice, turned: np.ndarray | None = None):
    """The same pipeline, trained on some of the training data, with some labels turned."""
    from sklearn.base import clone

    part = system.parts.train
    labels = part.labels.copy() if turned is None else np.where(turned, 1 - part.labels, part.labels)
    model = clone(system.target.estimator).fit(part.frame.iloc[rows], labels[rows])
    return replace(system.target, estimator=model)


def test_sound_retrainings_go_through(system: System, trusted: Labelled) -> None:
    """Of 12 retrainings on other parts of the data at most 2 are held; at the stated rate that is 98 in 100."""
    n = len(system.parts.train)
    incumbent = retrained(system, slice(0, n // 2))
    held = 0
    for i in range(12):
        candidate = retrained(system, slice(i * n // 40, n // 2 + i * n // 40))
        held += decide(candidate, incumbent, trusted, system.target.schema).candidate == "hold"
    assert held <= 2


def test_the_same_model_changes_nothing(system: System, trusted: Labelled) -> None:
    result = decide(system.target, system.target, trusted, system.target.schema)
    assert (result.candidate, result.batch, result.goes_on) == ("deploy", None, True)
    assert {c.name: c.holds for c in result.checks}["suites and kept failures"] is None


def test_a_threshold_that_was_moved_is_held(system: System, trusted: Labelled) -> None:
    moved = replace(system.target, threshold=system.target.threshold + 0.02)
    result = decide(moved, system.target, trusted, system.target.schema)
    assert result.checks[0].name == "threshold"
    assert result.checks[0].holds
    assert "moved from" in result.checks[0].evidence[0]


def test_a_section_that_the_candidate_lets_through_is_named(system: System, trusted: Labelled) -> None:
    """Planted: the candidate passes whoever is in one section; nothing else changes."""
    schema = system.target.schema
    j = int(schema.numbers[0])
    limit = float(np.nanquantile(trusted.records[:, j], 0.8))

    class Opened:
        def __getattr__(self, name: str):
            return getattr(system.target, name)

        def answer(self, records, want):
            told = system.target.answer(records, want)
            return replace(told, decisions=np.where(records[:, j] >= limit, np.int8(0), told.decisions).astype(np.int8))

    result = decide(Opened(), system.target, trusted, schema)
    slices = next(c for c in result.checks if c.name == "slices")
    assert result.candidate == "hold"
    assert slices.holds
    assert any(schema.features[j].name in line for line in slices.evidence)


def test_turned_labels_are_held(system: System, trusted: Labelled) -> None:
    turned = np.random.default_rng(0).uniform(size=len(system.parts.train)) < 0.35
    result = decide(retrained(system, slice(None), turned), system.target, trusted, system.target.schema)
    assert "classes" in [c.name for c in result.checks if c.holds]


def test_canaries_hold_what_fails_them(system: System, trusted: Labelled) -> None:
    told = system.target.answer(trusted.records, system.target.grants).decisions
    passing = system.parts.victims.frame[told == 0].head(3).reset_index(drop=True)
    notes = {"expected": "block", "severity": "critical", "reason": "known fraud", "owner": "ana"}
    canaries = cases_of("canaries", passing.assign(**notes), system.target.schema)
    result = decide(system.target, system.target, trusted, system.target.schema, kept=[canaries])
    check = next(c for c in result.checks if c.name == "suites and kept failures")
    assert check.holds  # critical, although the incumbent fails it too
    assert "known fraud" in " ".join(check.evidence)
    mild = cases_of("mild", passing.assign(**{**notes, "severity": "low"}), system.target.schema)
    assert decide(system.target, system.target, trusted, system.target.schema, kept=[mild]).candidate == "deploy"


def test_a_batch_with_a_campaign_is_quarantined(system: System, trusted: Labelled) -> None:
    schema, part = system.target.schema, system.parts.known
    records = schema.encode(part.frame.iloc[:600])
    harmful = trusted.records[trusted.labels == 1]
    scores = system.target.answer(harmful, system.target.grants).scores
    one = harmful[np.argmax(scores)][None]
    batch = np.concatenate([records, np.repeat(one, 25, axis=0)])
    labels = np.concatenate([part.labels[:600], np.zeros(25, dtype=np.int8)])
    for who, what, expected in ((batch, labels, "quarantine"), (records, part.labels[:600], "train")):
        dossier = Dossier(who, what, schema, trusted=trusted, approved=system.target)
        result = decide(system.target, system.target, trusted, schema, batch=dossier, signals=examine(dossier).signals)
        assert result.batch == expected


def test_open_verdicts_hold(system: System, trusted: Labelled) -> None:
    result = decide(system.target, system.target, trusted, system.target.schema, waits=["3 records are held"])
    assert result.candidate == "hold"


def test_the_record_is_sealed(system: System, trusted: Labelled) -> None:
    result = decide(system.target, system.target, trusted, system.target.schema)
    one, two = record(result, {"a": 1}, b"secret" * 4), record(result, {"a": 2}, b"secret" * 4)
    assert one["sha256"] != two["sha256"]
    assert one["hmac_sha256"] != record(result, {"a": 1}, b"other" * 4)["hmac_sha256"]
    assert "hmac_sha256" not in record(result, {"a": 1}, None)


def test_the_command(system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skops.io.dump(system.target.estimator, tmp_path / "same.skops")
    words = ("gate", "credit", "--corpus", tmp_path / "none", "--out", tmp_path / "gate.json", "--siege", "off")
    assert run(*words, "--candidate", tmp_path / "same.skops") == 0
    told = json.loads((tmp_path / "gate.json").read_text())
    assert told["candidate"] == "deploy"
    assert len(told["sha256"]) == 64
    assert run(*words, "--candidate", tmp_path / "same.skops", "--candidate-threshold", 0.9) == 1
    assert "threshold: HOLD" in capsys.readouterr().out
    batch = system.parts.known.frame.head(300).assign(label=system.parts.known.labels[:300])
    batch.to_csv(tmp_path / "batch.csv", index=False)
    more = ("--candidate", tmp_path / "same.skops", "--batch", tmp_path / "batch.csv", "--label", "label")
    assert run(*words, *more) == 0
    assert json.loads((tmp_path / "gate.json").read_text())["batch"] == "train"


def test_the_command_besieges_both_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filter_ = scenario("spam").system("generated-spam", "naive-bayes", 0)
    skops.io.dump(filter_.target.estimator, tmp_path / "same.skops")
    words = ("gate", "spam", "--model", "naive-bayes", "--corpus", tmp_path / "none", "--out", tmp_path / "gate.json")
    assert run(*words, "--candidate", tmp_path / "same.skops") == 0
    told = json.loads((tmp_path / "gate.json").read_text())
    assert "siege: ok" in capsys.readouterr().out
    assert {s["attack"] for s in told["siege"]["sallies"]} >= {"good-words", "word-substitution"}
    assert all(s["candidate"] == s["incumbent"] and s["candidate"]["n"] == 60 for s in told["siege"]["sallies"])


def test_bad_input(system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("gate", "credit", "--out", tmp_path / "gate.json", "--siege", "off")
    assert run(*words, "--candidate", tmp_path / "none.skops") == 2
    other = scenario("spam").system("generated-spam", "naive-bayes", 0)
    skops.io.dump(other.target.estimator, tmp_path / "spam.skops")
    assert run(*words, "--candidate", tmp_path / "spam.skops") == 2
    assert "does not fit" in capsys.readouterr().err
    skops.io.dump(system.target.estimator, tmp_path / "same.skops")
    pd.DataFrame({"label": []}).to_csv(tmp_path / "empty.csv", index=False)
    same = ("--candidate", tmp_path / "same.skops")
    assert run(*words, *same, "--batch", tmp_path / "empty.csv", "--label", "label") == 2
    assert run(*words, *same, "--suite", tmp_path / "no.csv") == 2
    assert not (tmp_path / "gate.json").exists()
