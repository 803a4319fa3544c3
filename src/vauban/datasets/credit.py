"""Generated loan applicants: mixed columns, correlated through income and stability, with a known cause of default.

Each column, what it means, and who sets it (prices are in ``prices/generated-credit.json``):

==================  ===========  =======================================================================================
age                 int64        years, 18 to 80
region              str          where the applicant lives: capital, coast, north, plain, south
education           str, rising  none, school, college, university: the highest that is finished
employment_type     str          permanent, fixed-term, self-employed, retired, unemployed
employment_years    float64      years in the present employment, in halves; 0 when unemployed or retired
income_monthly      float64      stated net income, EUR a month, in tens
housing             str          owner, tenant, with family
purpose             str          car, consolidation, furniture, holiday, renovation, other: as the applicant states it
loan_amount         int64        EUR asked for, in hundreds
duration_months     int64        months to pay it back, in sixes
savings_balance     float64      EUR on accounts that the applicant shows, in fifties; missing where he shows none (6 %)
existing_credits    int64        open loans known to the bureau
late_payments_12m   int64        payments more than 30 days late in the last year, from the bureau
utilisation         float64      share of the card limit in use, in hundredths; missing for those without a card (8 %)
guarantor           bool         somebody signs for the loan as well
phone_verified      bool         the telephone number was confirmed by a code
==================  ===========  =======================================================================================

Default is drawn from a probability that no linear model has: instalments hurt once they take a third of the income,
card use once it is near the limit, late payments up to the second, self-employment while it is young; debts to
consolidate that no bureau knows are a bad sign; guarantors help where the instalment is heavy. Two latent numbers,
earning power and stability, drive the columns, and stability also acts on default directly, which no column tells:
that is why no model can be perfect.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROWS = 8000
REGIONS = ("capital", "coast", "north", "plain", "south")
EDUCATION = ("none", "school", "college", "university")
EMPLOYMENT = ("permanent", "fixed-term", "self-employed", "retired", "unemployed")
HOUSING = ("owner", "tenant", "with family")
PURPOSES = ("car", "consolidation", "furniture", "holiday", "renovation", "other")

Floats = NDArray[np.float64]


def _grid(values: Floats, step: float, low: float, high: float) -> Floats:
    """Return the values on the grid of this step and inside the bounds; decimals are those of ``k / (1 / step)``."""
    on_grid = np.round(values / step) / (1 / step) if step < 1 else np.round(values / step) * step
    return np.clip(on_grid, low, high)


def _chosen(weights: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return one column index a row (n,), each as likely as its weight in (n, k)."""
    rising = np.cumsum(weights, axis=1)
    index: NDArray[np.int64] = (rng.random((len(weights), 1)) * rising[:, -1:] > rising).sum(axis=1)
    return index


def generate(seed: int, rows: int | None = None) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    """Return the applicants (n, 16), labels (n,) with 1 for those who default."""
    n = ROWS if rows is None else rows
    rng = np.random.default_rng(seed)
    stability = rng.standard_normal(n)
    earning = 0.45 * stability + np.sqrt(1 - 0.45**2) * rng.standard_normal(n)

    age = np.clip(18 + rng.gamma(2.6, 9.0, n), 18, 80).astype(np.int64)
    region = rng.choice(len(REGIONS), n, p=[0.22, 0.18, 0.2, 0.25, 0.15])
    education = np.digitize(0.8 * earning + 0.7 * rng.standard_normal(n), [-1.5, 0.0, 0.9])
    old = age >= 63
    work = np.column_stack(
        [
            np.exp(0.9 + 0.5 * stability),
            np.exp(-0.1 - 0.4 * stability - 0.02 * (age - 35)),
            np.full(n, 0.45),
            np.where(old, 12.0, 0.01),
            np.exp(-1.6 - 0.5 * stability - 0.3 * earning),
        ]
    )
    employment = _chosen(work, rng)
    working = employment <= 2
    years = rng.gamma(1.3, 1.0, n) * np.exp(1.1 + 0.45 * stability - 0.7 * (employment == 1))
    years = _grid(np.where(working, np.minimum(years, age - 17.0), 0.0), 0.5, 0.0, 45.0)

    of_work = np.array([1.0, 0.85, 1.05, 0.75, 0.42])[employment]
    of_place = np.array([1.2, 1.05, 0.95, 0.92, 0.88])[region]
    earned = 1950 * of_work * of_place * np.exp(0.38 * earning + 0.07 * education + 0.012 * np.minimum(age - 18, 30))
    income = _grid(earned * np.exp(0.12 * rng.standard_normal(n)), 10, 500, 15000)
    homes = np.column_stack(
        [np.exp(-1.6 + 0.05 * (age - 30) + 0.5 * stability), np.ones(n), np.exp(-0.3 - 0.1 * (age - 24))]
    )
    housing = _chosen(homes, rng)

    purpose = rng.choice(len(PURPOSES), n, p=[0.3, 0.16, 0.16, 0.08, 0.18, 0.12])
    of_purpose = np.array([1.5, 1.3, 0.6, 0.5, 1.4, 0.8])[purpose]
    amount = _grid(5200 * of_purpose * np.exp(0.55 * rng.standard_normal(n) + 0.25 * earning), 100, 500, 50000)
    months = _grid(30 * (amount / 7000) ** 0.4 * np.exp(0.35 * rng.standard_normal(n)), 6, 6, 96)
    savings = _grid(income * np.exp(-0.4 + 0.7 * stability + 1.1 * rng.standard_normal(n)), 50, 0, 200000)
    loans = np.minimum(rng.poisson(np.exp(0.1 - 0.2 * stability + 0.3 * (purpose == 1)), n), 9)
    late = np.minimum(rng.poisson(np.exp(-1.3 - 0.75 * stability), n), 12)
    used = _grid(1 / (1 + np.exp(0.55 + 0.7 * stability - 1.1 * rng.standard_normal(n))), 0.01, 0.0, 1.0)
    guarantor = rng.random(n) < 0.09 + 0.08 * (age < 25) + 0.08 * (amount > 12000)
    verified = rng.random(n) < 1 / (1 + np.exp(-2.0 - 0.5 * stability))

    burden = amount / months / income + 0.04 * loans
    strain = np.maximum(burden - 0.3, 0) / 0.1
    risk = (
        -2.3
        + 2.2 * np.tanh(0.9 * strain)
        + 0.5 * np.minimum(late, 2)
        + 2.2 / (1 + np.exp(-25 * (used - 0.7)))
        - 0.15 * np.log1p(savings / 1000)
        + np.array([0.0, 0.25, -0.3, 0.0, 0.6])[employment]
        + 2.0 * ((employment == 2) & (years < 2))
        - 0.3 * np.tanh(years / 5)
        + 0.0014 * (np.minimum(age, 70) - 46) ** 2
        - np.array([0.0, 0.1, 0.2, 0.3])[education]
        + np.array([0.0, 0.2, 0.1])[housing]
        + np.array([0.0, -0.5, -0.05, 0.3, -0.15, 0.1])[purpose]
        + 1.8 * ((purpose == 1) & (loans == 0))
        + 0.35 * ~verified
        - (0.2 + 1.4 * (strain > 0)) * guarantor
        - 0.3 * stability
    )
    labels = (rng.random(n) < 1 / (1 + np.exp(-risk))).astype(np.int8)

    shown = np.where(rng.random(n) < 0.06, np.nan, savings)
    card = np.where(rng.random(n) < 0.08, np.nan, used)
    frame = pd.DataFrame(
        {
            "age": age,
            "region": np.array(REGIONS)[region],
            "education": np.array(EDUCATION)[education],
            "employment_type": np.array(EMPLOYMENT)[employment],
            "employment_years": years,
            "income_monthly": income,
            "housing": np.array(HOUSING)[housing],
            "purpose": np.array(PURPOSES)[purpose],
            "loan_amount": amount.astype(np.int64),
            "duration_months": months.astype(np.int64),
            "savings_balance": shown,
            "existing_credits": loans.astype(np.int64),
            "late_payments_12m": late.astype(np.int64),
            "utilisation": card,
            "guarantor": guarantor,
            "phone_verified": verified,
        }
    )
    return frame, labels
