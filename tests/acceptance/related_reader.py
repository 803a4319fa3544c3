"""Readers of tables whose columns depend on each other, apart from our schemas: raw columns against their description.

Written from LendingClub's own field descriptions, the annuity formula, LCLD's relations (Simonetto et al., TabularBench
2024) and the dictionary of the CoIL Challenge 2000.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

LOAN_FREE = {"loan_amnt", "term", "emp_length", "home_ownership", "annual_inc", "purpose", "inq_last_6mths"}
LOAN_FREE |= {"open_acc", "revol_bal", "total_acc"}
LOAN_FOLLOWS = {"funded_amnt", "installment", "dti", "revol_util"}
LOAN_FOLLOWS |= {"ratio_loan_amnt_annual_inc", "ratio_open_acc_total_acc"}
EMPLOYED = ["n/a", "< 1 year", "1 year", *(f"{i} years" for i in range(2, 10)), "10+ years"]
OWNERSHIP = {"RENT", "MORTGAGE", "OWN", "OTHER", "NONE"}
WHOLE = ("loan_amnt", "funded_amnt", "annual_inc", "inq_last_6mths", "open_acc", "revol_bal", "total_acc")
PRODUCTS = (
    "WAPART WABEDR WALAND PERSAUT BESAUT MOTSCO VRAAUT AANHANG TRACTOR WERKT BROM LEVEN PERSONG GEZONG WAOREG BRAND "
    "ZEILPL PLEZIER FIETS INBOED BYSTAND"
)


def same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def annuity(amount: float, yearly: float, months: int) -> float:
    """Return what is paid each month so that the loan is paid back after these months."""
    growth = (1 + yearly / 12) ** months
    return amount * yearly / 12 * growth / (growth - 1)


def lendingclub(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about a loan application."""
    changed = {name for name, value in after.items() if not same(before[name], value)}
    for name in sorted(changed - LOAN_FREE - LOAN_FOLLOWS):
        yield f"{name} is not the applicant's to change"
    for name in WHOLE:
        if name in changed and after[name] != int(after[name]):
            yield f"{name} must be whole, not {after[name]!r}"
    if not 500 <= after["loan_amnt"] <= 35_000 or ("loan_amnt" in changed and after["loan_amnt"] % 25):
        yield f"a loan of {after['loan_amnt']}"
    if after["term"] not in (36, 60) or after["home_ownership"] not in OWNERSHIP:
        yield f"term {after['term']}, ownership {after['home_ownership']}"
    if EMPLOYED.index(after["emp_length"]) < EMPLOYED.index(before["emp_length"]):
        yield "years of employment only grow"
    if after["total_acc"] < before["total_acc"]:
        yield "accounts ever held only grow"
    if after["funded_amnt"] > after["loan_amnt"] or (
        "loan_amnt" in changed and after["funded_amnt"] != after["loan_amnt"]
    ):
        yield f"{after['funded_amnt']} funded of {after['loan_amnt']}"
    if changed & {"loan_amnt", "funded_amnt", "term"}:
        due = annuity(after["funded_amnt"], after["int_rate"], after["term"])
        if abs(due - after["installment"]) > 0.02:
            yield f"an instalment of {after['installment']}, {due:.2f} are due"
    elif "installment" in changed:
        yield "the instalment moved by itself"
    if after["open_acc"] > after["total_acc"] and before["open_acc"] <= before["total_acc"]:
        yield f"{after['open_acc']} open accounts of {after['total_acc']}"
    if "annual_inc" in changed:
        owed, now = before["dti"] * before["annual_inc"], after["dti"] * after["annual_inc"]
        if abs(owed - now) > 0.0051 * after["annual_inc"] or not 0 <= after["dti"] <= 30:
            yield f"debts of {now} a year, they were {owed}"
    elif "dti" in changed:
        yield "debt to income moved by itself"
    if "revol_bal" in changed and not math.isnan(before["revol_util"]):
        limit = before["revol_bal"] / before["revol_util"] if before["revol_util"] else 0.0
        if (
            abs(after["revol_util"] * limit - after["revol_bal"]) > 0.000051 * limit
            or not 0 <= after["revol_util"] <= 1.2
        ):
            yield f"{after['revol_bal']} owed is {after['revol_util']} of a limit of {limit}"
    elif "revol_util" in changed:
        yield "the use of the limit moved by itself"
    for name, over, under in (
        ("ratio_loan_amnt_annual_inc", "loan_amnt", "annual_inc"),
        ("ratio_open_acc_total_acc", "open_acc", "total_acc"),
    ):
        ratio = after[over] / after[under]
        if not (math.isnan(ratio) and math.isnan(after[name])) and abs(ratio - after[name]) > 1e-9:
            yield f"{name} is {after[name]}, {over} / {under} {ratio}"


def coil2000(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about a household's policies."""
    for name, value in after.items():
        if value != int(value) or not 0 <= value <= 41:
            yield f"{name} cannot be {value!r}"
        if name.startswith("M") and value != before[name]:
            yield f"{name} is of the postcode's area"
    for product in PRODUCTS.split():
        paid, held = after[f"P{product}"], after[f"A{product}"]
        if paid > 9 or (paid == 0) != (held == 0):
            yield f"{product}: contribution {paid}, policies {held}"


def vehicle_claims(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about a claim."""
    fixed = "Month WeekOfMonth DayOfWeek Make MonthClaimed WeekOfMonthClaimed Sex Age VehiclePrice RepNumber Deductible"
    fixed += " DriverRating PastNumberOfClaims AgeOfVehicle AgeOfPolicyHolder AgentType"
    for name in fixed.split():
        if before[name] != after[name]:
            yield f"{name} cannot change"
    if after["PolicyType"].split(" - ")[1] != after["BasePolicy"]:
        yield f"{after['PolicyType']} with {after['BasePolicy']}"
    if after["PolicyType"] != before["PolicyType"]:
        kind = "Sport" if after["BasePolicy"] == "Liability" and "Sedan" in after["PolicyType"] else None
        if after["VehicleCategory"] != (kind or after["PolicyType"].split(" - ")[0]):
            yield f"{after['PolicyType']} for a {after['VehicleCategory']}"
    elif after["VehicleCategory"] != before["VehicleCategory"]:
        yield "the category moved by itself"


def fremtpl2(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about a policy."""
    if before["BonusMalus"] != after["BonusMalus"]:
        yield "bonus-malus goes by a fixed rule"
    if not (4 <= after["VehPower"] <= 15 and 0 <= after["VehAge"] <= 100 and 18 <= after["DrivAge"] <= 100):
        yield f"power {after['VehPower']}, age {after['VehAge']}, driver {after['DrivAge']}"
    density, area = after["Density"], after["Area"]
    if density == before["Density"]:
        if area != before["Area"]:
            yield "the area moved by itself"
    elif not {"A": 0, "B": 50, "C": 100, "D": 500, "E": 2000, "F": 10_000}[area] <= density <= {
        "A": 50, "B": 100, "C": 500, "D": 2000, "E": 10_000, "F": 27_000
    }[area]:  # fmt: skip
        yield f"area {area} with {density} inhabitants"


def loan_sanction(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about an applicant of Dream Housing Finance; what is missing stays missing."""
    for name, value in after.items():
        gone = [v is None or v != v for v in (before[name], value)]
        if gone[0] != gone[1]:
            yield f"{name} cannot become or cease to be missing"
        if name in ("Gender", "Credit_History") and gone == [False, False] and value != before[name]:
            yield f"{name} cannot change"
        if name in ("Dependents", "ApplicantIncome", "LoanAmount") and not gone[1] and value != int(value):
            yield f"{name} must be whole, not {value!r}"
    if before["Education"] == "Graduate" and after["Education"] != "Graduate":
        yield "nobody loses a degree"
    term = after["Loan_Amount_Term"]
    if term == term and term not in (12, 36, 60, 84, 120, 180, 240, 300, 360, 480):
        yield f"a term of {term}"
    if after["LoanAmount"] <= 0:
        yield f"a loan of {after['LoanAmount']}"


def insurance_charges(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is impossible about somebody insured."""
    if (before["age"], before["sex"]) != (after["age"], after["sex"]):
        yield "age and sex cannot change"
    if after["children"] not in range(6) or not 15 <= after["bmi"] <= 55 or after["smoker"] not in ("yes", "no"):
        yield f"{after['children']} children, bmi {after['bmi']}, smoker {after['smoker']}"
    if after["region"] not in ("northeast", "northwest", "southeast", "southwest"):
        yield f"the region {after['region']}"
