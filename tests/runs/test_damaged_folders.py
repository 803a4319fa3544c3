"""Run folders that somebody damaged: one clear line, and --resume makes them whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small_systems

import vauban as product
from conftest import Vauban, assert_refused
from vauban.errors import BadInput, ExitCode
from vauban.system import System


def removed(path: Path) -> None:
    path.unlink()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbled(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(500))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def hollow(path: Path) -> None:
    path.write_text("{}")


def listed(path: Path) -> None:
    path.write_text("[1, 2]")


Damage = Callable[[Path], None]
DAMAGES = [removed, truncated, garbled, emptied]
HOLLOWS = [hollow, listed]


@pytest.mark.parametrize("damage", [*DAMAGES, *HOLLOWS], ids=lambda d: d.__name__)
def test_report_of_a_damaged_folder(damage: Damage, vauban: Vauban, run: Path) -> None:
    damage(run / "result.json")
    assert_refused(vauban("report", run), "result.json")


def test_report_of_a_result_that_lacks_something_deep(vauban: Vauban, run: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    del result["findings"][0]["victims"]
    (run / "result.json").write_text(json.dumps(result))
    assert_refused(vauban("report", run), "result.json is damaged", "victims")


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        (file, damage)
        for file in ("run.json", "system.json", "result.json", "records.parquet", "model.skops")
        for damage in [*DAMAGES, *(HOLLOWS if file.endswith(".json") else [])]
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_verify_of_a_damaged_folder(file: str, damage: Damage, vauban: Vauban, run: Path) -> None:
    damage(run / file)
    assert_refused(vauban("verify", run), file)


@pytest.mark.parametrize("damage", [*DAMAGES, *HOLLOWS], ids=lambda d: d.__name__)
def test_resume_without_what_was_asked_for(damage: Damage, vauban: Vauban, run: Path) -> None:
    before = {p.name: p.read_bytes() for p in run.rglob("*") if p.is_file() and p.name != "run.json"}
    damage(run / "run.json")
    assert_refused(vauban("audit", "--resume", run), "run.json")
    assert {p.name: p.read_bytes() for p in run.rglob("*") if p.is_file() and p.name != "run.json"} == before


@pytest.mark.parametrize(
    ("key", "value"), [("victims", "few"), ("scenario", 3), ("scenario", "bank"), ("seed", -1), ("cell", [])]
)
def test_resume_of_a_request_that_nobody_could_make(key: str, value: Any, vauban: Vauban, run: Path) -> None:
    about = json.loads((run / "run.json").read_text())
    about["request"][key] = value
    (run / "run.json").write_text(json.dumps(about))
    assert_refused(vauban("audit", "--resume", run))


def test_resume_makes_a_damaged_folder_whole(vauban: Vauban, run: Path, finished_run: Path) -> None:
    for path, damage in zip(
        sorted(p for p in run.rglob("*") if p.is_file() and p.name != "run.json"),
        (damage for _ in range(100) for damage in DAMAGES),
        strict=False,
    ):
        damage(path)
    code, _, err = vauban("audit", "--resume", run)
    assert code == ExitCode.DONE, err
    pd.testing.assert_frame_equal(
        pd.read_parquet(run / "records.parquet"), pd.read_parquet(finished_run / "records.parquet")
    )
    assert vauban("verify", run)[0] == ExitCode.DONE
    assert vauban("report", run)[0] == ExitCode.DONE


def test_a_run_from_python_is_resumed_in_python(vauban: Vauban, scorecard_system: System, tmp_path: Path) -> None:
    part = scorecard_system.parts.victims
    given: dict[str, Any] = {"victims": 4, "queries": 5, "attacks": ["do-nothing"], "out": tmp_path / "run"}
    product.audit(scorecard_system.target, part.frame, part.labels, **given)
    assert_refused(vauban("audit", "--resume", tmp_path / "run"), "started from Python", "resume=True")
    with pytest.raises(BadInput, match="holds a run already"):
        product.audit(scorecard_system.target, part.frame, part.labels, **given)
    product.audit(scorecard_system.target, part.frame, part.labels, **given, resume=True)
    with pytest.raises(BadInput, match="started with other victims"):
        product.audit(scorecard_system.target, part.frame, part.labels, **{**given, "victims": 5}, resume=True)
    with pytest.raises(BadInput, match="data are not those"):
        product.audit(scorecard_system.target, part.frame[::-1], part.labels, **given, resume=True)


def test_a_model_that_was_exchanged(vauban: Vauban, run: Path, table_system: System) -> None:
    import skops.io

    other = small_systems.table_system(seed=5)
    skops.io.dump(other.target.estimator, run / "model.skops")
    assert_refused(vauban("verify", run), "not the model that this run audited")
