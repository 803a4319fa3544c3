"""Logging a run to MLflow: what is logged; and, where mlflow is installed, to a store of files."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import vauban
from vauban.errors import BadInput
from vauban.reports.tracking import metrics_of, parameters_of

RESULT = Path(__file__).parents[1] / "fixtures" / "result_credit.json"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(RESULT, folder / "result.json")
    (folder / "report.html").write_text("<html>the report</html>")
    return folder


def test_every_finding_has_its_figures() -> None:
    result = json.loads(RESULT.read_text())
    logged = metrics_of(result)
    for finding in result["findings"]:
        rate, name = finding["success_rate"], finding["id"]
        assert [logged[f"{name}.{f}"] for f in ("success", "low", "high", "n")] == [
            rate["value"], rate["low"], rate["high"], rate["n"]
        ]  # fmt: skip
        assert logged.get(f"{name}.median_cost") == finding["cost"]["median"]
    assert any(f["cost"]["median"] is None for f in result["findings"])  # infinite: no store keeps it
    assert parameters_of(result)["data.name"] == result["data"]["name"]
    assert parameters_of(result)["EI.queries"] == str(result["threats"][0]["budget"]["queries"])


def test_it_is_logged(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a store that needs no database, for this test
    uri = (tmp_path / "store").as_uri()
    keys = [vauban.log(run, uri, "credit") for _ in range(2)]
    client = MlflowClient(tracking_uri=uri)
    stored = client.get_run(keys[1])
    result = json.loads(RESULT.read_text())
    assert keys[0] != keys[1]
    assert stored.info.status == "FINISHED"
    assert stored.data.metrics == metrics_of(result)
    assert stored.data.params == parameters_of(result)
    assert sorted(f.path for f in client.list_artifacts(keys[1])) == ["report.html", "result.json"]


def test_a_store_that_is_none_is_one_clear_error(run: Path) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    with pytest.raises(BadInput, match="cannot be opened"):
        vauban.log(run, "carrier-pigeon://loft")


def test_without_mlflow_or_a_whole_run_it_says_what_to_do(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(BadInput, match=r"pip install 'vauban\[mlflow\]'"):
        vauban.log(run, "http://localhost")
    (run / "report.html").unlink()
    with pytest.raises(BadInput, match=r"lacks report\.html"):
        vauban.log(run, "http://localhost")
    with pytest.raises(BadInput, match="does not exist"):
        vauban.log(run / "none", "http://localhost")
