"""Generated motor insurance: who asks for cover, and what he costs; columns that depend on each other exactly.

Each column, what it means, and who sets it (prices and relations are in ``prices/generated-insurance.json``):

===============  =======  ==========================================================================================
age              int64    of the driver named as the main one, 18 to 85
licence_years    int64    years since the licence: at least 17 less than the age
claim_free       int64    years without a claim, as the register says: no more than ``licence_years``
bonus_class      str      follows from ``claim_free``: new, silver (from 2 years), gold (from 5), platinum (from 10)
claims_3y        int64    claims in the last three years; where there are any, ``claim_free`` is below 3
vehicle_value    int64    EUR, in hundreds
vehicle_age      int64    years
vehicle_power    int64    kW, in fives
power_per_value  float64  kW for each thousand EUR of value
use              str      private, commuting, business: as the applicant states it
annual_km        int64    thousands of kilometres a year, as he states them; business use has 10 at least
density          int64    inhabitants a square kilometre where the car is kept, as he states it
area             str      follows from ``density``: country, town, city, centre
garage           bool     the car is kept in a garage
has_tracker      bool     a tracking device is fitted
tracker_months   int64    how long it has been; 0 without one
deductible       str      0, 300, 600, 1000: as the applicant chooses
===============  =======  ==========================================================================================

A policy's claims in a year are drawn from a rate that depends on all of this and on a latent carefulness, their cost
from a heavy tail. The ``values`` are that cost in EUR. What the policies would have had to be asked for to bear it
decides the labels: for cover, 1 where the rate itself is one that the insurer does not take.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROWS = 8000
BONUS, BONUS_CUTS = ("new", "silver", "gold", "platinum"), (2, 5, 10)
AREAS, AREA_CUTS = ("country", "town", "city", "centre"), (150, 1000, 4000)
USES = ("private", "commuting", "business")
DEDUCTIBLES = ("0", "300", "600", "1000")
UNQUALIFIED = 0.21
"""Expected claims a year from which on the insurer does not want to give cover."""

Floats = NDArray[np.float64]


def generate(seed: int, rows: int | None = None) -> tuple[pd.DataFrame, NDArray[np.int8], Floats]:
    """Return the applications (n, 17), labels (n,) with 1 for those who do not qualify, what each cost in EUR (n,)."""
    n = ROWS if rows is None else rows
    rng = np.random.default_rng(seed)
    careful = rng.standard_normal(n)
    wealth = rng.standard_normal(n)
    age = np.clip(18 + rng.gamma(2.8, 9.5, n), 18, 85).astype(np.int64)
    licence = np.maximum(np.minimum((age - 18) * rng.beta(8, 1.5, n), age - 17.0), 0).astype(np.int64)
    recent = np.minimum(rng.poisson(np.exp(-1.6 - 0.55 * careful + 0.5 * (age < 25))), 6) * (licence > 0)
    free = np.where(recent > 0, rng.integers(0, 3, n), licence * rng.beta(5, 1.2 + 0.4 * np.exp(-careful), n))
    free = np.minimum(free, licence).astype(np.int64)
    bonus = np.digitize(free, BONUS_CUTS)
    vehicle_age = np.minimum(rng.gamma(1.8, 3.5 * np.exp(-0.25 * wealth)), 30).astype(np.int64)
    new_value = 21000 * np.exp(0.45 * wealth + 0.35 * rng.standard_normal(n))
    value = np.clip(np.round(new_value * 0.86**vehicle_age / 100) * 100, 300, 120000)
    power = np.clip(np.round(95 * (new_value / 21000) ** 0.6 * np.exp(0.2 * rng.standard_normal(n)) / 5) * 5, 30, 350)
    use = 1 * (rng.random(n) < 0.55) + (rng.random(n) < 0.16)
    km = np.clip(np.round(9 * np.exp(0.3 * use + 0.4 * rng.standard_normal(n))), 1, 80)
    km = np.where(use == 2, np.maximum(km, 10), km)
    density = np.clip(np.round(np.exp(6.2 + 1.6 * rng.standard_normal(n))), 1, 27000)
    area = np.digitize(density, AREA_CUTS)
    garage = rng.random(n) < 1 / (1 + np.exp(-0.2 - 0.5 * wealth + 0.5 * (area - 1)))
    tracker = rng.random(n) < 0.12 + 0.15 * (value > 30000)
    months = np.clip(np.round(rng.gamma(1.5, 12.0, n)), 1, 96) * tracker
    deductible = np.clip(np.round(1.1 + 0.5 * careful + 0.6 * rng.standard_normal(n)), 0, 3).astype(np.int64)

    rate = np.exp(
        -2.45
        + 1.1 * np.exp(-(age - 18) / 4.5)
        + 0.5 * np.exp(-licence / 3.0)
        + 0.012 * np.maximum(age - 68, 0)
        + np.array([0.25, 0.05, -0.15, -0.35])[bonus]
        + 0.32 * np.minimum(recent, 3)
        + np.array([-0.2, 0.0, 0.15, 0.35])[area]
        + 0.45 * np.log(km / 10)
        + np.array([0.0, 0.05, 0.3])[use]
        + 0.5 * np.tanh(np.maximum(power / np.maximum(value / 1000, 1) - 8, 0) / 6)
        + 0.4 * ((power > 140) & (age < 28))
        - 0.12 * garage
        - 0.25 * (months >= 6)
        - 0.08 * deductible
        - 0.22 * careful
    )
    claims = rng.poisson(rate)
    each = 1400 * np.exp(0.25 * wealth + 0.9 * rng.standard_normal(n)) + np.minimum(0.05 * value, 2500)
    cost = np.round(claims * each, 2)
    labels = (rate * np.exp(0.35 * rng.standard_normal(n)) > UNQUALIFIED).astype(np.int8)
    frame = pd.DataFrame(
        {
            "age": age,
            "licence_years": licence,
            "claim_free": free,
            "bonus_class": np.array(BONUS)[bonus],
            "claims_3y": recent.astype(np.int64),
            "vehicle_value": value.astype(np.int64),
            "vehicle_age": vehicle_age,
            "vehicle_power": power.astype(np.int64),
            "power_per_value": power / (value / 1000),
            "use": np.array(USES)[use],
            "annual_km": km.astype(np.int64),
            "density": density.astype(np.int64),
            "area": np.array(AREAS)[area],
            "garage": garage,
            "has_tracker": tracker,
            "tracker_months": months.astype(np.int64),
            "deductible": np.array(DEDUCTIBLES)[deductible],
        }
    )
    return frame, labels, cost
