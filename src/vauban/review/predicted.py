"""From a log of predictions, test data, a scenario or a vauban.toml to the predictions under review."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vauban.contracts import SCORE, Answers, Labelled, Scale, Target
from vauban.errors import BadInput, TargetError, unknown
from vauban.monitors.predictions import ASKED, UNKNOWN, Predictions
from vauban.project.build import marked
from vauban.project.reading import moments
from vauban.project.tables import read_table
from vauban.records import Floats, Mask, Records
from vauban.review.intake import BATCHES, Columns, Taken, schema_of
from vauban.review.models import Models
from vauban.schema import Schema
from vauban.system import Labels, System
from vauban.threat import Decision

DECIDED = {
    0: ("0", "pass", "passed", "accept", "accepted", "allow", "allowed", "false", "good"),
    1: ("1", "2", "block", "blocked", "refer", "referred", "reject", "rejected", "deny", "denied", "true", "harmful"),
}
"""How a log may say that a record passed, and that it did not."""


@dataclass(frozen=True)
class Logged:
    """Columns of a log beside those that training data have too: a label that came late, a score and a decision."""

    outcome: str | None = None
    score: str | None = None
    decision: str | None = None


@dataclass(frozen=True, eq=False)
class _Log:
    """A log, read: everything about its n records but the models' answers."""

    name: str
    frame: pd.DataFrame
    record: NDArray[Any]
    truth: Labels | None
    sources: NDArray[Any] | None
    times: NDArray[Any] | None
    scores: Floats | None
    decided: Labels | None
    notes: tuple[str, ...]


def of_file(
    path: Path, columns: Columns, logged: Logged, models: Models, training: Path | None, trusted: int, seed: int
) -> Taken[Predictions]:
    """Return the predictions of a log, or of test data.

    Args:
        path: the table.
        columns: which of its columns mean what; ``label`` is the truth of every record.
        logged: columns that only a log has.
        models: the candidate, and the reference where there is one.
        training: a table of what the candidate was trained on, with the column ``columns.label``, or the outcome's; a
            live log may lack it.
        trusted: how many of the first records were verified, and are not reviewed.
        seed: of everything random.

    Raises:
        BadInput: a table cannot be read or is empty, a column is missing, the log lacks what the model reads, a label
            or a score is missing or strange, or a model cannot be asked.
    """
    raw = read_table(path)
    taught = None if training is None else read_table(training)
    label, notes_ = columns.label, []
    if label is not None and label not in raw.columns and taught is not None and label in taught.columns:
        columns = replace(columns, label=None)  # a live log: only what was trained on has labels
        notes_.append(f"the log has no column {label!r}")
    named = {"label": columns.label, "text": columns.text, "source": columns.source, "time": columns.time}
    named |= {"id": columns.record, "outcome": logged.outcome, "score": logged.score, "decision": logged.decision}
    for option, name in named.items():
        if name is not None and name not in raw.columns:
            raise unknown(f"column for --{option}", name, map(str, raw.columns))
    aside = [name for option, name in named.items() if name is not None and option != "text"]
    features = models.read_of(raw, aside, str(path))
    past = None
    if training is not None and taught is not None:
        past = _past(training, taught, replace(columns, label=label or logged.outcome), models, aside)
    schema, frame, notes = schema_of(features if past is None else pd.concat([features, past[0]]), columns.text)
    times = None if columns.time is None else moments(raw[columns.time]).to_numpy()
    n = len(raw)
    record = np.arange(n) if columns.record is None else raw[columns.record].to_numpy()
    log = _Log(
        path.name,
        frame.iloc[:n].reset_index(drop=True),
        record.astype(str).astype(object),
        _truth(raw, columns, logged),
        None if columns.source is None else raw[columns.source].astype("str").to_numpy(dtype=object),
        times,
        None if logged.score is None else _numbers(raw[logged.score]),
        None if logged.decision is None else _decided(raw[logged.decision], columns.positive),
        (*notes_, *notes),
    )
    known = None if past is None else Labelled(schema.encode(frame.iloc[n:]), past[1])
    return _taken(log, schema, models.targets(schema, schema.encode(frame.iloc[:200])), known, trusted, seed)


def of_system(system: System, models: Models, columns: Columns, trusted: int, seed: int) -> Taken[Predictions]:
    """Return what a system's model decides of records that it was not trained on; its own model is the reference.

    Raises:
        BadInput: nothing is left to review, a column is missing, or a model cannot be asked about the records.
    """
    parts, own = system.parts, system.target
    beside = [parts.tuning, parts.known, parts.victims]
    frame = pd.concat([p.frame for p in beside])
    for option, name in (("source", columns.source), ("time", columns.time)):
        if name is not None and name not in frame.columns:
            raise unknown(f"column for --{option}", name, map(str, frame.columns))
    record = frame.index.to_numpy().astype(str).astype(object)
    frame = frame.reset_index(drop=True)
    sources = None if columns.source is None else frame[columns.source].astype("str").to_numpy(dtype=object)
    times = None if columns.time is None else moments(frame[columns.time]).to_numpy()
    name = str(system.data.get("name", system.name))
    truth = np.concatenate([p.labels for p in beside])
    log = _Log(name, frame, record, truth, sources, times, None, None, ())
    past = parts.train
    known = Labelled(own.schema.encode(past.frame), past.labels) if len(past) else None
    return _taken(log, own.schema, models.beside(own), known, trusted, seed)


def seen_beside(dossier: Predictions) -> pd.DataFrame:
    """Return what a person should see of each prediction beside the record itself (n rows)."""
    words = np.array(["passes", "does not pass"], dtype=object)
    found: dict[str, Any] = {"model decision": words[dossier.labels]}
    if dossier.before is not None:
        found["reference decision"] = words[dossier.before]
    if dossier.scores is not None:
        found["model score"] = dossier.scores
    if dossier.scores_before is not None:
        found["reference score"] = dossier.scores_before
    if dossier.truth is not None:
        found["known truth"] = np.array(["good", "harmful", ""], dtype=object)[dossier.truth]
    return pd.DataFrame(found)


def _taken(
    log: _Log,
    schema: Schema,
    targets: tuple[Target, Target | None],
    known: Labelled | None,
    trusted: int,
    seed: int,
) -> Taken[Predictions]:
    candidate, reference = targets
    records, n = schema.encode(log.frame), len(log.record)
    verified = np.arange(n) < trusted
    if trusted and (log.truth is None or (log.truth[verified] == UNKNOWN).any()):
        raise BadInput("--trusted-rows needs the truth of each of these records: --label COLUMN, or --outcome COLUMN.")
    keep = np.flatnonzero(~verified)
    if len(keep) < 2:
        raise BadInput(f"Nothing is left to review of {n} records: {trusted} of them are named as verified.")
    told = _asked(candidate, records[keep])
    before = None if reference is None else _asked(reference, records[keep])
    decided, scores, threshold, scale = _blocked(told), told.scores, candidate.threshold, candidate.scale
    was = None if before is None else _blocked(before)
    was_scores, was_threshold = (None, None) if before is None or reference is None else (before.scores, None)
    if reference is not None:
        was_threshold = float(reference.threshold)
    if before is None and log.decided is not None:  # what was logged is the reference
        was = log.decided[keep]
    if before is None and log.scores is not None:
        was_scores = log.scores[keep]
        if was is None:
            was = np.asarray(was_scores >= threshold, dtype=np.int8)
    batches = None
    if log.times is not None:
        order = np.argsort(np.argsort(log.times[keep], kind="stable"), kind="stable")
        batches = order * BATCHES // len(keep)
    past, notes = known, list(log.notes)
    if known is not None and len(known) > ASKED:
        past = known.take(np.sort(np.random.default_rng((seed, 6)).permutation(len(known))[:ASKED]))
        notes.append(f"of {len(known)} training records {ASKED} are looked at, drawn by lot")
    dossier = Predictions(
        records[keep],
        decided,
        schema,
        None if log.sources is None else log.sources[keep],
        batches,
        Labelled(records[verified], _some(log.truth, verified)) if trusted else None,
        reference,
        seed,
        candidate=candidate,
        before=was,
        scores=scores,
        scores_before=was_scores,
        threshold=float(threshold),
        threshold_before=was_threshold,
        scale=scale,
        truth=None if log.truth is None else log.truth[keep],
        training=past,
    )
    frame = log.frame.iloc[keep].reset_index(drop=True)
    times = None if log.times is None else log.times[keep]
    return Taken(log.name, frame, log.record[keep], dossier, tuple(notes), times)


def _some(truth: Labels | None, rows: Mask) -> Labels:
    assert truth is not None  # noqa: S101 - callers look first
    return truth[rows]


def _asked(target: Target, records: Records) -> Answers:
    try:
        return target.answer(records, target.grants & SCORE)
    except TargetError as error:
        raise BadInput(f"The model {target.name!r} cannot be asked about these records: {error}") from error


def _blocked(told: Answers) -> Labels:
    return np.asarray(told.decisions != Decision.PASS, dtype=np.int8)


def _past(
    path: Path, raw: pd.DataFrame, columns: Columns, models: Models, aside: Sequence[str]
) -> tuple[pd.DataFrame, Labels]:
    if columns.label is None:
        raise BadInput("--training needs the column that says what each record is: --label COLUMN.")
    if columns.label not in raw.columns:
        raise unknown("column for --label in the training data", columns.label, map(str, raw.columns))
    labels = _all_known(raw[columns.label], columns, f"{path}, column {columns.label!r}")
    return models.read_of(raw, [*aside, columns.label], str(path)), labels


def _truth(raw: pd.DataFrame, columns: Columns, logged: Logged) -> Labels | None:
    truth = None
    if columns.label is not None:
        truth = _all_known(raw[columns.label], columns, f"--label {columns.label}")
    if logged.outcome is not None:
        if not raw[logged.outcome].notna().any():
            raise BadInput(f"--outcome {logged.outcome}: no record has one yet. Leave the option out.")
        late, known = marked(raw[logged.outcome], list(columns.positive) or ["1"], None)
        truth = np.where(known, late, UNKNOWN if truth is None else truth).astype(np.int8)
    return truth


def _all_known(column: pd.Series[Any], columns: Columns, what: str) -> Labels:
    missing = int(column.isna().sum())
    if missing:
        raise BadInput(
            f"{what}: {missing} of {len(column)} labels are missing. Give every record one; a column of labels that "
            "come late is named by --outcome."
        )
    return marked(column, list(columns.positive) or ["1"], None)[0]


def _numbers(column: pd.Series[Any]) -> Floats:
    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = int((~np.isfinite(found)).sum())
    if bad:
        raise BadInput(f"--score {column.name}: {bad} of {len(column)} values are no finite numbers. Correct the log.")
    return np.asarray(found)


def _decided(column: pd.Series[Any], positive: Sequence[str]) -> Labels:
    words = column.map(lambda v: str(int(v)) if isinstance(v, float) and math.isfinite(v) and v == int(v) else str(v))
    words = words.str.strip().str.lower()
    stops = words.isin([*DECIDED[1], *(p.lower() for p in positive)]).to_numpy()
    strange = words[~stops & ~words.isin(DECIDED[0]).to_numpy()]
    if len(strange):
        raise BadInput(
            f"--decision {column.name}: {len(strange)} of {len(column)} values are no decisions, the first of them "
            f"{str(strange.iloc[0])[:60]!r}. Known: {', '.join(DECIDED[0][:3])}; {', '.join(DECIDED[1][:4])}."
        )
    return np.asarray(stops, dtype=np.int8)


__all__ = ["Logged", "Models", "Scale", "of_file", "of_system"]
