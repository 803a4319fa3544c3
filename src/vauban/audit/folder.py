"""Run folders: everything that a reader, a program or ``verify`` needs of a run.

run.json          what was asked for, written first; what --resume reads
result.json       what was found
records.parquet   every success: the record before and after
system.json       schema, prices and threshold, by cell
model.skops       the model, where it has this safe format (model.ubj, model.txt or model.cbm: a booster in its
                  library's own); otherwise run.json holds its fingerprint only
answers/          every answer of the model, append-only
report.html       for people
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vauban.audit.outcome import Success
from vauban.audit.run import Audit
from vauban.audit.varying import AFRESH, varies
from vauban.contracts import SCORE, Target
from vauban.errors import BadInput, VaubanError
from vauban.records import Mask, Records
from vauban.results import to_json
from vauban.schema import Schema, from_stored, to_stored
from vauban.system import System
from vauban.targets import (
    BoosterTarget,
    EstimatorTarget,
    ReferringTarget,
    file_hash,
    is_booster,
    native_of,
    read_model,
    untrusted,
)
from vauban.threat import Cell, ThreatModel

FORMAT = 1
SAMPLE = 500
"""Records whose scores make a model's fingerprint."""

_STARTED = ("request", "fingerprint", "data", "model", "model_sha256", "model_note")
_SUCCESS = ("victim_id", "attack", "cell", "cost", "queries")


def prepare(out: Path) -> Path:
    """Return the folder, made; BadInput if it cannot be written or holds something else."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        strange = [p.name for p in out.iterdir()]
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInput(f"The run folder {out} cannot be written: {error.strerror}. Name another with --out.") from error
    if strange and not (out / "run.json").exists():
        raise BadInput(f"The folder {out} is not empty and holds no run. Name another with --out.")
    if strange:
        raise BadInput(
            f"The folder {out} holds a run already. Go on with it by --resume (resume=True in Python), "
            "or name another folder."
        )
    return out


@contextmanager
def taken_back(out: Path | None) -> Iterator[None]:
    """Leave a folder as it was found if what it is for is refused (BadInput) before anything was done in it."""
    there = out is not None and out.is_dir()
    used = out is not None and there and any(out.iterdir())
    try:
        yield
    except BadInput:
        if out is not None and not used and out.is_dir() and {p.name for p in out.iterdir()} <= {"run.json"}:
            (out / "run.json").unlink(missing_ok=True)
            if not there:
                out.rmdir()
        raise


def fingerprint(target: Target, system: System) -> str:
    """Return a hash of how the model decides a fixed sample of records: the same for the same model anywhere."""
    if varies(system):  # what it says of a record identifies nothing
        return hashlib.sha256(f"varies: {target.name}, {target.threshold:g}".encode()).hexdigest()
    frame = pd.concat([system.parts.tuning.frame, system.parts.victims.frame]).iloc[:SAMPLE]
    told = target.answer(target.schema.encode(frame), target.grants & SCORE)
    digest = hashlib.sha256(told.decisions.tobytes())
    if told.scores is not None:
        digest.update(np.round(told.scores, 9).tobytes())
    return digest.hexdigest()


def data_hash(system: System) -> str:
    """Return a hash of all records and labels that the run was given."""
    digest = hashlib.sha256()
    for name in ("train", "tuning", "known", "victims"):
        part = getattr(system.parts, name)
        digest.update(pd.util.hash_pandas_object(part.frame, index=True).to_numpy().tobytes())
        digest.update(part.labels.tobytes())
    return digest.hexdigest()


def write_start(out: Path, request: Mapping[str, Any], system: System, threats: Sequence[ThreatModel]) -> None:
    """Write what a run was asked for, and the system it is run on."""
    about = describe_start(out, request, system)
    schemas = {t.cell.value: to_stored(system.target.schema.priced(t.prices)) for t in threats}
    stored = {
        "scenario": system.name,
        "name": system.target.name,
        "threshold": system.target.threshold,
        "refer": getattr(system.target, "refer", None),
        "harmful": getattr(system.target, "harmful", 1),
        "costs": {t.cell.value: t.budget.cost for t in threats},
        "schemas": schemas,
    }
    write_json(out / "system.json", stored)
    write_json(out / "run.json", about)


def describe_start(out: Path | None, request: Mapping[str, Any], system: System) -> dict[str, Any]:
    """Return what run.json holds; the model is saved in the folder, if there is one."""
    model, why = (None, "the run was in memory only") if out is None else save_model(out, system.target)
    return {
        "format": FORMAT,
        "request": dict(request),
        "fingerprint": fingerprint(system.target, system),
        "varies": varies(system),
        "data": data_hash(system),
        "model": model,
        "model_sha256": None if out is None or model is None else file_hash(out / model),
        "model_note": why,
    }


def save_model(out: Path, target: Target) -> tuple[str | None, str]:
    """Save the model in a safe format if it has one; return the file's name, or None and the reason."""
    if isinstance(target, ReferringTarget):
        return save_model(out, target.base)
    if isinstance(target, BoosterTarget):
        native = native_of(target)
        native.save(out / f"model{native.suffix}")
        return f"model{native.suffix}", ""
    if not isinstance(target, EstimatorTarget):
        return None, f"a {type(target).__name__} has no safe format"
    import skops.io

    try:
        skops.io.dump(target.estimator, out / "model.skops")
        strange = untrusted(out / "model.skops")
    except Exception as error:  # noqa: BLE001 - skops raises whatever the foreign objects inside do
        (out / "model.skops").unlink(missing_ok=True)
        return None, f"skops cannot store it: {error}"
    if strange:
        (out / "model.skops").unlink()
        return None, f"it holds types that are not loaded without trust: {', '.join(strange)}"
    return "model.skops", ""


def write_end(out: Path, audit: Audit) -> Audit:
    """Write what was found; return the audit with the model's file and hashes in its result."""
    audit = stamped(audit, read_json(out / "run.json", *_STARTED))
    part = out / "records.parquet.part"
    records_table(audit.successes).to_parquet(part, index=False)
    part.replace(out / "records.parquet")
    write_json(out / "result.json", to_json(audit.result))
    return audit


def stamped(audit: Audit, about: Mapping[str, Any]) -> Audit:
    """Return the audit with the model's file and the hashes in its result: ``about`` is run.json."""
    sha = about["model_sha256"] or about["fingerprint"]
    model = {**audit.result.model, "sha256": sha, "file": about["model"], "note": about["model_note"]}
    data = {**audit.result.data, "sha256": about["data"]}
    return replace(audit, result=replace(audit.result, model=model, data=data))


def records_table(successes: Sequence[Success]) -> pd.DataFrame:
    """Return a row a success: ``victim_id, attack, cell, cost, queries`` and every field before and after."""
    tables = []
    for success in successes:
        judged, front = success.judged, success.front
        won = np.flatnonzero(judged.success)
        head = pd.DataFrame(
            {
                "victim_id": front.ids[won],
                "attack": success.attack,
                "cell": front.threat.cell.value,
                "cost": judged.cost[won],
                "queries": judged.at[won],
            }
        )
        before = front.schema.decode(front.victims[won]).add_prefix("before.")
        after = front.schema.decode(judged.records[won]).add_prefix("after.")
        tables.append(pd.concat([head, before, after], axis=1))
    if not tables:
        return pd.DataFrame({name: [] for name in _SUCCESS})
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True)
class Verification:
    """What re-scoring the stored successes from scratch showed."""

    checked: int
    problems: tuple[str, ...]
    not_scored: int = 0
    """Successes of attacks on training: the models that came of them are not kept, so nothing can score them."""


def verify(run: Path, model: Any = None) -> Verification:
    """Score every stored success from scratch: flipped, possible, at the stored price, and as many as were reported.

    Args:
        run: a run folder.
        model: the fitted estimator or Target; needed only where the folder holds none.

    Raises:
        BadInput: the folder is damaged or incomplete, its model is not the one that was audited, or it holds no model
            and none is given.
    """
    about = read_json(run / "run.json", *_STARTED)
    stored = read_json(run / "system.json", "name", "threshold", "harmful", "costs", "schemas")
    result = read_json(run / "result.json", "findings")
    table = _read_records(run / "records.parquet")
    problems = _miscounted(result["findings"], table)
    for cell, of_cell in table.groupby("cell", sort=True):
        if cell not in stored["schemas"]:
            raise BadInput(
                f"{run / 'records.parquet'} holds successes in cell {cell!r}, which the run has no schema of."
            )
        schema = from_stored(stored["schemas"][cell])
        target = _target(run, about, stored, schema, model)
        limit = stored["costs"].get(cell)
        problems += _verify_cell(Cell(cell), schema, target, of_cell, limit, bool(about.get("varies")))
    unscored = sum(f["successes"] for f in result["findings"] if f.get("retraining") is not None)
    return Verification(len(table), tuple(problems), unscored)


def _read_records(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}. Run the audit again.") from error
    absent = [name for name in _SUCCESS if name not in table]
    if absent:
        raise BadInput(f"{path} lacks the columns {', '.join(absent)}: it is damaged. Run the audit again.")
    return table


def _miscounted(findings: Sequence[Mapping[str, Any]], table: pd.DataFrame) -> list[str]:
    held = Counter(zip(table["attack"], table["cell"], strict=True))
    told = Counter({(f["attack"], f["cell"]): f["successes"] for f in findings if f.get("retraining") is None})
    return [
        f"{attack} in {cell}: result.json counts {told[attack, cell]} successes, "
        f"records.parquet holds {held[attack, cell]}"
        for attack, cell in sorted(held.keys() | told.keys())
        if told[attack, cell] != held[attack, cell]
    ]


def _verify_cell(
    cell: Cell, schema: Schema, target: Target, table: pd.DataFrame, limit: float | None, varying: bool
) -> list[str]:
    try:
        before = schema.encode(_fields(table, "before."))
        after = schema.encode(_fields(table, "after."))
    except VaubanError as error:
        return [f"{cell.value}: the stored records are none of the schema: {error}"]
    was, now = (_decided(target, cell, records, times=AFRESH if varying else 1) for records in (before, after))
    cost = schema.cost(before, after)
    stored = table["cost"].to_numpy(dtype=np.float64)
    agrees = np.isfinite(cost) & (np.abs(cost - stored) <= 1e-6 * np.maximum(1, np.abs(stored)))
    over = np.zeros(len(table), dtype=bool) if limit is None else stored > limit * (1 + 1e-9)
    problems = []
    for bad, what in (
        (was, "was decided so before any change"),
        (~now, "does not flip the decision"),
        (~np.isfinite(cost), "is no record that this attacker can make"),
        (np.isfinite(cost) & ~agrees, "does not cost what is stored"),
        (over, "costs more than the attacker could pay"),
    ):
        problems += [
            f"{row.attack} in {row.cell}: victim {row.victim_id} {what}" for row in table[bad].itertuples(index=False)
        ]
    return problems


def _decided(target: Target, cell: Cell, records: Records, times: int) -> Mask:
    """Return which records (n,) get the decision that the attacker wants, more often than not if asked repeatedly."""
    told = target.answer(np.repeat(records, times, axis=0), target.grants & SCORE).decisions == cell.goal
    return np.asarray(told.reshape(len(records), times).mean(axis=1) > 0.5)


def _fields(table: pd.DataFrame, prefix: str) -> pd.DataFrame:
    return table[[c for c in table.columns if c.startswith(prefix)]].rename(columns=lambda c: c.removeprefix(prefix))


def _target(run: Path, about: Mapping[str, Any], stored: Mapping[str, Any], schema: Schema, model: Any) -> Target:
    if isinstance(model, Target):
        return model
    if model is None:
        model = load_model(run, about)
    kind = BoosterTarget if is_booster(model) else EstimatorTarget
    target = kind(model, schema, threshold=stored["threshold"], harmful=stored["harmful"], name=stored["name"])
    return target if stored.get("refer") is None else ReferringTarget(target, stored["refer"])


def load_model(run: Path, about: Mapping[str, Any]) -> Any:
    """Return the model that a run folder holds; BadInput where it holds none, or a damaged or untrusted one."""
    if not about["model"]:
        raise BadInput(
            f"The run folder {run} holds no model ({about['model_note']}). "
            "Verify it in Python with the model at hand: vauban.verify(run, model)."
        )
    path = run / about["model"]
    try:
        same = file_hash(path) == about["model_sha256"]
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error}. Run the audit again.") from error
    if not same:
        raise BadInput(f"{path} is not the model that this run audited: its hash is another. Run the audit again.")
    return read_model(path)


def write_json(path: Path, value: Any) -> None:
    """Write JSON values whole or not at all: a run that is killed leaves no half file."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(to_json(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)


def read_json(path: Path, *keys: str) -> Any:
    """Return the JSON object in a file of a run folder; BadInput if it is missing, damaged or lacks one of the keys."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(
            f"{path} does not exist: {path.parent} is no run folder, or its run did not finish. "
            "Go on with such a run by --resume."
        ) from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}. The run folder is damaged; run the audit again.") from error
    absent = [key for key in keys if key not in read] if isinstance(read, dict) else ["everything"]
    if absent:
        raise BadInput(f"{path} is damaged: it lacks {', '.join(absent)}. Run the audit again.")
    return read


def new_folder(scenario: str) -> Path:
    """Return a path for a new run folder under ``vauban-runs``, named for the scenario and the time."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    base = Path("vauban-runs") / f"{scenario}-{stamp}"
    return next(p for i in count(1) if not (p := base if i == 1 else base.with_name(f"{base.name}-{i}")).exists())


def check_same(run: Path, system: System) -> None:
    """Raise BadInput unless this is the system that a run was started on: its answers would not fit another."""
    about = read_json(run / "run.json", *_STARTED)
    if about["data"] != data_hash(system):
        raise BadInput(f"The data are not those that the run {run} was started on. Run the audit anew.")
    if about["fingerprint"] != fingerprint(system.target, system):
        raise BadInput(f"The model does not answer as that of the run {run} did. Run the audit anew.")
