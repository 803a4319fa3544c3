"""Credit risk: a model of default. The applicant changes what his form and his conduct of the last weeks say."""

from __future__ import annotations

from collections.abc import Mapping

from vauban.scenarios.tables import loaded, table_system
from vauban.schema import Price
from vauban.system import Economics, System
from vauban.threat import Cell

DATA = ("generated-credit", "german", "south-german", "taiwan", "give-me-some-credit")

ATTACKER = {
    Cell.EI: "an applicant (or the broker who prepares his form) whom the model rejects, who tries again with changes",
    Cell.EA: "somebody who fills in other people's forms - a rival broker, a careless one - and wants good applicants "
    "rejected; he can change what applicants can change, at the same price",
}

PRICES: Mapping[Cell, Mapping[str, Price]] = {}
"""Nobody is overlaid: whoever fills in the form pays what an applicant pays."""

EXPECTED: Mapping[str, Mapping[str, str]] = {
    "generated-credit": {
        "income_monthly": "safer",
        "savings_balance": "safer",
        "employment_years": "safer",
        "late_payments_12m": "riskier",
        "utilisation": "riskier",
    },
    "german": {"foreign_worker": "protected", "personal_status_sex": "protected"},
    "south-german": {"foreign_worker": "protected", "personal_status_sex": "protected"},
    "taiwan": {"PAY_0": "riskier", "LIMIT_BAL": "safer", "SEX": "protected", "MARRIAGE": "protected"},
    "give-me-some-credit": {"NumberOfTimes90DaysLate": "riskier", "MonthlyIncome": "safer"},
}
"""What a business analyst expects of these models; `vauban test` looks for records that contradict it."""

HALF = frozenset({"german", "south-german"})
"""Data sets whose models reject at a probability of one half."""

GERMAN = Economics(
    "EUR", miss=5, block=1, gain=10, unit=1, note="Losses are UCI's cost matrix (5 to 1), effort taken as its unit."
)
ECONOMICS = {
    "german": GERMAN,
    "south-german": GERMAN,
    "taiwan": Economics("NT$", miss=100_000, block=10_000, gain=100_000, unit=10_000, note="Assumed round amounts."),
    "give-me-some-credit": Economics("USD", miss=10_000, block=1_000, gain=10_000, unit=500, note="Assumed amounts."),
    "generated-credit": Economics("EUR", miss=4000, block=500, gain=2500, note="Assumed; prices are in euros."),
}


def build(data: str, model: str, seed: int) -> System:
    """Return a credit model trained on applicants, with its reject threshold."""
    return table_system("credit", loaded(data, seed), model, seed, ECONOMICS[data], half=data in HALF)
