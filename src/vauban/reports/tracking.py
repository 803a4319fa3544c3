"""Log a run to MLflow: what was asked for, the figures of each finding, and the files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vauban.errors import BadInput, VaubanError

FILES = ("report.html", "result.json")
PARAMETERS = ("scenario", "seed", "version")


def log_run(run: Path, result: Mapping[str, Any], uri: str, experiment: str) -> str:
    """Log a run folder's result as a run of an MLflow experiment, which is made if it is not there; return its id.

    Args:
        run: the folder, whose report and result become artifacts.
        result: what its ``result.json`` holds.
        uri: of the tracking server or store: ``http://...``, ``sqlite:///...``, ``databricks``.
        experiment: its name.

    Raises:
        BadInput: mlflow is not installed, the folder is not whole, or the store cannot be opened.
        VaubanError: the store fails while it is written to.
    """
    missing = [name for name in FILES if not (run / name).exists()]
    if missing:
        raise BadInput(f"The run {run} lacks {' and '.join(missing)}. Go on with it: vauban audit --resume {run}")
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise BadInput(f"Logging needs the extra mlflow: pip install 'vauban[mlflow]'. ({error})") from error
    try:
        client = MlflowClient(tracking_uri=uri)
        there = client.get_experiment_by_name(experiment)
        home = client.create_experiment(experiment) if there is None else there.experiment_id
    except (MlflowException, ImportError, OSError) as error:
        raise BadInput(f"The tracking store {uri!r} cannot be opened: {error}") from error
    try:
        key = str(client.create_run(home, run_name=run.name).info.run_id)
        for name, text in parameters_of(result).items():
            client.log_param(key, name, text)
        for name, value in metrics_of(result).items():
            client.log_metric(key, name, value)
        for name in FILES:
            client.log_artifact(key, str(run / name))
        client.set_terminated(key)
    except (MlflowException, OSError) as error:
        raise VaubanError(f"The tracking store {uri!r} failed: {error}") from error
    return key


def parameters_of(result: Mapping[str, Any]) -> dict[str, str]:
    """Return what a run was made with, by name, as texts."""
    found = {name: str(result[name]) for name in PARAMETERS}
    found |= {f"model.{name}": str(result["model"].get(name)) for name in ("name", "threshold")}
    found["data.name"] = str(result["data"]["name"])
    for threat in result["threats"]:
        found |= {f"{threat['cell']}.{name}": str(value) for name, value in threat["budget"].items()}
    return found


def metrics_of(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of a run, by ``FINDING.figure``; an infinite cost is left out, for no store keeps it."""
    found: dict[str, float | None] = {}
    for which in ("fnr", "fpr"):
        found |= {f"clean.{which}.{name}": result["clean"][which][name] for name in ("value", "low", "high", "n")}
    for finding in result["findings"]:
        rate = finding["success_rate"]
        figures = {"success": rate["value"], **{name: rate[name] for name in ("low", "high", "n")}}
        figures |= {"median_cost": finding["cost"]["median"], "median_queries": finding["queries"]["median"]}
        found |= {f"{finding['id']}.{name}": value for name, value in figures.items()}
    return {re.sub(r"[^\w./ -]", "-", name): float(value) for name, value in found.items() if value is not None}
