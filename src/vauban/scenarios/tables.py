"""What the scenarios on tables have in common: data, schema, a trained model and its threshold, put together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vauban.contracts import SCORE, Labelled
from vauban.datasets import Dataset, load
from vauban.scenarios.facts import schema_from_facts
from vauban.scenarios.models import table_model
from vauban.schema import TableSchema
from vauban.system import Economics, Part, System, split
from vauban.targets import EstimatorTarget
from vauban.targets.refit import Refit

WORST = 0.8
"""Quantile of the tuning scores from which on records are blocked: the worst fifth."""


def loaded(data: str, seed: int, rows: int | None = None) -> Dataset:
    """Return a data set; a generated one is drawn with the seed of the audit, a public one is the same for all."""
    return load(data, seed=seed, rows=rows) if data.startswith("generated-") or rows is not None else load(data)


def schema_of(data: Dataset, train: Part) -> TableSchema:
    """Return the schema of a table that somebody priced."""
    if data.facts is None:
        raise AssertionError(f"the data set {data.name} comes without its facts")
    return schema_from_facts(data.facts, train.frame)


def table_system(
    scenario: str, data: Dataset, model: str, seed: int, economics: Economics, *, half: bool = False
) -> System:
    """Return a model trained on a table; where records have times, on the earlier ones, with victims among the latest.

    Args:
        scenario: its name.
        data: with facts.
        model: the kind, see ``vauban.scenarios.models``.
        seed: of the split and of the model.
        economics: what errors cost.
        half: whether the model blocks at a probability of one half; otherwise it blocks the worst fifth.
    """
    parts = split(data.frame, data.labels, seed, times=data.times)
    schema = schema_of(data, parts.train)
    trainer = Refit(
        table_model(model, schema, seed),
        schema,
        model,
        quantile=None if half else WORST,
        tuning=schema.encode(parts.tuning.frame),
    )
    target = trainer.fit(Labelled(schema.encode(parts.train.frame), parts.train.labels))
    return System(scenario, target, parts, economics, about(data), data.positive, trainer)


def quantile_of_scores(target: EstimatorTarget, tuning: Part, share: float) -> float:
    """Return the score below which this share of the tuning records lies."""
    scores = target.answer(target.schema.encode(tuning.frame), SCORE).scores
    return float(np.quantile(np.asarray(scores), share))


def cut_below(target: EstimatorTarget, tuning: Part, share: float) -> float:
    """Return a score with about this share of the tuning records below it, half-way between two that occur.

    Few values of few features make few different scores: one of them as the threshold would leave it to rounding on
    which side all records of that score lie.
    """
    found = np.unique(np.asarray(target.answer(target.schema.encode(tuning.frame), SCORE).scores))
    at = int(np.searchsorted(found, quantile_of_scores(target, tuning, share)))
    return float(found[at] if at == 0 else (found[at - 1] + found[at]) / 2)


def about(data: Dataset) -> Mapping[str, object]:
    """Return what the report says of a data set."""
    return {"name": data.name, "kind": data.kind, "source": data.source, "removed": dict(data.removed)}
