"""Generated motor claims: what happened, what is asked for it, and whether it is a fraud; columns depend on each other.

Each column, what it means, and who sets it (prices and relations are in ``prices/generated-claims.json``):

===============  =======  ==========================================================================================
policy_months    int64    months since the policy began
past_claims      int64    claims in the five years before
vehicle_value    int64    EUR, in hundreds
cause            str      collision, parking, glass, theft, weather: as the claimant states it
fault            str      own, other, nobody: as he states it
amount           int64    EUR, in tens: what he asks for
amount_share     float64  of the vehicle's value
days_to_report   int64    days from the event to the claim
hour             int64    of the event, 0 to 23, as he states it
time_of_day      str      follows from ``hour``: night, morning, afternoon, evening
witness          bool     somebody says that he saw it
police_report    bool     there is a report; a theft needs one
photos           int64    pictures handed in
invoices         int64    invoices handed in, no more than ``photos``
repair_shop      str      partner, known, unknown
deductible       str      0, 300, 600, 1000: agreed before
===============  =======  ==========================================================================================

Whether a claim is a fraud (invented, staged or inflated) is drawn first, from debts and character that no column shows;
most of what frauds look like follows from how they are made: more is asked for, later, with fewer papers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROWS = 8000
CAUSES = ("collision", "parking", "glass", "theft", "weather")
FAULTS = ("own", "other", "nobody")
DAY, DAY_CUTS = ("night", "morning", "afternoon", "evening"), (6, 12, 18)
SHOPS = ("partner", "known", "unknown")
DEDUCTIBLES = ("0", "300", "600", "1000")
GLASS = 3000
"""EUR: no pane costs more."""


def generate(seed: int, rows: int | None = None) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    """Return the claims (n, 16) and labels (n,) with 1 for frauds."""
    n = ROWS if rows is None else rows
    rng = np.random.default_rng(seed)
    debt, honest = rng.standard_normal(n), rng.standard_normal(n)
    months = np.clip(rng.gamma(1.6, 28, n), 0, 360).astype(np.int64)
    past = np.minimum(rng.poisson(np.exp(-1.1 + 0.25 * debt)), 9)
    value = np.clip(np.round(15000 * np.exp(0.6 * rng.standard_normal(n) - 0.15 * debt) / 100) * 100, 500, 120000)
    inclined = -2.4 + 0.8 * debt - 0.8 * honest + 0.5 * (months < 6) + 0.25 * past
    fraud = rng.random(n) < 1 / (1 + np.exp(-inclined))

    odds = np.where(fraud[:, None], [0.42, 0.14, 0.06, 0.28, 0.10], [0.38, 0.27, 0.19, 0.05, 0.11])
    cause = (rng.random(n)[:, None] > np.cumsum(odds, axis=1)).sum(axis=1)
    glass, theft = cause == 2, cause == 3
    own = rng.random(n) < np.where(fraud, 0.3, 0.45)
    fault = np.where(glass | theft | (cause == 4), 2, np.where(own, 0, 1))
    severity = np.select([glass, theft, cause == 1], [-3.3, -0.4, -2.8], -2.2) + 0.6 * rng.standard_normal(n)
    asked = value * np.exp(severity + fraud * (0.35 + 0.25 * rng.standard_normal(n)))
    amount = np.clip(np.round(np.minimum(asked, value) / 10) * 10, 50, 120000)
    amount = np.where(glass, np.minimum(amount, GLASS), amount)
    days = np.minimum(rng.gamma(1.1, np.where(fraud, 7.0, 4.5)), 90).astype(np.int64)
    late = rng.random(n) < np.where(fraud, 0.4, 0.16)
    hour = np.where(late, rng.integers(20, 30, n) % 24, np.clip(np.round(rng.normal(14, 4, n)), 0, 23)).astype(np.int64)
    witness = rng.random(n) < np.select([glass, theft], [0.05, 0.06], np.where(fraud, 0.14, 0.36))
    police = theft | (rng.random(n) < np.where(glass, 0.02, np.where(fraud, 0.16, 0.3)))
    photos = np.minimum(rng.poisson(np.where(fraud, 1.9, 3.4)), 12)
    invoices = np.minimum(rng.poisson(np.where(fraud, 0.7, 1.3)), photos)
    shop = (rng.random(n)[:, None] > np.where(fraud[:, None], [0.32, 0.62], [0.55, 0.85])).sum(axis=1)
    deductible = np.clip(np.round(1.2 + 0.4 * honest - 0.4 * debt + 0.6 * rng.standard_normal(n)), 0, 3)
    frame = pd.DataFrame(
        {
            "policy_months": months,
            "past_claims": past.astype(np.int64),
            "vehicle_value": value.astype(np.int64),
            "cause": np.array(CAUSES)[cause],
            "fault": np.array(FAULTS)[fault],
            "amount": amount.astype(np.int64),
            "amount_share": amount / value,
            "days_to_report": days,
            "hour": hour,
            "time_of_day": np.array(DAY)[np.digitize(hour, DAY_CUTS)],
            "witness": witness,
            "police_report": police,
            "photos": photos.astype(np.int64),
            "invoices": invoices.astype(np.int64),
            "repair_shop": np.array(SHOPS)[shop],
            "deductible": np.array(DEDUCTIBLES)[deductible.astype(np.int64)],
        }
    )
    return frame, fraud.astype(np.int8)
