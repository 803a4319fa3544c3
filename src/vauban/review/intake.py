"""From a file, a scenario or a vauban.toml to the records under review, and what is verified beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd

from vauban.contracts import SCORE, Labelled, Target, Trainer
from vauban.errors import BadInput, TargetError, unknown
from vauban.monitors.dossier import Dossier
from vauban.project.build import Project, marked
from vauban.project.reading import moments
from vauban.project.tables import read_table
from vauban.records import Mask, with_columns
from vauban.schema import Schema, TextSchema, infer_schema
from vauban.system import Part, System
from vauban.targets import BoosterTarget, EstimatorTarget, is_booster, read_model

LONG = 30
"""Characters of a column's values, on the average, from which on it is a column of messages."""
BATCHES = 20
"""Batches that records with times are divided into, each with as many."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a file are not features: its label and what is harmful, and where each record came from."""

    label: str | None = None
    positive: tuple[str, ...] = ()
    text: str | None = None
    source: str | None = None
    time: str | None = None
    record: str | None = None


Reviewed = TypeVar("Reviewed", bound=Dossier, covariant=True)


@dataclass(frozen=True, eq=False)
class Taken(Generic[Reviewed]):
    """What is reviewed.

    Attributes:
        name: of the data.
        frame: the raw records (n rows), as people know them.
        record: (n,) what each is called: its id, or the number of its row.
        dossier: the same for detectors.
        notes: what was done to the data on the way.
        times: (n,) when each came; None where nobody knows.
        waiting: what earlier reviews wait for a person to do, in words.
        verified: records that are verified, as in records.parquet, where later reviews are to know them.
        trainer: how the model is trained that these records are for; None where nobody knows.
    """

    name: str
    frame: pd.DataFrame
    record: np.ndarray[Any, Any]
    dossier: Reviewed
    notes: tuple[str, ...] = ()
    times: np.ndarray[Any, Any] | None = None
    waiting: tuple[str, ...] = ()
    verified: pd.DataFrame | None = None
    trainer: Trainer | None = None


@dataclass(frozen=True, eq=False)
class Rows:
    """The records of a file that have a label, and what is known of each: all (n,)."""

    features: pd.DataFrame
    labels: np.ndarray[Any, Any]
    record: np.ndarray[Any, Any]
    sources: np.ndarray[Any, Any] | None
    times: np.ndarray[Any, Any] | None
    notes: tuple[str, ...]


def of_file(
    path: Path, columns: Columns, trusted: Path | None, rows: int, since: str | None, seed: int, approved: Target | None
) -> Taken[Dossier]:
    """Return a file's records.

    Args:
        path: the table.
        columns: which of its columns mean what.
        trusted: a file whose first column names verified records.
        rows: instead, how many of the first records are verified.
        since: a time: earlier records are not reviewed, they are what the later ones are seen beside.
        seed: of everything random.
        approved: the last approved model.

    Raises:
        BadInput: the file cannot be read, a column is missing, or nothing is left to review.
    """
    rows_ = read_rows(path, columns)
    schema, features, more = schema_of(rows_.features, columns.text)
    times = rows_.times
    verified = _verified(rows_.record, trusted, rows)
    late = np.ones(len(features), dtype=bool)
    if since is not None:
        if times is None:
            raise BadInput("--since needs the times of the records: name their column, --time COLUMN.")
        late = _from(since, times)
    part, notes = Part(features, rows_.labels), (*rows_.notes, *more)
    return _taken(path.name, schema, part, rows_.record, verified, late, rows_.sources, times, seed, approved, notes)


def _from(since: str, times: np.ndarray[Any, Any]) -> Mask:
    """Return which records came at or after a time (n,); BadInput where it is none."""
    at = moments(pd.Series([since])).iloc[0]
    if pd.isna(at):
        raise BadInput(f"--since {since!r} is no time. Give one like 2026-11-25.")
    return np.asarray(times >= np.datetime64(at))


def read_rows(path: Path, columns: Columns) -> Rows:
    """Return the records of a file that have a label; BadInput where it cannot be read or a column is missing."""
    raw = read_table(path)
    if columns.label is None:
        raise BadInput("Name the column that says what each record is: --label COLUMN.")
    named = {"label": columns.label, "text": columns.text, "source": columns.source, "time": columns.time}
    for option, name in {**named, "id": columns.record}.items():
        if name is not None and name not in raw.columns:
            raise unknown(f"column for --{option}", name, map(str, raw.columns))
    labels, known = marked(raw[columns.label], list(columns.positive) or ["1"], None)
    notes = [] if known.all() else [f"{int((~known).sum())} records without a label are left out"]
    raw, labels = raw[known].reset_index(drop=True), labels[known]
    record = np.arange(len(known))[known].astype(object) if columns.record is None else raw[columns.record].to_numpy()
    record = record.astype(str).astype(object)
    aside = [name for name in (columns.label, columns.source, columns.time, columns.record) if name is not None]
    times = None if columns.time is None else moments(raw[columns.time]).to_numpy()
    sources = None if columns.source is None else raw[columns.source].astype("str").to_numpy(dtype=object)
    return Rows(raw.drop(columns=aside), labels, record, sources, times, tuple(notes))


def of_file_as(
    path: Path, columns: Columns, schema: Schema, trusted: Labelled, approved: Target, seed: int
) -> Taken[Dossier]:
    """Return a file's records in the schema of a model; BadInput where they are none of it."""
    raw = read_table(path)
    if columns.label is None:
        raise BadInput("Name the column of the batch that says what each record is: --label COLUMN.")
    for option, name in (("label", columns.label), ("source", columns.source)):
        if name is not None and name not in raw.columns:
            raise unknown(f"column for --{option}", name, map(str, raw.columns))
    absent = [c for c in schema.columns if c not in raw.columns]
    if absent:
        raise BadInput(f"{path} lacks the columns {', '.join(absent[:10])} of the model's records.")
    labels, known = marked(raw[columns.label], list(columns.positive) or ["1"], None)
    raw, labels = raw[known].reset_index(drop=True), labels[known]
    if len(raw) < 2:
        raise BadInput(f"{path} holds no batch: {len(raw)} records have a label.")
    frame = raw[list(schema.columns)]
    sources = None if columns.source is None else raw[columns.source].astype("str").to_numpy(dtype=object)
    dossier = Dossier(schema.encode(frame), labels, schema, sources, None, trusted, approved, seed)
    return Taken(path.name, frame, np.arange(len(raw)).astype(str).astype(object), dossier)


def with_model(taken: Taken[Dossier], path: Path, *, allow_pickle: bool) -> Taken[Dossier]:
    """Return the same with a file's model as the approved one; BadInput if it cannot be asked about the records."""
    model = read_model(path, trust=(), allow_pickle=allow_pickle)
    schema = taken.dossier.schema
    made = BoosterTarget(model, schema) if is_booster(model) else EstimatorTarget(model, schema)
    target: Target = made
    try:
        target.answer(taken.dossier.records[:5], target.grants & SCORE)
    except TargetError as error:
        raise BadInput(f"The approved model {path} cannot be asked about these records: {error}") from error
    return replace(taken, dossier=replace(taken.dossier, approved=target))


def of_system(system: System, rows: int, seed: int) -> Taken[Dossier]:
    """Return what a system's model is trained on; verified records are held-out ones."""
    parts, schema = system.parts, system.target.schema
    if not len(parts.train):
        raise BadInput(f"{system.name!r} names no training data to review. Name the file itself, with --label.")
    beside = pd.concat([parts.tuning.frame, parts.known.frame])
    labels = np.concatenate([parts.tuning.labels, parts.known.labels])
    trusted = Labelled(schema.encode(beside.iloc[:rows]), labels[:rows]) if rows else None
    frame = parts.train.frame
    dossier = Dossier(schema.encode(frame), parts.train.labels, schema, trusted=trusted, seed=seed)
    record = frame.index.to_numpy().astype(str).astype(object)
    name = str(system.data.get("name", system.name))
    return Taken(name, frame.reset_index(drop=True), record, dossier, trainer=system.trainer)


def of_project(project: Project, trusted: Path | None, rows: int, since: str | None, seed: int) -> Taken[Dossier]:
    """Return the records of a vauban.toml; its model is the approved one, unless it was trained on them."""
    frame, labels, times, removed = project.table()
    schema = project.schema(frame)
    own = project.settings.model.get("trained_on_this_file", False)
    approved = None if own else project.target(project.parts(project.settings_seed(seed))[0])
    record = np.arange(len(frame)).astype(str).astype(object)
    late = np.ones(len(frame), dtype=bool)
    if since is not None:
        if times is None:
            raise BadInput("--since needs the times of the records: [data] time in the vauban.toml.")
        late = _from(since, times)
    notes = tuple(f"{n} records are left out: {why}" for why, n in removed.items())
    verified = _verified(record, trusted, rows)
    part = Part(frame, labels)
    taken = _taken(project.name, schema, part, record, verified, late, None, times, seed, approved, notes)
    if not project.settings.retrain:
        return taken
    return replace(taken, trainer=project.trainer(project.parts(project.settings_seed(seed))[0]))


def _taken(
    name: str,
    schema: Schema,
    part: Part,
    record: np.ndarray[Any, Any],
    verified: Mask,
    late: Mask,
    sources: np.ndarray[Any, Any] | None,
    times: np.ndarray[Any, Any] | None,
    seed: int,
    approved: Target | None,
    notes: tuple[str, ...],
) -> Taken[Dossier]:
    keep = np.flatnonzero(~verified)
    under = late[keep]
    if under.sum() < 2:
        raise BadInput(
            f"Nothing is left to review of {len(part)} records. Name fewer trusted ones, or an earlier --since."
        )
    records = schema.encode(part.frame)
    trusted = Labelled(records[verified], part.labels[verified]) if verified.any() else None
    batches = None
    if times is not None:
        order = np.argsort(np.argsort(times[keep], kind="stable"), kind="stable")
        batches = order * BATCHES // len(keep) + under  # what is under review is in no batch with what is not
    dossier = Dossier(
        records[keep],
        part.labels[keep],
        schema,
        None if sources is None else sources[keep],
        batches,
        trusted,
        approved,
        seed,
        None if under.all() else under,
    )
    frame = part.frame.iloc[keep].reset_index(drop=True)
    return Taken(name, frame, record[keep], dossier, notes, None if times is None else times[keep])


def _verified(record: np.ndarray[Any, Any], trusted: Path | None, rows: int) -> Mask:
    if trusted is None:
        return np.arange(len(record)) < rows
    listed = read_table(trusted).iloc[:, 0].astype("str").to_numpy(dtype=object)
    strange = sorted(set(listed) - set(record))
    if strange:
        raise BadInput(f"{trusted} names {len(strange)} records that are not in the data, the first {strange[0]!r}.")
    return np.isin(record, listed)


def schema_of(features: pd.DataFrame, text: str | None) -> tuple[Schema, pd.DataFrame, list[str]]:
    """Return the schema of a file's features: of messages where there is a column of them, else of a table."""
    frame, text, notes = prepared(features, text)
    return (infer_schema(frame) if text is None else TextSchema(column=text)), frame, notes


def prepared(features: pd.DataFrame, text: str | None) -> tuple[pd.DataFrame, str | None, list[str]]:
    """Return features as they are looked at, times as days and missing messages empty, and the column of messages."""
    notes: list[str] = []
    if text is None:
        long = [
            str(c)
            for c in features.columns
            if features[c].dtype in (object, "str") and features[c].astype("str").str.len().mean() >= LONG
        ]
        if len(long) == 1:
            text = long[0]
            notes.append(f"the column {text!r} is taken for the messages (--text)")
    if text is not None:
        texts = features[text].fillna("").astype("str").astype(object)
        return with_columns(features, {text: texts}), text, notes
    table = features.copy()
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            table[name] = (column - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        elif not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            table[name] = column.astype("str").where(column.notna(), None).astype(object)
    if not len(table.columns):
        raise BadInput("There are no columns beside the label. Name a table with features.")
    return table, None, notes
