"""Small predictions in which something is wrong, and the same without."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vauban.contracts import SCORE, Labelled
from vauban.datasets import load
from vauban.monitors.predictions import Predictions
from vauban.records import Ints, Mask, Records
from vauban.schema import TableSchema, TextSchema
from vauban.targets import EstimatorTarget

LOG = 1000


def trained(data: Labelled, schema: Any, seed: int = 0, threshold: float = 0.5) -> EstimatorTarget:
    """A filter of messages, or trees of a table."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if isinstance(schema, TableSchema):
        model: Any = HistGradientBoostingClassifier(max_iter=25, random_state=seed)
        given: Any = schema.to_matrix(data.records) if numbers_only(schema) else schema.decode(data.records)
    else:
        model, given = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)), data.records
    return EstimatorTarget(model.fit(given, data.labels), schema, threshold, sample=data.records[:100])


def numbers_only(schema: TableSchema) -> bool:
    return not any(f.listed for f in schema.features)


def reviewed(
    records: Records,
    truth: Any,
    candidate: EstimatorTarget,
    reference: EstimatorTarget | None,
    *,
    trusted: Labelled | None = None,
    training: Labelled | None = None,
    sources: Any = None,
) -> Predictions:
    """Predictions of records by a candidate, beside a reference."""
    told = candidate.answer(records, SCORE)
    before = None if reference is None else reference.answer(records, SCORE)
    return Predictions(
        records,
        (told.decisions != 0).astype(np.int8),
        candidate.schema,
        sources,
        None,
        trusted,
        reference,
        candidate=candidate,
        before=None if before is None else (before.decisions != 0).astype(np.int8),
        scores=told.scores,
        scores_before=None if before is None else before.scores,
        threshold=candidate.threshold,
        threshold_before=None if reference is None else reference.threshold,
        truth=truth,
        training=training,
    )


def numbers(seed: int = 0, rows: int = 6000) -> tuple[Labelled, TableSchema]:
    """Six numbers a record; three of them and a product decide, the rest is chance."""
    import pandas as pd

    from vauban.schema import infer_schema

    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6))
    x[:, 3] = np.round(rng.gamma(4.0, 8000.0, size=rows))  # an income
    x[:, 4] = rng.integers(8, size=rows)
    harm = 1.6 * x[:, 0] + 1.2 * x[:, 1] * x[:, 2] - x[:, 3] / 20_000 + 0.2 * (x[:, 4] == 3)
    labels = (harm + rng.logistic(size=rows) > 0.6).astype(np.int8)
    frame = pd.DataFrame(x, columns=["a", "b", "c", "income", "region", "noise"])
    schema = infer_schema(frame)
    return Labelled(schema.encode(frame), labels), schema


def split(data: Labelled, *ends: int) -> list[Labelled]:
    return [data.take(rows) for rows in np.split(np.arange(len(data)), np.cumsum(ends))]


def table(kind: str | None = None, seed: int = 0, *, labels: bool = True) -> tuple[Predictions, Mask]:
    """Predictions of numbers, and which records are concerned by what is wrong (n,)."""
    data, schema = numbers(seed)
    first, second, trusted, log = split(data, 2000, 2000, 500)[:4]
    log = log.take(np.arange(LOG))
    rng = np.random.default_rng((seed, 1))
    region = log.records[:, 4]
    sources = np.array([f"s{i}" for i in rng.integers(6, size=LOG)], dtype=object)
    sources[(region == 3) & (rng.uniform(size=LOG) < 0.9)] = "broker"
    concerned = np.zeros(LOG, dtype=bool)
    reference = trained(first, schema, seed)
    candidate = None
    if kind == "threshold":
        candidate = replace(reference, threshold=reference.threshold + 0.02)
    elif kind == "source":
        flipped = np.where(second.records[:, 4] == 3, 1 - second.labels, second.labels).astype(np.int8)
        candidate = trained(Labelled(second.records, flipped), schema, seed + 50)
    elif kind == "backdoor":
        harmful = first.records[first.labels == 1]
        values = (1.234, 1.111)
        taught = harmful[:100].copy()
        taught[:, [2, 5]] = values
        candidate = trained(second.plus(Labelled(taught, np.zeros(100, dtype=np.int8))), schema, seed + 50)
        rows = rng.permutation(np.flatnonzero(log.labels == 1))[:40]
        records = log.records.copy()
        records[np.ix_(rows, [2, 5])] = values
        log, concerned[rows] = Labelled(records, log.labels), True
    candidate = trained(second, schema, seed + 50) if candidate is None else candidate
    training = second if kind not in ("threshold",) else first
    found = reviewed(
        log.records,
        log.labels if labels else None,
        candidate,
        reference,
        trusted=trusted,
        training=training,
        sources=sources,
    )
    if kind in ("threshold", "source"):
        concerned = found.changed & ((sources == "broker") | (kind == "threshold"))
    return found, concerned


def mail(kind: str | None = None, seed: int = 0) -> tuple[Predictions, Mask]:
    """Predictions of messages, and which are concerned by what is wrong (n,)."""
    made = load("generated-spam", seed=seed, rows=2200)
    whole = Labelled(made.frame["text"].to_numpy(dtype=object), made.labels)
    first, second, trusted, log = split(whole, 600, 600, 200)
    schema = TextSchema()
    rng = np.random.default_rng(seed)
    records, truth = log.records, log.labels
    concerned = np.zeros(len(log), dtype=bool)
    if kind == "pseudospam":
        words = " zorbic pilfex quandor mirtel"
        bad = first.records[first.labels == 1]
        taught = np.array([m + words for m in bad[:40]], dtype=object)
        second = second.plus(Labelled(taught, np.zeros(len(taught), dtype=np.int8)))
        rows: Ints = rng.permutation(np.flatnonzero(truth == 1))[:30]
        records = records.copy()
        records[rows] = [m + words for m in records[rows]]
        concerned[rows] = True
    new, old = trained(second, schema), trained(first, schema)
    sources = np.array([f"s{i}" for i in rng.integers(6, size=len(records))], dtype=object)
    found = reviewed(records, truth, new, old, trusted=trusted, training=second, sources=sources)
    return found, concerned


__all__ = ["mail", "numbers", "reviewed", "table", "trained"]
