"""Columns of text that mean something else: percentages, amounts, dates. How each is read, and how it is noticed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vauban.errors import BadInput, unknown
from vauban.records import Floats

ENOUGH = 0.95
"""Share of the values that must be of a form for the column to be taken for it."""
LOOK = 5000
"""Values that are looked at."""

EMPTY = frozenset({"", "?", "-", "--", ".", "na", "n/a", "nan", "null", "none", "missing", "unknown"})
"""What stands for a missing number, in lower case."""

_NUMBER = r"[-+]?(?:\d{1,3}(?:[,' ]\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?"
_FORMS = {
    "percent": re.compile(rf"^\s*({_NUMBER})\s*%\s*$"),
    "money": re.compile(
        rf"^\s*(?:[£$€¥]|EUR|USD|GBP|CHF|NT\$|Rs\.?)?\s*({_NUMBER})\s*([kKmM])?\s*(?:[£$€¥]|EUR|USD|GBP|CHF)?\s*$"
    ),
    "number": re.compile(rf"^\s*({_NUMBER})\s*$"),
}
_TIMES = {"k": 1e3, "m": 1e6}


def _numbers(form: str) -> Callable[[pd.Series[Any]], Floats]:
    def read(column: pd.Series[Any]) -> Floats:
        found = column.astype("str").str.extract(_FORMS[form])
        plain = found[0].str.replace(r"[,' ]", "", regex=True)
        out = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64)
        if form == "money":
            out = out * found[1].str.lower().map(_TIMES).fillna(1.0).to_numpy(dtype=np.float64)
        return np.asarray(out)

    return read


def moments(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as times; NaT where a value is none."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.tz_localize(None)
    texts = column.astype("str").where(column.notna())
    forms = ("ISO8601", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%b-%Y", "%Y%m%d", "%d-%b-%Y", "%d %b %Y", "%B %d, %Y")
    best = pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns]")
    for form in forms:
        read = pd.to_datetime(texts, format=form, errors="coerce", utc=form == "ISO8601")
        read = read.dt.tz_localize(None) if form == "ISO8601" else read
        if read.notna().sum() > best.notna().sum():
            best = read
    return best


def _days(column: pd.Series[Any]) -> Floats:
    found = moments(column)
    days = (found - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    return np.asarray(np.floor(days.to_numpy(dtype=np.float64)))


READ_AS: Mapping[str, Callable[[pd.Series[Any]], Floats]] = {
    "percent": _numbers("percent"),
    "money": _numbers("money"),
    "number": _numbers("number"),
    "days": _days,
}
"""How a column may be read: as the number before %, an amount, a number, or days since 1970."""


def read_as(column: pd.Series[Any], form: str) -> pd.Series[Any]:
    """Return a column read as one of `READ_AS`, float64; what stands for a missing value is missing.

    Raises:
        BadInput: there is no such form, or a value is not of it.
    """
    if form not in READ_AS:
        raise unknown("way to read a column", form, READ_AS)
    out = READ_AS[form](column)
    lost = np.isnan(out) & ~absent(column).to_numpy()
    if lost.any():
        raise BadInput(
            f"The column {column.name!r} is to be read as {form}, but {int(lost.sum())} values are none, the first of "
            f"them {column[lost].iloc[0]!r}. Correct them, or read the column as it is: delete its read_as."
        )
    return pd.Series(out, index=column.index, name=column.name)


def absent(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return where a value is missing, or a text that stands for that (n,)."""
    return column.isna() | column.astype("str").str.strip().str.lower().isin(EMPTY)


def form_of(column: pd.Series[Any]) -> str | None:
    """Return how a column of texts should be read; None as it is. Some values may be missing, but none may be odd."""
    texts = column[~absent(column)].astype("str")
    if not len(texts):
        return None
    seen = pd.Series(texts.unique()[:LOOK])
    for form in ("number", "percent", "money"):
        if seen.str.contains(r"\d").all() and not np.isnan(READ_AS[form](seen)).any():
            return form
    if _may_be_dates(seen) and moments(seen).notna().all():
        return "days"
    return None


def _may_be_dates(seen: pd.Series[Any]) -> bool:
    shape = seen.str.match(r"^\s*(\d{1,4}[-/.]|[A-Za-z]{3,9}[- ]\d|\d{1,2}[- ][A-Za-z]{3})")
    return bool(shape.mean() >= ENOUGH)
