"""Vauban from Python, in a few lines: a fitted model and records in memory.

>>> result = vauban.audit(pipeline, applicants, defaulted)             # doctest: +SKIP
>>> [(f.attack, f.success_rate.value) for f in result.findings]        # doctest: +SKIP
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vauban.audit.folder import (
    Verification,
    check_same,
    describe_start,
    prepare,
    read_json,
    stamped,
    write_end,
    write_start,
)
from vauban.audit.folder import verify as verify_folder
from vauban.audit.run import Audit, Settings, Watch, run_audit, watch_nothing
from vauban.contracts import Target
from vauban.errors import BadInput, ExitCode, Incomplete, VaubanError, unknown
from vauban.filters import Filter
from vauban.reports import FORMATS, junit
from vauban.reports.tracking import log_run
from vauban.results import AuditResult, to_json
from vauban.schema import Price, Schema, TextSchema, infer_schema
from vauban.system import HELD_OUT, Economics, System, split
from vauban.targets import BoosterTarget, EstimatorTarget, is_booster
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
    cells: Iterable[str] = ("EI", "EA"),
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
        cells: EI (harmful records pass), EA (good records blocked).
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
    cells = tuple(dict.fromkeys(cells))
    if not cells:
        raise BadInput("There is no cell to audit. Name at least one: EI, EA.")
    settings = Settings(seed, victims, None if attacks is None else tuple(attacks), jobs, tune=tune)
    folder = None if out is None else Path(out)
    if resume and folder is None:
        raise BadInput("There is no run to resume. Name its folder: out=...")
    records, labels = _of_pandas(records), _of_pandas(labels)
    if isinstance(records, pd.Series):
        records = records.tolist()
    frame = _frame(records)
    marked = _marked(labels, harmful)
    parts = split(frame, marked, seed, HELD_OUT)
    if schema is None and not isinstance(model, Target):
        schema = TextSchema() if _are_texts(records) else infer_schema(frame)
    target = _target(model, schema, threshold, harmful, parts.tuning.frame)
    threats = tuple(
        ThreatModel(
            _cell(c),
            ATTACKER[_cell(c)],
            frozenset(grant_named(g) for g in grants),
            Budget(queries, queries, flagged, cost),
            where=None if where is None else Filter(where),
            prices=prices or {},
        )
        for c in cells
    )
    kind = str(target.schema.modality.value)
    about = {"name": name, "kind": kind, "source": "given to the audit in memory", "removed": {}}
    system = System("your model", target, parts, economics, about)
    request = to_json({"threats": threats, "seed": seed, "victims": victims, "attacks": attacks, "tune": tune})
    if resume and folder is not None:
        _check_request(folder, request)
    audited = run_in(folder, request, system, threats, settings, watch, resumed=resume)
    if audited.problem is not None and not audited.result.findings:
        raise (Incomplete if audited.exit_code == ExitCode.INCOMPLETE else VaubanError)(audited.problem)
    return audited.result


def nothing_else(audited: Audit) -> Audit:
    """Add nothing."""
    return audited


def run_in(
    out: Path | None,
    request: Mapping[str, Any],
    system: System,
    threats: Sequence[ThreatModel],
    settings: Settings,
    watch: Watch,
    *,
    resumed: bool = False,
    command: str | None = None,
    also: Callable[[Audit], Audit] = nothing_else,
) -> Audit:
    """Run an audit in a run folder (None: in memory only), its report included.

    ``also`` adds to it what is found in other ways, before anything is written.
    """
    if out is None:
        audited = also(run_audit(system, threats, settings, watch, command=command))
        return stamped(audited, describe_start(None, request, system))

    def begin() -> None:
        # What an earlier life wrote is written anew: a damaged file of it is made whole.
        write_start(out if resumed else prepare(out), request, system, threats)

    if resumed:
        check_same(out, system)
    settings = replace(settings, answers=out / "answers")
    audited = also(run_audit(system, threats, settings, watch, command=command, begin=begin))
    audited = write_end(out, audited)
    (out / "report.html").write_text(report(audited.result, "html"), encoding="utf-8")
    return audited


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


def _cell(name: str) -> Cell:
    if name not in [c.value for c in ATTACKER]:
        raise unknown("cell", name, [c.value for c in ATTACKER])
    return Cell(name)


def grant_named(name: str) -> Grant:
    """Return a grant by name; BadInput if there is none."""
    if name not in list(Grant):
        raise unknown("grant", name, list(Grant))
    return Grant(name)
