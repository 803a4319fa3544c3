"""Public tables of credit risk, and one of mails: how to read them."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from vauban.datasets.dataset import DatasetInfo
from vauban.datasets.source import Contents, PublicFile, SourceFile

GERMAN_COLUMNS = (
    "checking_status", "duration", "credit_history", "purpose", "credit_amount", "savings", "employment",
    "installment_commitment", "personal_status_sex", "other_parties", "residence_since", "property_magnitude", "age",
    "other_payment_plans", "housing", "existing_credits", "job", "num_dependents", "telephone", "foreign_worker",
)  # fmt: skip


SOUTH_GERMAN_COLUMNS = (
    "status", "duration", "credit_history", "purpose", "amount", "savings", "employment_duration", "installment_rate",
    "personal_status_sex", "other_debtors", "present_residence", "property", "age", "other_installment_plans",
    "housing", "number_credits", "job", "people_liable", "telephone", "foreign_worker",
)  # fmt: skip

SPAMBASE_WORDS = (
    "make address all 3d our over remove internet order mail receive will people report addresses free business email "
    "you credit your font 000 money hp hpl george 650 lab labs telnet 857 data 415 85 technology 1999 parts pm direct "
    "cs meeting original project re edu table conference"
)
SPAMBASE_SIGNS = "semicolon parenthesis bracket exclamation dollar hash"
"""Of ; ( [ ! $ and #, which several libraries refuse in a name."""


def _german(data: bytes) -> Contents:
    frame = pd.read_csv(io.BytesIO(data), sep=" ", header=None, names=[*GERMAN_COLUMNS, "class"])
    return Contents(frame.drop(columns="class"), np.asarray(frame["class"] == 2, dtype=np.int8))


def _taiwan(data: bytes) -> Contents:
    # The file has a byte order mark and the line ends of an old Macintosh.
    frame = pd.read_csv(io.BytesIO(data), encoding="utf-8-sig", lineterminator="\r", dtype=np.int64)
    target = "default payment next month"
    return Contents(frame.drop(columns=["ID", target]), frame[target].to_numpy(dtype=np.int8))


def _spambase(data: bytes) -> Contents:
    names = [*(f"word_freq_{w}" for w in SPAMBASE_WORDS.split()), *(f"char_freq_{c}" for c in SPAMBASE_SIGNS.split())]
    names += [f"capital_run_length_{what}" for what in ("average", "longest", "total")]
    frame = pd.read_csv(io.BytesIO(data), header=None, names=[*names, "spam"])
    return Contents(frame.drop(columns="spam"), frame["spam"].to_numpy(dtype=np.int8))


def _south_german(data: bytes) -> Contents:
    # Names by place: the same table goes round with German names and with English ones.
    frame = pd.read_csv(io.BytesIO(data), sep=" ", header=None, skiprows=1, names=[*SOUTH_GERMAN_COLUMNS, "good"])
    return Contents(frame.drop(columns="good"), np.asarray(frame["good"] == 0, dtype=np.int8))


def _give_me_some_credit(data: bytes) -> Contents:
    frame = pd.read_csv(io.BytesIO(data), index_col=0).reset_index(drop=True)
    return Contents(frame.drop(columns="SeriousDlqin2yrs"), frame["SeriousDlqin2yrs"].to_numpy(dtype=np.int8))


_SPAMBASE = PublicFile(
    DatasetInfo(
        "spambase", "table", "spam", "Spambase: mails as 57 frequencies (for load, in no scenario)", 4601, "CC BY 4.0",
        "https://archive.ics.uci.edu/static/public/94/spambase.zip",
        "spambase/spambase.data",
    ),
    "Spambase (Hopkins, Reeber, Forman and Suermondt, HP Labs 1999; UCI 94), CC BY 4.0.",
    "spam",
    (
        SourceFile(
            "spambase/spambase.data",
            ("33624f324f5afc4697dae0d47f71a9d7b2012b57a127105b0299f68179a8f36a",),
            "spambase.data",
        ),
    ),
    "the file spambase.data inside",
    _spambase,
    "https://archive.ics.uci.edu/static/public/94/spambase.zip",
    priced=False,
)  # fmt: skip
_GERMAN = PublicFile(
    DatasetInfo(
        "german", "table", "credit", "German credit (Statlog)", 1000, "CC BY 4.0",
        "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
        "german_credit/german.data",
    ),
    "Statlog German Credit Data (Hofmann 1994; UCI 144), CC BY 4.0; some of its codes are known to be wrong.",
    "default",
    (SourceFile("german_credit/german.data", ("b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",)),),
    "as it is",
    _german,
    "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
)  # fmt: skip
_SOUTH_GERMAN = PublicFile(
    DatasetInfo(
        "south-german", "table", "credit", "South German credit, the codes corrected", 1000, "CC BY 4.0",
        "https://archive.ics.uci.edu/static/public/573/south+german+credit+update.zip",
        "south_german_credit/SouthGermanCredit.asc",
    ),
    "South German Credit (Groemping, Report 4/2019, Beuth Hochschule Berlin; UCI 573), CC BY 4.0: the German credit "
    "data of 1973-75 with its codes corrected.",
    "default",
    (
        SourceFile(
            "south_german_credit/SouthGermanCredit.asc",
            (
                "fc41f36d43482df98c90e0de996c097f1219db6177b136a26514e1face28f3aa",  # column names in English
                "921fdae321892628147363b74d675d0f9b2fc940e8989064a771b693622313b6",  # the same lines below German names
            ),
            "SouthGermanCredit.asc",
        ),
    ),
    "the file SouthGermanCredit.asc inside",
    _south_german,
    "https://archive.ics.uci.edu/static/public/573/south+german+credit+update.zip",
)  # fmt: skip
_TAIWAN = PublicFile(
    DatasetInfo(
        "taiwan", "table", "credit", "Default of credit card clients, Taiwan 2005", 30000, "CC BY 4.0",
        "https://archive.ics.uci.edu/dataset/350/default+of+credit+card+clients",
        "taiwan_default/credit_raw.csv.gz",
    ),
    "Default of credit card clients, Taiwan 2005 (Yeh and Lien, Expert Systems with Applications 36, 2009; UCI 350), "
    "CC BY 4.0.",
    "default",
    (
        SourceFile(
            "taiwan_default/credit_raw.csv.gz", ("de8697332fe130109f8bddc5d2dc8a6a681a6ef866168f6f24f7261fac5d88d3",)
        ),
    ),
    "published as .xls; the same table as CSV is examples/paper/data/credit/credit_raw.csv of "
    "https://github.com/ustunb/actionable-recourse at commit e851de05ad32c077daf037a231addd271fcb1aac, gzipped",
    _taiwan,
    "https://raw.githubusercontent.com/ustunb/actionable-recourse/e851de05ad32c077daf037a231addd271fcb1aac/"
    "examples/paper/data/credit/credit_raw.csv",
)  # fmt: skip
_GIVE_ME_SOME_CREDIT = PublicFile(
    DatasetInfo(
        "give-me-some-credit", "table", "credit", "Give Me Some Credit, serious delinquency", 150000,
        "none open; rules of the competition",
        "https://www.kaggle.com/c/GiveMeSomeCredit/data",
        "give_me_some_credit/cs-training.csv.zip",
    ),
    "Give Me Some Credit (Kaggle competition, Credit Fusion and Cukierski 2011), the labelled file; no open licence.",
    "default",
    (
        SourceFile(
            "give_me_some_credit/cs-training.csv.zip",
            ("1bd46da486a5708c58c7b01a034fae2a13b327f6f7b62ea7ba4fe3b5824b24ac",),
        ),
    ),
    "signed in there; cs-training.csv, zipped by itself",
    _give_me_some_credit,
)  # fmt: skip

FILES = (_SPAMBASE, _GERMAN, _SOUTH_GERMAN, _TAIWAN, _GIVE_ME_SOME_CREDIT)
