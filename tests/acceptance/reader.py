"""A reader of results that knows nothing of our schemas: raw columns against the data sets' own descriptions.

Written from the publishers' documentation of German credit (Hofmann 1994) and Taiwan default (Yeh and Lien 2009): the
codes that exist, whole numbers, the range seen, and what an applicant cannot change or only in one direction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

GERMAN_CODES = {
    "checking_status": "A11 A12 A13 A14",
    "credit_history": "A30 A31 A32 A33 A34",
    "purpose": "A40 A41 A42 A43 A44 A45 A46 A47 A48 A49 A410",
    "savings": "A61 A62 A63 A64 A65",
    "employment": "A71 A72 A73 A74 A75",
    "personal_status_sex": "A91 A92 A93 A94 A95",
    "other_parties": "A101 A102 A103",
    "property_magnitude": "A121 A122 A123 A124",
    "other_payment_plans": "A141 A142 A143",
    "housing": "A151 A152 A153",
    "job": "A171 A172 A173 A174",
    "telephone": "A191 A192",
    "foreign_worker": "A201 A202",
}
GERMAN_RANGES = {
    "duration": (4, 72),
    "credit_amount": (250, 18424),
    "installment_commitment": (1, 4),
    "residence_since": (1, 4),
    "age": (19, 75),
    "existing_credits": (1, 4),
    "num_dependents": (1, 2),
}
GERMAN_FIXED = {"credit_history", "personal_status_sex", "age", "existing_credits", "num_dependents", "foreign_worker"}
GERMAN_RISING = {"employment", "residence_since"}
GERMAN_FALLING = {"installment_commitment"}

MONTHS = ("PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
TAIWAN_FIXED = {
    "LIMIT_BAL",
    "SEX",
    "MARRIAGE",
    "AGE",
    *MONTHS,
    *(f"BILL_AMT{i}" for i in range(3, 7)),
    *(f"PAY_AMT{i}" for i in range(3, 7)),
}
TAIWAN_BETTER = {code: rank for rank, code in enumerate((0, 5, 6, 4, 3, 2, 1))}
TAIWAN_RANGES = {
    "PAY_0": (-2, 8),
    "BILL_AMT1": (-165580, 964511),
    "BILL_AMT2": (-69777, 983931),
    "PAY_AMT1": (0, 873552),
    "PAY_AMT2": (0, 1684259),
}


SOUTH_GERMAN_CODES = {
    "status": range(1, 5),
    "duration": range(4, 73),
    "purpose": range(11),
    "amount": range(250, 18425),
    "savings": range(1, 6),
    "employment_duration": range(1, 6),
    "installment_rate": range(1, 5),
    "other_debtors": range(1, 4),
    "present_residence": range(1, 5),
    "property": range(1, 5),
    "other_installment_plans": range(1, 4),
    "housing": range(1, 4),
    "job": range(1, 5),
    "telephone": range(1, 3),
}
SOUTH_GERMAN_RISING = {"employment_duration", "installment_rate", "present_residence"}

MORE_CREDIT_RANGES = {
    "RevolvingUtilizationOfUnsecuredLines": (0, 50708),
    "DebtRatio": (0, 329664),
    "MonthlyIncome": (0, 3008750),
    "NumberOfOpenCreditLinesAndLoans": (0, 58),
    "NumberRealEstateLoansOrLines": (0, 54),
}
MORE_CREDIT_REAL = {"RevolvingUtilizationOfUnsecuredLines", "DebtRatio"}


def south_german(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about an applicant, after the code table of the corrected data (Groemping 2019)."""
    for name, value in after.items():
        if name not in SOUTH_GERMAN_CODES and before[name] != value:
            yield f"{name} cannot change"
        if name in SOUTH_GERMAN_CODES and value not in SOUTH_GERMAN_CODES[name]:
            yield f"{name} cannot be {value!r}"
        if name in SOUTH_GERMAN_RISING and value < before[name]:
            yield f"{name} only grows"


def give_me_some_credit(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about a borrower; what is missing stays missing."""
    for name, value in after.items():
        same = before[name] == value or (pd.isna(before[name]) and pd.isna(value))
        if same:
            continue
        if name not in MORE_CREDIT_RANGES:
            yield f"{name} cannot change"
        elif pd.isna(value) or pd.isna(before[name]):
            yield f"{name} cannot become or cease to be missing"
        elif not MORE_CREDIT_RANGES[name][0] <= value <= MORE_CREDIT_RANGES[name][1]:
            yield f"{name} cannot be {value!r}"
        elif name not in MORE_CREDIT_REAL and value != int(value):
            yield f"{name} must be whole, not {value!r}"


def german(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about an applicant."""
    for name, codes in GERMAN_CODES.items():
        if after[name] not in codes.split():
            yield f"{name} has no code {after[name]!r}"
    for name, (low, high) in GERMAN_RANGES.items():
        if after[name] != int(after[name]) or not low <= after[name] <= high:
            yield f"{name} cannot be {after[name]!r}"
    for name in GERMAN_FIXED:
        if before[name] != after[name]:
            yield f"{name} cannot change"
    for name in GERMAN_RISING:
        if after[name] < before[name]:
            yield f"{name} only grows"
    for name in GERMAN_FALLING:
        if after[name] > before[name]:
            yield f"{name} only falls"


def taiwan(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about a card holder."""
    for name, value in after.items():
        if value != int(value):
            yield f"{name} must be whole, not {value!r}"
        if name in TAIWAN_FIXED and before[name] != value:
            yield f"{name} cannot change"
    for name, (low, high) in TAIWAN_RANGES.items():
        if after[name] != before[name] and not low <= after[name] <= high:
            yield f"{name} cannot be {after[name]!r}"
    for name in ("PAY_AMT1", "PAY_AMT2"):
        if after[name] < before[name]:
            yield f"{name} can only be paid more"
    if after["EDUCATION"] not in TAIWAN_BETTER:
        yield f"EDUCATION has no code {after['EDUCATION']!r}"
    elif TAIWAN_BETTER[after["EDUCATION"]] < TAIWAN_BETTER[before["EDUCATION"]]:
        yield "EDUCATION can only improve"


def message(longest: int | None) -> Callable[[dict[str, Any], dict[str, Any]], Iterator[str]]:
    """Return a reader of messages of at most so many characters."""

    def read(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
        was, now = before["text"], after["text"]
        if longest is not None and len(now) > max(longest, len(was)):
            yield f"the message has {len(now)} characters"
        for address in re.findall(r"(?:https?://|www\.)\S+", was):
            if address not in now:
                yield f"the address {address} is lost"
        for number in re.findall(r"\d{6,}", was):
            if number not in now:
                yield f"the number {number} is lost"

    return read


def impossible(table: pd.DataFrame, read: Callable[[dict[str, Any], dict[str, Any]], Iterator[str]]) -> list[str]:
    """Return what is impossible about the successes of a ``records.parquet``."""
    sides = [
        table[[c for c in table if c.startswith(side)]].rename(columns=lambda c, s=side: c.removeprefix(s))
        for side in ("before.", "after.")
    ]
    pairs = zip(*(side.to_dict("records") for side in sides), strict=True)
    return [f"row {i}: {problem}" for i, (before, after) in enumerate(pairs) for problem in read(before, after)]
