"""Insurance: who gets cover, whose claim is paid, and who gets the better tier of premium.

Three decisions, by data set. Cover and claims are classified. Tiers are cut out of a predicted cost: below the first
cut the policy has the discount, from the second on it bears the surcharge (``DATA@surcharge``). There the score is the
predicted cost (of a classifier: how likely it is the worse tier's), and a record is harmful if what it truly cost lies
in a worse tier than it would get: integrity is violated where a section of the insured gets a better tier than it
should, availability where one that cost little is charged like the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vauban.datasets import Dataset
from vauban.scenarios.models import REGRESSORS, table_model, table_regressor
from vauban.scenarios.tables import about, cut_below, loaded, schema_of, table_system
from vauban.schema import Price
from vauban.system import Economics, System, split
from vauban.targets import EstimatorTarget
from vauban.targets.refit import Refit
from vauban.threat import Cell

COVER = ("generated-insurance", "coil2000")
CLAIMS = ("generated-claims", "vehicle-claims")
SURCHARGE = "@surcharge"
"""Behind the name of a data set: the boundary between its middle and its worst tier is looked at, not its first."""
TIERS = (
    "generated-premium",
    f"generated-premium{SURCHARGE}",
    "fremtpl2",
    "insurance-charges",
    f"insurance-charges{SURCHARGE}",
)
DATA = (*COVER, *CLAIMS, *TIERS)

CUT = {
    "generated-premium": 0.4,
    "generated-premium@surcharge": 0.85,
    "fremtpl2": 0.4,
    "insurance-charges": 0.5,
    "insurance-charges@surcharge": 0.75,
}
"""Share of the tuning records below the boundary."""

ROWS = {"fremtpl2": 60_000}
"""Records drawn of a table that is larger than an audit needs."""

ATTACKER = {
    Cell.EI: "somebody who would get no cover, whose claim would be looked into, or who would pay the dearer tier, and "
    "who (with an agent's help) states what brings him through",
    Cell.EA: "an agent, or whoever else fills in others' forms, who wants good applicants refused, honest claims "
    "investigated, or cheap policies charged dearly; he can change what they can change, at the same price",
}

PRICES: Mapping[Cell, Mapping[str, Price]] = {}
"""Nobody is overlaid: whoever fills in the form pays what the insured pays."""

EXPECTED: Mapping[str, Mapping[str, str]] = {
    "generated-insurance": {"claims_3y": "riskier", "annual_km": "riskier", "claim_free": "safer"},
    "generated-claims": {"amount": "riskier", "witness": "safer", "past_claims": "riskier"},
    "generated-premium": {"claims_3y": "riskier", "annual_km": "riskier", "claim_free": "safer"},
    "vehicle-claims": {"Sex": "protected", "MaritalStatus": "protected"},
    "generated-premium@surcharge": {"claims_3y": "riskier", "annual_km": "riskier", "claim_free": "safer"},
    "fremtpl2": {"BonusMalus": "riskier"},
    "insurance-charges@surcharge": {"bmi": "riskier", "sex": "protected"},
    "insurance-charges": {"bmi": "riskier", "sex": "protected"},
}
"""What a business analyst expects of these models; what follows from a change is recomputed."""

ECONOMICS = {
    "generated-insurance": Economics(
        "EUR", miss=450, block=120, gain=600, note="Assumed: a year's claims beyond the premium; a margin lost."
    ),
    "coil2000": Economics(
        "EUR", miss=200, block=40, gain=150, note="Assumed: a caravan insured with the household's policies unasked."
    ),
    "vehicle-claims": Economics(
        "USD", miss=6000, block=300, gain=6000, note="Assumed: a claim paid; an honest one investigated."
    ),
    "generated-claims": Economics(
        "EUR",
        miss=1.0,
        block=250,
        gain=1.0,
        miss_of="amount",
        gain_of="amount",
        note="Assumed: what is asked for is paid; an honest claim investigated.",
    ),
    "generated-premium": Economics("EUR", miss=180, block=60, gain=180, note="Assumed: the discount of a year."),
    "generated-premium@surcharge": Economics("EUR", miss=300, block=200, gain=300, note="Assumed: a year's surcharge."),
    "fremtpl2": Economics("EUR", miss=120, block=60, gain=120, note="Assumed: the discount of a year."),
    "insurance-charges@surcharge": Economics(
        "USD", miss=9000, block=3000, gain=9000, note="Assumed: the tiers' difference."
    ),
    "insurance-charges": Economics("USD", miss=4000, block=800, gain=4000, note="Assumed: the tiers' difference."),
}


def build(data: str, model: str, seed: int) -> System:
    """Return a model of the decision that the data set is about, trained, with its threshold."""
    table = loaded(data.removesuffix(SURCHARGE), seed, ROWS.get(data))
    if data in TIERS:
        return tiered(worst_tier(table) if data.endswith(SURCHARGE) else table, model, seed)
    return table_system("insurance", table, model, seed, ECONOMICS[data])


def worst_tier(data: Dataset) -> Dataset:
    """Return a data set whose harmful records truly belong in the worst tier: as many as there is room for in it."""
    if data.values is None:
        raise AssertionError(f"the data set {data.name} comes without the values that tiers are cut from")
    name = data.name + SURCHARGE
    least = float(np.quantile(data.values, CUT[name]))
    labels = (data.values > max(least, 0.0)).astype(np.int8)
    return replace(data, name=name, labels=labels, positive=f"cost above {least:,.0f}")


def tiered(data: Dataset, model: str, seed: int) -> System:
    """Return a model whose prediction is cut at a boundary of tiers: below the cut is the better one.

    A regressor predicts the cost itself; a classifier how likely the record belongs in the worse tier.
    """
    if data.values is None:
        raise AssertionError(f"the data set {data.name} comes without the values that tiers are cut from")
    parts = split(data.frame, data.labels, seed)
    schema = schema_of(data, parts.train)
    trainer = None  # of a regressor: what is collected later comes with a tier, not with a cost
    if model in REGRESSORS:
        costs = data.values[parts.train.frame.index]
        fitted = table_regressor(model, schema, seed).fit(parts.train.frame, costs)
    else:
        unfitted, tuning = table_model(model, schema, seed), schema.encode(parts.tuning.frame)
        trainer = Refit(unfitted, schema, model, quantile=CUT[data.name], tuning=tuning)
        from sklearn.base import clone

        fitted = clone(unfitted).fit(parts.train.frame, parts.train.labels)
    target = EstimatorTarget(fitted, schema, 1.0, name=model, sample=schema.encode(parts.tuning.frame))
    target = replace(target, threshold=cut_below(target, parts.tuning, CUT[data.name]))
    return System(
        "insurance", target, parts, ECONOMICS[data.name], about(data), f"worse tier ({data.positive})", trainer
    )
