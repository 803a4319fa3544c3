"""One generated table, one fitted model of it, shared by all tests of users' own data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest


def applicants(n: int = 600, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    income = rng.integers(800, 9000, n)
    amount = 100 * rng.integers(5, 200, n)
    score = amount / income / 3 + rng.normal(0, 0.7, n) + 0.8 * (rng.random(n) < 0.3)
    return pd.DataFrame(
        {
            "application_id": np.arange(n) + 10_000,
            "applied": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
            "income": income,
            "loan_amount": amount,
            "rate": [f"{r:.2f}%" for r in rng.uniform(2, 19, n)],
            "savings": [f"${s:,.2f}" for s in rng.uniform(1000, 90_000, n)],
            "employed": rng.choice(["< 1 year", "1 year", "2 to 4 years", "5+ years"], n),
            "purpose": rng.choice(["car", "home", "other"], n),
            "guarantor": rng.choice(["yes", "no"], n),
            "zip_code": rng.integers(10_000, 99_999, n),
            "total_due": amount + 50,
            "country": "DE",
            "default": (score > np.quantile(score, 0.7)).astype(int),
        }
    )


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "applicants.csv"
    applicants().to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def proposed(table: Path):
    from vauban.project import init

    return init(table, "default", ["1"], out=table.parent / "vauban.toml")
