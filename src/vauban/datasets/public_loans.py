"""Public tables of loan applications: how to read them."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from vauban.datasets.dataset import DatasetInfo
from vauban.datasets.source import Contents, PublicFile, SourceFile

APPLICATION = (
    "loan_amnt", "funded_amnt", "term", "int_rate", "installment", "grade", "emp_length", "home_ownership",
    "annual_inc", "verification_status", "purpose", "addr_state", "dti", "delinq_2yrs", "inq_last_6mths", "open_acc",
    "pub_rec", "revol_bal", "revol_util", "total_acc", "pub_rec_bankruptcies",
)  # fmt: skip
"""What LendingClub knew when it decided. Left out is what came after (payments, recoveries, settlements, the last
credit pull), what is always the same, free text, and months since a delinquency or record, which the years fill in
differently."""


def _lendingclub(data: bytes) -> Contents:
    frame = pd.read_parquet(io.BytesIO(data), columns=[*APPLICATION, "issue_d", "earliest_cr_line", "loan_status"])
    issued, first = frame["issue_d"], frame["earliest_cr_line"]
    harmful = frame["loan_status"].str.contains("Charged Off").to_numpy(dtype=np.int8)
    frame = frame[list(APPLICATION)].copy()
    frame["term"] = frame["term"].astype(np.int64)
    for name in frame.columns[frame.dtypes == "Int32"]:
        frame[name] = frame[name].astype(np.float64)
    for name in frame.columns[frame.dtypes == "int32"]:
        frame[name] = frame[name].astype(np.int64)
    # Features that lenders make of these, as in LCLD (Simonetto et al., TabularBench 2024).
    frame["months_of_credit"] = 12.0 * (issued.dt.year - first.dt.year) + (issued.dt.month - first.dt.month)
    frame["ratio_loan_amnt_annual_inc"] = frame["loan_amnt"] / frame["annual_inc"]
    frame["ratio_open_acc_total_acc"] = frame["open_acc"] / frame["total_acc"]
    return Contents(frame, harmful, issued.to_numpy(dtype="datetime64[D]"))


def _loan_sanction(data: bytes) -> Contents:
    frame = pd.read_csv(io.BytesIO(data))
    return Contents(
        frame.drop(columns=["Loan_ID", "Loan_Status"]), (frame["Loan_Status"] == "N").to_numpy(dtype=np.int8)
    )


_LENDINGCLUB = PublicFile(
    DatasetInfo(
        "lendingclub", "table", "loan", "LendingClub loans, 2007 to 2011, with their month", 42535,
        "none stated; the publisher withdrew its page",
        "https://github.com/kuhnrl30/LendingClubData",
        "lendingclub_2007_2011/lendingclub_2007_2011.parquet",
    ),
    "LendingClub loan statistics, all loans of June 2007 to December 2011 (R package LendingClubData 0.1.4, R. Kuhn); "
    "no licence stated by LendingClub.",
    "charged off",
    (
        SourceFile(
            "lendingclub_2007_2011/lendingclub_2007_2011.parquet",
            ("cd267a983246b551da69cc6d20de4c18f7935c239cba452ee4a8f95c50f4e475",),
        ),
    ),
    "data/LendingClubData_2007.rda to _2011.rda, as one parquet table",
    _lendingclub,
)  # fmt: skip
_LOAN_SANCTION = PublicFile(
    DatasetInfo(
        "loan-sanction", "table", "loan", "Dream Housing Finance, loans sanctioned or refused", 614,
        "none open; rules of the competition",
        "https://datahack.analyticsvidhya.com/contest/practice-problem-loan-prediction-iii/",
        "loan_sanction_av/train_u6lujuX_CVtuZ9i.csv",
    ),
    "Loan Prediction III (Analytics Vidhya), the labelled file; no open licence.",
    "refused",
    (
        SourceFile(
            "loan_sanction_av/train_u6lujuX_CVtuZ9i.csv",
            ("bf3091117ac2d1275d15ca3a34ea9f1ce0e1f22905ced73116f53ff063859f85",),
        ),
    ),
    "signed in there; the training file",
    _loan_sanction,
)  # fmt: skip

FILES = (_LENDINGCLUB, _LOAN_SANCTION)
