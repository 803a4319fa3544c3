"""Generated loan applications, month by month: columns that depend on each other exactly, and a market that changes.

Each column, what it means, and who sets it (prices and relations are in ``prices/generated-loan.json``):

================  =======  =========================================================================================
income            int64    stated net income, EUR a month, in tens
employment_years  float64  years in the present employment, in halves
housing           str      owner, tenant, with family
purpose           str      car, consolidation, renovation, wedding, other: as the applicant states it
loan_amount       int64    EUR asked for, in hundreds
term              int64    12, 24, 36, 48 or 60 months
grade             str      A to E: what the lender makes of the bureau's file
rate              float64  yearly interest, a fraction: set by the lender from grade and term
instalment        float64  EUR a month: the annuity of amount, rate and term, in cents
burden            float64  instalment over income
open_accounts     int64    accounts open now, never more than ``all_accounts``
all_accounts      int64    accounts ever held
card_limit        int64    EUR on all cards; 0 without a card
card_balance      int64    EUR owed on cards; 0 without a card, never more than the limit
card_use          float64  balance over limit; 0 without a card
has_guarantor     bool     somebody signs as well
guarantor_income  int64    his income, EUR a month, in tens; 0 where there is none
late_payments     int64    payments more than 30 days late in the last two years, from the bureau
================  =======  =========================================================================================

Applications arrive over 48 months. From the 30th on the lender also takes weaker applicants and asks higher rates, so
that a model of the early months meets others than it was trained on. Default is drawn from a probability that no linear
model has: of the burden once it takes a fifth of the income, of card use near the limit, of late payments, and of a
latent stability that no column tells.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROWS = 8000
MONTHS = 48
GRADES = tuple("ABCDE")
HOUSING = ("owner", "tenant", "with family")
PURPOSES = ("car", "consolidation", "renovation", "wedding", "other")
TERMS = np.array([12, 24, 36, 48, 60])

Floats = NDArray[np.float64]


def _grid(values: Floats, step: float, low: float, high: float) -> Floats:
    return np.clip(np.round(values / step) * step, low, high)


def generate(seed: int, rows: int | None = None) -> tuple[pd.DataFrame, NDArray[np.int8], NDArray[np.datetime64]]:
    """Return the applications (n, 18), labels (n,) with 1 for those who default, and the day each arrived (n,)."""
    n = ROWS if rows is None else rows
    rng = np.random.default_rng(seed)
    month = np.sort(rng.integers(0, MONTHS, n))
    late_market = month >= 30
    stability = rng.standard_normal(n) - 0.35 * late_market
    earning = 0.4 * stability + np.sqrt(1 - 0.4**2) * rng.standard_normal(n)

    income = _grid(2100 * np.exp(0.42 * earning + 0.08 * rng.standard_normal(n)), 10, 500, 15000)
    years = np.minimum(np.round(2 * rng.gamma(1.4, 1.0, n) * np.exp(0.9 + 0.4 * stability)) / 2, 40.0)
    housing = (rng.random(n) > 1 / (1 + np.exp(0.6 - 0.6 * stability))) * (1 + (rng.random(n) < 0.25))
    purpose = rng.choice(len(PURPOSES), n, p=[0.34, 0.24, 0.2, 0.07, 0.15])
    amount = _grid(7500 * np.exp(0.55 * rng.standard_normal(n) + 0.3 * earning), 100, 1000, 40000)
    wished = np.log(amount / 2500) * 1.4 + 0.8 * rng.standard_normal(n)
    term = TERMS[np.clip(np.round(wished), 0, 4).astype(np.int64)].astype(np.float64)
    late = np.minimum(rng.poisson(np.exp(-1.1 - 0.7 * stability)), 10)
    total = np.minimum(2 + rng.poisson(np.exp(1.9 + 0.15 * earning)), 60)
    open_ = np.maximum(rng.binomial(total, 0.45), 1)
    card = rng.random(n) < 0.88
    limit = _grid(income * np.exp(0.4 + 0.4 * rng.standard_normal(n)), 100, 300, 40000) * card
    used = 1 / (1 + np.exp(0.5 + 0.75 * stability - 1.1 * rng.standard_normal(n)))
    balance = np.minimum(np.round(used * limit / 10) * 10, limit)
    card_use = np.divide(balance, limit, out=np.zeros(n), where=limit > 0)
    seen = 0.8 * stability - 0.9 * np.minimum(late, 3) - 1.2 * card_use + 0.5 * rng.standard_normal(n)
    grade = np.digitize(-seen, [-0.6, 0.3, 1.1, 2.2])
    rate = np.round(0.045 + 0.028 * grade + 0.0004 * (term - 12) + 0.015 * late_market, 4)
    growth = (1 + rate / 12) ** term
    instalment = np.rint(amount * (rate / 12) * growth / (growth - 1) / 0.01) * 0.01
    burden = instalment / income
    guarantor = rng.random(n) < 0.06 + 0.1 * (burden > 0.22)
    other_income = _grid(2200 * np.exp(0.35 * rng.standard_normal(n)), 10, 600, 12000) * guarantor

    risk = (
        -2.55
        + 2.4 * np.tanh(np.maximum(burden - 0.16, 0) / 0.1)
        + 1.7 / (1 + np.exp(-22 * (card_use - 0.75)))
        + 0.45 * np.minimum(late, 3)
        - 0.25 * np.tanh(years / 5)
        + np.array([0.0, 0.15, 0.1])[housing]
        + np.array([-0.1, 0.45, -0.25, 0.2, 0.1])[purpose]
        - guarantor * (0.3 + 1.1 * np.tanh(other_income / income) * (burden > 0.22))
        + 0.5 * (open_ > 8)
        - 0.35 * stability
    )
    labels = (rng.random(n) < 1 / (1 + np.exp(-risk))).astype(np.int8)
    frame = pd.DataFrame(
        {
            "income": income.astype(np.int64),
            "employment_years": years,
            "housing": np.array(HOUSING)[housing],
            "purpose": np.array(PURPOSES)[purpose],
            "loan_amount": amount.astype(np.int64),
            "term": term.astype(np.int64),
            "grade": np.array(GRADES)[grade],
            "rate": rate,
            "instalment": instalment,
            "burden": burden,
            "open_accounts": open_.astype(np.int64),
            "all_accounts": total.astype(np.int64),
            "card_limit": limit.astype(np.int64),
            "card_balance": balance.astype(np.int64),
            "card_use": card_use,
            "has_guarantor": guarantor,
            "guarantor_income": other_income.astype(np.int64),
            "late_payments": late.astype(np.int64),
        }
    )
    arrived = np.datetime64("2021-01", "M") + month
    return frame, labels, arrived.astype("datetime64[D]")
