"""Vauban from Python, in a few lines: a fitted model and records in memory.

>>> result = vauban.audit(pipeline, applicants, defaulted)             # doctest: +SKIP
>>> [(f.attack, f.success_rate.value) for f in result.findings]        # doctest: +SKIP
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vauban.audit.folder import Verification, read_json
from vauban.audit.folder import verify as verify_folder
from vauban.audit.run import Settings, Watch, watch_nothing
from vauban.catalogue import CAUSATIVE
from vauban.contracts import Target, Trainer
from vauban.errors import BadInput, ExitCode, Incomplete, VaubanError, unknown
from vauban.filters import Filter
from vauban.reports import FORMATS, junit
from vauban.reports.tracking import log_run
from vauban.results import AuditResult, to_json
from vauban.schema import Price, Schema, TextSchema, infer_schema
from vauban.simulation.beside import audit_both
from vauban.simulation.lengths import Asked, influences
from vauban.system import HELD_OUT, Economics, Part, System, split
from vauban.targets import BoosterTarget, EstimatorTarget, is_booster
from vauban.targets.refit import Refit
from vauban.threat import Budget, Cell, Grant, ThreatModel

ATTACKER = {
    Cell.EI: "whoever sends harmful records and wants them to pass",
    Cell.EA: "whoever wants good records blocked, and can change them as the schema says",
}


def audit(
    model: Any,
    records: Any,
    labels: Any,
    *,
    schema: Schema | None = None,
    threshold: float | None = None,
    harmful: Any = 1,
    cells: Iterable[str] | None = None,
    grants: Iterable[str] = ("label", "score"),
    queries: int = 1000,
    flagged: int | None = None,
    cost: float | None = None,
    where: str | None = None,
    attacks: Sequence[str] | None = None,
    prices: Mapping[str, Price] | None = None,
    victims: int = 200,
    tune: int = 20,
    economics: Economics | None = None,
    trained_on: tuple[Any, Any] | None = None,
    trainer: Trainer | None = None,
    causative: str = "short",
    seed: int = 0,
    jobs: int = 1,
    out: str | Path | None = None,
    resume: bool = False,
    name: str = "in memory",
    watch: Watch = watch_nothing,
) -> AuditResult:
    """Attack a fitted model and say what got through, at what cost.

    Args:
        model: a fitted scikit-learn classifier or pipeline, that of XGBoost, LightGBM or CatBoost included, a native
            booster of these, or any `Target` (see `vauban.targets.CallableTarget`).
        records: held-out records, which the model was not trained on: the raw frame of a table (pandas, polars or
            Arrow), its matrix, or texts.
        labels: (n,) true labels of the records; the value ``harmful`` marks harmful ones.
        schema: what records may be and what changes cost; inferred from the records by default.
        threshold: scores at or above it are blocked; 0.5 for probabilities and 0 for margins by default.
        harmful: the model's class that is the harmful one; of more than two classes, a list of those that are.
        cells: EI, CI (harmful records pass) and EA, CA (good records are blocked), by asking the model (E) or through
            what it is trained on (C); by default EI and EA, and CI and CA where ``trained_on`` is given.
        grants: what the attacker gets: label, score, gradient, structure.
        queries: questions a victim, and as many before, to scout.
        flagged: questions a victim that may be answered BLOCK; no limit by default.
        cost: most that a changed record may cost, in the schema's unit.
        where: filter that makes the attack targeted.
        attacks: names; all of the catalogue by default. ``cascade`` tries one after the other, the cheapest first.
        prices: what this attacker pays where that differs from the schema.
        victims: most victims a cell.
        tune: records a cell, apart from the victims, on which the strongest attack is chosen; 0 chooses it on the
            victims themselves, which flatters it.
        economics: what errors cost; no money is reported without.
        trained_on: the records that the model was trained on and their labels (m,), given as ``records`` and ``labels``
            are, in the order in which they came: attacks on training are played on them.
        trainer: how the model is trained again; by default a clone of a scikit-learn estimator is fitted anew.
        causative: how much of attacks on training is played, ``short`` or ``full``; see `vauban.simulation.lengths`.
        seed: everything random follows from it.
        jobs: worker processes.
        out: run folder to write; none by default.
        resume: go on with the run in ``out``, which must have been started with the same arguments.
        name: of the data, for reports.
        watch: is told what is going on.

    Raises:
        BadInput: something given cannot be used.
        TargetError: the model failed.
    """
    if isinstance(model, Target) and (schema is not None or threshold is not None):
        raise BadInput("A target has its own schema and threshold. Give them to the target, not to the audit.")
    given = ("EI", "EA", *(("CI", "CA") if trained_on is not None else ())) if cells is None else cells
    asking, training = influences(given, attacks or (), causative)
    if training and trained_on is None:
        raise BadInput("CI and CA attack training. Say what the model was trained on: trained_on=(records, labels).")
    if trainer is not None and trained_on is None:
        raise BadInput("A trainer is given, and nothing to train on. Say on what: trained_on=(records, labels).")
    named = tuple(n for n in attacks if n not in CAUSATIVE) if attacks is not None and asking else None
    settings = Settings(seed, victims, named, jobs, tune=tune)
    folder = None if out is None else Path(out)
    if resume and folder is None:
        raise BadInput("There is no run to resume. Name its folder: out=...")
    records, labels = _of_pandas(records), _of_pandas(labels)
    if isinstance(records, pd.Series):
        records = records.tolist()
    frame = _frame(records)
    marked = _marked(labels, harmful)
    parts = split(frame, marked, seed, HELD_OUT)
    if trained_on is not None:
        parts = replace(parts, train=_trained(trained_on, frame, harmful))
    if schema is None and not isinstance(model, Target):
        schema = TextSchema() if _are_texts(records) else infer_schema(pd.concat([parts.train.frame, frame]))
    target = _target(model, schema, threshold, harmful, parts.tuning.frame)
    if trained_on is not None and trainer is None:
        trainer = _refitting(model, target)
    threats = tuple(
        ThreatModel(
            c,
            ATTACKER[c],
            frozenset(grant_named(g) for g in grants),
            Budget(queries, queries, flagged, cost),
            where=None if where is None else Filter(where),
            prices=prices or {},
        )
        for c in asking
    )
    kind = str(target.schema.modality.value)
    about = {"name": name, "kind": kind, "source": "given to the audit in memory", "removed": {}}
    system = System("your model", target, parts, economics, about, trainer=trainer)
    wants = frozenset(grant_named(g) for g in grants)
    campaigns = tuple(n for n in attacks or () if n in CAUSATIVE) or None
    asked = Asked(training, causative, campaigns, queries, wants, where, seed, jobs) if training else None
    request = to_json({"threats": threats, "seed": seed, "victims": victims, "attacks": attacks, "tune": tune})
    if asked is not None:
        request = {**request, "training": [c.value for c in training], "causative": causative}
    if resume and folder is not None:
        _check_request(folder, request)
    audited = audit_both(folder, request, system, threats, settings, asked, watch, resumed=resume)
    if audited.problem is not None and not audited.result.findings:
        raise (Incomplete if audited.exit_code == ExitCode.INCOMPLETE else VaubanError)(audited.problem)
    return audited.result


def report(
    result: AuditResult | str | Path,
    format: str = "html",  # noqa: A002 - what users call it
    limit: float | None = None,
) -> str:
    """Return a result (or that of a run folder) as html, json, markdown, sarif or junit.

    ``limit`` is the success rate over which an attack is a failure in JUnit; no other format has failures.
    """
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if limit is not None and format != "junit":
        raise BadInput(f"A limit makes test cases fail, and {format} has none. Leave it out, or ask for junit.")
    render = FORMATS[format] if limit is None else partial(junit.render, limit=limit)
    if isinstance(result, AuditResult):
        return render(to_json(result))
    path = Path(result) / "result.json"
    stored = read_json(path)
    try:
        return render(stored)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(f"{path} is damaged: {type(error).__name__}: {error}. Run the audit again.") from error


def log(run: str | Path, tracking_uri: str, experiment: str = "vauban") -> str:
    """Log a run folder to MLflow (extra ``mlflow``) and return the id of MLflow's run; see `vauban.reports.tracking`.

    Raises:
        BadInput: mlflow is not installed, or the folder or the store cannot be used.
    """
    path = Path(run)
    stored = read_json(path / "result.json", "findings", "clean", "threats", "model", "data")
    return log_run(path, stored, tracking_uri, experiment)


def verify(run: str | Path, model: Any = None) -> Verification:
    """Score every stored success of a run folder from scratch; see `vauban.audit.folder.verify`."""
    return verify_folder(Path(run), model)


def _of_pandas(given: Any) -> Any:
    """Return a table, or a column, of Arrow or polars as one of pandas; anything else as it is."""
    if isinstance(given, (pd.DataFrame, pd.Series)) or not hasattr(given, "__arrow_c_stream__"):
        return given
    import pyarrow as pa

    if isinstance(given, (pa.Table, pa.ChunkedArray)):
        return given.to_pandas()
    # A column's stream is of no struct, and a table cannot be made of it.
    return (pa.table(given) if hasattr(given, "columns") else pa.chunked_array(given)).to_pandas()


def _are_texts(records: Any) -> bool:
    return not isinstance(records, pd.DataFrame) and np.ndim(records) != 2


def _frame(records: Any) -> pd.DataFrame:
    if _are_texts(records):
        return pd.DataFrame({"text": list(records)}, dtype=object)
    if isinstance(records, pd.DataFrame):
        twice = sorted({str(c) for c in records.columns[records.columns.duplicated()]})
        if twice:
            raise BadInput(f"The records have several columns of the same name: {', '.join(twice)}. Rename them.")
        return records.rename(columns=str)
    return pd.DataFrame(records, columns=[f"x{j}" for j in range(np.shape(records)[1])])


def _check_request(folder: Path, request: Mapping[str, Any]) -> None:
    started = read_json(folder / "run.json", "request")["request"]
    changed = [name for name in request if started.get(name) != request[name]]
    if changed:
        raise BadInput(
            f"The run {folder} was started with other {' and '.join(changed)}. Give the same, or name another folder."
        )


def _marked(labels: Any, harmful: Any) -> np.ndarray[Any, Any]:
    if np.ndim(labels) != 1:
        raise BadInput(f"The labels must be a list of values, one a record. Got {np.ndim(labels)} dimensions.")
    raw = pd.Series(labels).reset_index(drop=True)
    if raw.isna().any():
        raise BadInput(f"{int(raw.isna().sum())} of {len(raw)} labels are missing. Give every record a label.")
    several = isinstance(harmful, (list, tuple, set, frozenset))
    marked = (raw.isin(list(harmful)) if several else raw == harmful).to_numpy(dtype=np.int8)
    seen = ", ".join(map(repr, raw.unique().tolist()[:5]))
    if raw.nunique() > 2 and not several:
        raise BadInput(
            f"The labels must have two values, harmful and good. They hold {raw.nunique()}: {seen}. "
            "Of several classes, say which are harmful: harmful=[...]."
        )
    if not marked.any():
        raise BadInput(f"The harmful class {harmful!r} never occurs in the labels. They hold: {seen}.")
    return np.asarray(marked)


def _target(model: Any, schema: Schema | None, threshold: float | None, harmful: Any, tuning: pd.DataFrame) -> Target:
    if isinstance(model, Target):
        return model
    assert schema is not None  # noqa: S101 - inferred above for whatever is no Target
    limit = math.nan if threshold is None else threshold
    kind = type(model).__name__
    if is_booster(model):
        return BoosterTarget(model, schema, 0.5 if threshold is None else threshold, harmful, name=kind)
    return EstimatorTarget(model, schema, limit, harmful, name=kind, sample=schema.encode(tuning))


def _trained(given: tuple[Any, Any], held_out: pd.DataFrame, harmful: Any) -> Part:
    """Return what the model was trained on as a part of the data."""
    records, labels = map(_of_pandas, given)
    frame = _frame(records.tolist() if isinstance(records, pd.Series) else records).reset_index(drop=True)
    if list(frame.columns) != list(held_out.columns):
        strange = sorted(set(frame.columns) ^ set(held_out.columns)) or ["their order"]
        raise BadInput(
            "The records that the model was trained on and those held out must have the same columns. "
            f"They differ in {', '.join(map(repr, strange[:5]))}."
        )
    marked = _marked(labels, harmful)
    if len(marked) != len(frame):
        raise BadInput(f"trained_on holds {len(frame)} records and {len(marked)} labels. Give every record a label.")
    return Part(frame, marked)


def _refitting(model: Any, target: Target) -> Trainer:
    """Return a trainer that fits a clone of the model anew; its labels are 0 and 1, whatever the classes are called."""
    if not isinstance(target, EstimatorTarget) or isinstance(model, Target):
        raise BadInput(
            f"Nobody can know how a {type(model).__name__} is trained again. Give a trainer, an object with "
            "fit(data, start) that returns a target (see vauban.targets.refit.Refit)."
        )
    return Refit(target.estimator, target.schema, target.name, target.threshold)


def grant_named(name: str) -> Grant:
    """Return a grant by name; BadInput if there is none."""
    if name not in list(Grant):
        raise unknown("grant", name, list(Grant))
    return Grant(name)
