"""Small systems to run audits on: a table and messages, trained in a blink."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from vauban.datasets import load
from vauban.records import Records
from vauban.scenarios import SCENARIOS, Scenario, credit, spam
from vauban.scenarios.facts import schema_from_facts
from vauban.scenarios.models import message_model, table_model
from vauban.schema import TextSchema
from vauban.system import Economics, System, split
from vauban.targets import EstimatorTarget
from vauban.threat import Budget, Cell, Grant, ThreatModel

ECONOMICS = Economics(miss=4, block=1, gain=10)


def table_system(data: str = "generated-credit", model: str = "logistic-regression", seed: int = 0) -> System:
    loaded = load("generated-credit", seed=seed, rows=500)
    parts = split(loaded.frame, loaded.labels, seed)
    schema = schema_from_facts(loaded.facts, parts.train.frame)
    fitted = table_model(model, schema, seed).fit(parts.train.frame, parts.train.labels)
    target = EstimatorTarget(fitted, schema, 0.25, name=model, sample=schema.encode(parts.tuning.frame))
    return System("small-table", target, parts, ECONOMICS, {"name": "small", "kind": "table"}, "default")


def text_system(data: str = "generated-spam", model: str = "logistic-regression", seed: int = 0) -> System:
    loaded = load("generated-spam", seed=seed, rows=600)
    parts = split(loaded.frame, loaded.labels, seed)
    schema = TextSchema(longest=306)
    fitted = message_model(model, seed).fit(schema.encode(parts.train.frame), parts.train.labels)
    target = EstimatorTarget(fitted, schema, name=model, sample=schema.encode(parts.tuning.frame))
    return System("small-text", target, parts, ECONOMICS, {"name": "small", "kind": "messages"}, "spam")


def threats(queries: int = 60, flagged: int | None = None, cost: float | None = None) -> tuple[ThreatModel, ...]:
    grants = frozenset({Grant.LABEL, Grant.SCORE})
    return tuple(ThreatModel(c, "somebody", grants, Budget(queries, queries, flagged, cost)) for c in (Cell.EI, Cell.EA))


def linear(weights: Records, seed: int = 0) -> LogisticRegression:
    """Return a logistic regression with these weights, fitted in name only."""
    model = LogisticRegression()
    model.classes_, model.coef_, model.intercept_ = np.array([0, 1]), np.array([weights], float), np.array([0.0])
    return model


def install() -> None:
    """Add them to this process's scenarios."""
    small = (
        Scenario("small-table", "A table", ("generated-credit",), table_system, credit.ATTACKER, credit.PRICES),
        Scenario("small-text", "Messages", ("generated-spam",), text_system, spam.ATTACKER, spam.PRICES),
    )
    SCENARIOS.update({s.name: s for s in small})  # type: ignore[attr-defined]
