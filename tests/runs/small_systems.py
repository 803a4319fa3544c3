"""Small systems to run audits on: a table and messages, trained in a blink."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from vauban.datasets import load
from vauban.records import Floats
from vauban.scenarios import SCENARIOS, Scenario, credit, spam
from vauban.scenarios.facts import schema_from_facts
from vauban.scenarios.models import message_model, table_model
from vauban.schema import TextSchema
from vauban.system import Economics, System, split
from vauban.targets import CallableTarget, EstimatorTarget
from vauban.targets.refit import Refit
from vauban.threat import Budget, Cell, Grant, ThreatModel

COLUMNS = ("income_monthly", "purpose", "loan_amount", "duration_months", "utilisation", "guarantor")
"""Of the data: some of each kind, for the fewer there are the sooner a pipeline answers."""
ECONOMICS = Economics(miss=4, block=1, gain=10)


def table_system(data: str = "generated-credit", model: str = "logistic-regression", seed: int = 0) -> System:
    loaded = load("generated-credit", seed=seed, rows=500)
    parts = split(loaded.frame[list(COLUMNS)], loaded.labels, seed)
    facts = {**loaded.facts, "features": [f for f in loaded.facts["features"] if f["name"] in COLUMNS]}
    schema = schema_from_facts(facts, parts.train.frame)
    fitted = table_model(model, schema, seed).fit(parts.train.frame, parts.train.labels)
    target = EstimatorTarget(fitted, schema, 0.25, name=model, sample=schema.encode(parts.tuning.frame))
    return System(
        "small-table",
        target,
        parts,
        ECONOMICS,
        {"name": "small", "kind": "table", "source": "here", "removed": {}},
        "default",
    )


def scorecard(frame: pd.DataFrame) -> Floats:
    """Return a probability of default that no batch's shape can change: a sum of four columns, one by one."""
    margin = frame["utilisation"].fillna(0.5) * 3 - frame["income_monthly"].fillna(2000) / 1500
    margin = margin + frame["loan_amount"] / 8000 + frame["duration_months"] / 60
    return np.asarray(1 / (1 + np.exp(-margin.to_numpy(dtype=np.float64))))


def scorecard_system() -> System:
    """Return the table's system with the scorecard for a model: it answers much faster."""
    trained = table_system()
    return replace(trained, target=CallableTarget(scorecard, trained.target.schema, 0.5, name="scorecard"))


def text_system(data: str = "generated-spam", model: str = "logistic-regression", seed: int = 0) -> System:
    loaded = load("generated-spam", seed=seed, rows=600)
    parts = split(loaded.frame, loaded.labels, seed)
    schema = TextSchema(longest=306)
    fitted = message_model(model, seed).fit(schema.encode(parts.train.frame), parts.train.labels)
    target = EstimatorTarget(fitted, schema, name=model, sample=schema.encode(parts.tuning.frame))
    return System(
        "small-text",
        target,
        parts,
        ECONOMICS,
        {"name": "small", "kind": "messages", "source": "here", "removed": {}},
        "spam",
    )


def mail_system(data: str = "generated-spam", model: str = "logistic-regression", seed: int = 0) -> System:
    """Return the messages' system, with the procedure that trains its model again."""
    made = text_system(data, model, seed)
    trainer = Refit(message_model(model, seed), made.target.schema, model, tuning=made.target.sample)
    return replace(made, name="small-mail", trainer=trainer)


def threats(queries: int = 60, flagged: int | None = None, cost: float | None = None) -> tuple[ThreatModel, ...]:
    grants = frozenset({Grant.LABEL, Grant.SCORE})
    return tuple(
        ThreatModel(c, "somebody", grants, Budget(queries, queries, flagged, cost)) for c in (Cell.EI, Cell.EA)
    )


TABLE = Scenario("small-table", "A table", ("generated-credit",), table_system, credit.ATTACKER, credit.PRICES)
TEXT = Scenario("small-text", "Messages", ("generated-spam",), text_system, spam.ATTACKER, spam.PRICES)

MAIL = Scenario("small-mail", "Messages, learnt again", ("generated-spam",), mail_system, spam.ATTACKER, spam.PRICES)


def install() -> None:
    """Add them to this process's scenarios."""
    SCENARIOS.update({s.name: s for s in (TABLE, TEXT, MAIL)})  # type: ignore[attr-defined]
