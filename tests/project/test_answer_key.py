"""Kinds of columns on public tables, against a key written by hand.

The rules were written with the first tables at hand; those that scikit-learn brings along were not looked at before.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.project.answer_key import KEY
from vauban.project.guess import guess

DATA = Path(os.environ.get("VAUBAN_DATA_DIR", "."))
ROWS = 5000
TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "german": lambda: _unnamed(pd.read_csv(DATA / "german_credit/german.data", sep=" ", header=None), "a", 0),
    "taiwan": lambda: pd.read_csv(
        DATA / "taiwan_default/credit_raw.csv.gz", encoding="utf-8-sig", lineterminator="\r", nrows=ROWS
    ),
    "lendingclub": lambda: pd.read_parquet(DATA / "lendingclub_2007_2011/lendingclub_2007_2011.parquet"),
    "coil": lambda: _unnamed(pd.read_csv(DATA / "coil2000/ticdata2000.txt.gz", sep="\t", header=None), "v", 1),
    "claims": lambda: pd.read_csv(DATA / "vehicle_claim_fraud/fraud_oracle.csv.gz"),
    "fremtpl2": lambda: pd.read_parquet(DATA / "fremtpl2/freMTPL2freq.parquet"),
    "insurance": lambda: pd.read_csv(DATA / "insurance_charges/insurance.csv"),
    "loan": lambda: pd.read_csv(DATA / "loan_sanction_av/train_u6lujuX_CVtuZ9i.csv"),
    "gmsc": lambda: pd.read_csv(DATA / "give_me_some_credit/cs-training.csv.zip", nrows=ROWS),
}
BUNDLED = {"breast cancer": "load_breast_cancer", "diabetes": "load_diabetes", "wine": "load_wine", "iris": "load_iris"}


def _unnamed(frame: pd.DataFrame, letter: str, first: int) -> pd.DataFrame:
    return frame.rename(columns=lambda i: f"{letter}{i + first}")


def wrong(frame: pd.DataFrame, key: dict[str, str]) -> tuple[int, list[str]]:
    """Return how many columns were judged, and those that were taken for something else."""
    names = [c for c in frame.columns if c in key or "*" in key]
    out = []
    for name in names:
        found = guess(frame[name])
        took = {found.role} if found.role != "feature" else {found.kind.value}
        if not took & set(key.get(name, key.get("*", "")).split("|")):
            out.append(f"{name}: {took}")
    return len(names), out


@pytest.mark.data
def test_kinds_agree_with_the_answer_key():
    judged, missed = 0, []
    for name, load in TABLES.items():
        frame = load()
        frame = frame.sample(ROWS, random_state=0).sort_index() if len(frame) > ROWS else frame
        n, bad = wrong(frame, KEY[name])
        assert n == len(KEY[name]), f"{name}: the key names columns that are not there"
        judged, missed = judged + n, missed + [f"{name}.{b}" for b in bad]
    assert judged > 200
    assert len(missed) <= 0.05 * judged, missed
    print(f"{judged - len(missed)} of {judged} agree; others: {missed}")


def test_kinds_of_bundled_tables():
    import sklearn.datasets

    judged, missed = 0, []
    for name, loader in BUNDLED.items():
        n, bad = wrong(getattr(sklearn.datasets, loader)(as_frame=True).data, KEY[name])
        judged, missed = judged + n, missed + [f"{name}.{b}" for b in bad]
    assert judged == 30 + 10 + 13 + 4
    assert len(missed) <= 0.05 * judged, missed
