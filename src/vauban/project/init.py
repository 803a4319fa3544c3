"""Propose a ``vauban.toml`` from a file of records, and train a baseline where there is no model."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vauban.errors import BadInput, VaubanError, unknown
from vauban.project.build import Project, marked, prepared, settled
from vauban.project.guess import Guess, guess
from vauban.project.judging import judged, message_column, must_be_told, relations_of, time_column
from vauban.project.reading import read_as
from vauban.project.relate import Found
from vauban.project.schema import table_schema
from vauban.project.settings import settings_of
from vauban.project.tables import read_table
from vauban.project.written import toml_text
from vauban.records import Mask, with_columns
from vauban.scenarios.models import message_model, table_model
from vauban.schema import TextSchema
from vauban.system import split
from vauban.targets import is_booster, read_model

SMALL = 1000
"""Records below which the baseline is a logistic regression: boosted trees need more."""


@dataclass(frozen=True)
class Proposed:
    """What ``init`` wrote.

    Attributes:
        path: of the ``vauban.toml``.
        guesses: of every column.
        relations: that hold in the data.
        told: what it could not know and must be told, in sentences.
        baseline: the model that was trained for want of one; None where there is one.
    """

    path: Path
    guesses: tuple[Guess, ...]
    relations: tuple[Found, ...]
    told: tuple[str, ...]
    baseline: Path | None


def init(
    file: Path,
    label: str,
    positive: Sequence[str] = (),
    *,
    positive_above: float | None = None,
    model: Path | None = None,
    text: str | None = None,
    out: Path = Path("vauban.toml"),
    trust: Sequence[str] = (),
    allow_pickle: bool = False,
) -> Proposed:
    """Write a commented ``vauban.toml`` for a file of records, and a baseline model beside it where none is given.

    Args:
        file: CSV, Parquet or Arrow.
        label: the column that says what became of the record.
        positive: its values that are harmful; 1 by default, where the label is 0 and 1.
        positive_above: instead, the number above which a label (a cost, a claim) is harmful.
        model: the deployed model's file.
        text: the column of messages, where the model reads nothing else.
        out: the file to write.
        trust: types that skops may load besides those that hold numbers and names only.
        allow_pickle: whether the model may be a pickle.

    Raises:
        BadInput: a file cannot be read or written, or does not hold what is said.
    """
    beside = out.with_name(f"{out.stem}-baseline.skops")
    for path in (out, beside):
        if path.exists() and (path is out or model is None):
            raise BadInput(f"{path} is there already. Name another file by --out, or remove it.")
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {out.parent} to write {out.name} to. Make it, or name another by --out.")
    fitted = None if model is None else read_model(model, trust=trust, allow_pickle=allow_pickle)
    raw = read_table(file)
    if label not in raw.columns:
        raise unknown("label column", label, raw.columns)
    labels, known = marked(
        raw[label], list(positive) or (None if positive_above is not None else ["1"]), positive_above
    )
    records, labels = raw.drop(columns=label)[known].reset_index(drop=True), labels[known]
    for value, meaning in ((0, "good"), (1, "harmful")):
        if (labels == value).sum() < 20:
            raise BadInput(f"At least 20 {meaning} records are needed. Got {int((labels == value).sum())}.")
    guesses = [guess(records[c]) for c in records.columns]
    words = text if text is not None else message_column(guesses, fitted)
    told = [f"Is {_said(positive, positive_above)} in {label!r} the harmful outcome? Everything follows from it."]
    data: dict[str, Any] = {"file": os.path.relpath(file, out.parent or "."), "label": label}
    data |= {"positive_above": positive_above} if positive_above is not None else {"positive": list(positive) or ["1"]}
    relations: tuple[Found, ...] = ()
    if words is not None:
        if words not in records.columns:
            raise unknown("text column", words, records.columns)
        data["text"] = words
        guesses = []
        told += ["How long may a message be? [data] longest = characters.", "What do errors cost? See [losses]."]
    else:
        guesses = judged(guesses, records, labels, fitted)
        data |= time_column(guesses, records, labels, fitted is None)
        relations = relations_of(guesses, records)
        told += must_be_told(guesses, fitted)
    chosen: dict[str, Any] = {"file": beside.name, "trained_on_this_file": True}
    comments: dict[str, list[str]] = {}
    if model is not None and fitted is not None:
        chosen, comments = (
            _about_model(model, fitted, out, trust),
            {"model": ["Scores at or above threshold are blocked."]},
        )
        told += [
            "Was the model trained on records of this file? It is audited on them as if not: leave those out.",
            "At which threshold is it deployed? [model] threshold; refer, if a person looks at what scores less.",
        ]
    found = _fitting(data, chosen, guesses, relations, out, records, told, comments)
    content, relations = found
    if fitted is None:
        limit, kind = _train(content, out, raw, beside)
        chosen["threshold"] = limit
        comments = {
            "model": [
                f"No model was given: this is a baseline, a {kind} trained on 55 % of the records. "
                "The threshold blocks as large a share of records as is harmful."
            ]
        }
        content = toml_text(data, chosen, guesses, relations, told=told, comments=comments)
    part = out.with_name(out.name + ".part")
    part.write_text(content, encoding="utf-8")
    part.replace(out)
    return Proposed(out, tuple(guesses), relations, tuple(told), None if fitted is not None else beside)


def _said(positive: Sequence[str], above: float | None) -> str:
    return f"more than {above:g}" if above is not None else " or ".join(map(repr, positive or ["1"]))


def _about_model(model: Path, fitted: Any, out: Path, trust: Sequence[str]) -> dict[str, Any]:
    about: dict[str, Any] = {"file": os.path.relpath(model, out.parent or ".")}
    classes = [c.item() if hasattr(c, "item") else c for c in getattr(fitted, "classes_", ())]
    if len(classes) == 2:
        about["harmful"] = 1 if 1 in classes else classes[1]
    if hasattr(fitted, "predict_proba") or is_booster(fitted):
        about["threshold"] = 0.5
    elif hasattr(fitted, "decision_function"):
        about["threshold"] = 0.0
    if trust:
        about["trust"] = list(trust)
    return {**about, "trained_on_this_file": False}


def _fitting(
    data: dict[str, Any],
    chosen: dict[str, Any],
    guesses: Sequence[Guess],
    relations: tuple[Found, ...],
    out: Path,
    records: pd.DataFrame,
    told: Sequence[str],
    comments: Any,
) -> tuple[str, tuple[Found, ...]]:
    """Return the file's text with those relations that can be together: some, each true, contradict as rules."""
    kept: list[Found] = []
    content = toml_text(data, chosen, guesses, kept, told=told, comments=comments)
    base = settings_of(tomllib.loads(content), out)
    if "text" in data:
        return content, ()
    forms = {g.name: g.form for g in guesses if g.form}
    frame = with_columns(records, {name: read_as(records[name], form) for name, form in forms.items()})
    frame = with_columns(
        frame, {g.name: settled(frame[g.name]) for g in guesses if g.role == "feature" and not g.columns}
    )
    table_schema(base, frame)
    for found in relations:
        try:
            table_schema(replace(base, relations=(*(k.stored for k in kept), found.stored)), frame)
        except VaubanError:
            continue
        kept.append(found)
    return toml_text(data, chosen, guesses, kept, told=told, comments=comments), tuple(kept)


def _train(content: str, out: Path, raw: pd.DataFrame, path: Path) -> tuple[float, str]:
    """Train and store a baseline; return its threshold and what it is."""
    import skops.io
    from sklearn.model_selection import cross_val_predict

    settings = settings_of(tomllib.loads(content), out)
    frame, labels, times, _ = prepared(settings, raw)
    parts = split(frame, labels, 0, times=times)
    schema = Project(settings).schema(frame)
    train = parts.train
    if isinstance(schema, TextSchema):
        kind, given = "logistic-regression", schema.encode(train.frame)
        unfitted: Any = message_model(kind, 0)
    else:
        kind = "logistic-regression" if len(train) < SMALL else "hist-gradient-boosting"
        unfitted, given = table_model(kind, schema, 0), train.frame[list(schema.columns)]
    scores = cross_val_predict(unfitted, given, train.labels, cv=3, method="predict_proba")[:, 1]
    harmful: Mask = train.labels == 1
    limit = float(np.quantile(scores, 1 - harmful.mean()))
    fitted = unfitted.fit(given, train.labels)
    part = path.with_name(path.name + ".part")
    skops.io.dump(fitted, part)
    part.replace(path)
    return float(f"{limit:.6g}"), kind.replace("-", " ")
