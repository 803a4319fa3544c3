"""Loan sanction: a model of default, trained on earlier loans, decides on later applications.

The applicant changes what his form says; what follows from it (instalment, debt to income, use of the limit) is
recomputed by the lender.
"""

from __future__ import annotations

from collections.abc import Mapping

from vauban.scenarios.tables import loaded, table_system
from vauban.schema import Price
from vauban.system import Economics, System
from vauban.threat import Cell

DATA = ("generated-loan", "lendingclub", "loan-sanction")

ATTACKER = {
    Cell.EI: "an applicant (or the broker who prepares his form) whom the model refuses, who tries again with changes",
    Cell.EA: "somebody who fills in other people's forms - a rival broker, a careless one - and wants good applicants "
    "refused; he can change what applicants can change, at the same price",
}

PRICES: Mapping[Cell, Mapping[str, Price]] = {}
"""Nobody is overlaid: whoever fills in the form pays what an applicant pays."""

EXPECTED: Mapping[str, Mapping[str, str]] = {
    "generated-loan": {"income": "safer", "employment_years": "safer", "late_payments": "riskier"},
    "lendingclub": {"annual_inc": "safer", "delinq_2yrs": "riskier", "pub_rec": "riskier"},
    "loan-sanction": {"Credit_History": "safer", "ApplicantIncome": "safer", "Gender": "protected"},
}
"""What a business analyst expects of these models; what follows from a change is recomputed."""

ECONOMICS = {
    "generated-loan": Economics(
        "EUR", miss=5000, block=700, gain=7000, note="Assumed: about half a loan is lost, a tenth is earned."
    ),
    "lendingclub": Economics(
        "USD",
        miss=5500,
        block=1100,
        gain=10000,
        note="Assumed round amounts: half of a median loan is lost when it is charged off, a tenth is earned.",
    ),
    "loan-sanction": Economics(
        "units", miss=70_000, block=10_000, gain=130_000, unit=5000, note="The currency is not stated; amounts assumed."
    ),
}


def build(data: str, model: str, seed: int) -> System:
    """Return a model of default trained on the earlier loans where they have dates, with its threshold."""
    return table_system("loan", loaded(data, seed), model, seed, ECONOMICS[data], half=data == "loan-sanction")
