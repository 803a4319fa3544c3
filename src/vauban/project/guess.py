"""Guess what each column of a table is, with the reason for every guess."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from vauban.project import names
from vauban.project.names import suggests
from vauban.project.ranks import in_order
from vauban.project.reading import absent, form_of, moments, read_as
from vauban.records import Floats
from vauban.schema import Kind

FEW = 12
"""Whole numbers with at most so many values, under a name that says "code" or "type", are categories."""
LISTED = 50
"""Most values that vauban.toml lists; a column with more takes them from the data, and nobody changes it."""
YES_NO = ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"}, {"on", "off"}, {"j", "n"}, {"ja", "nein"})
_YES = frozenset({"yes", "y", "true", "t", "on", "j", "ja", "1"})


@dataclass(frozen=True)
class Guess:
    """What a column is taken for.

    Attributes:
        name: of the column.
        role: feature, id, time, text, constant, leak; all but features are left out unless the model reads them.
        kind: of its values.
        reasons: for each guess, in words.
        lower, upper, step: of numbers.
        values: of listed kinds, in order; empty where there are too many to list.
        form: how its texts are read; None as they are.
        scale: standard deviation of numbers: what a price is per.
        change: either, up, down or no.
        doubt: what only a person can say; None where nothing is doubtful.
    """

    name: str
    role: str = "feature"
    kind: Kind = Kind.CATEGORICAL
    reasons: tuple[str, ...] = ()
    lower: float | None = None
    upper: float | None = None
    step: float | None = None
    values: tuple[Any, ...] = ()
    form: str | None = None
    scale: float = 1.0
    change: str = "either"
    doubt: str | None = None
    columns: tuple[str, ...] = ()

    def because(self, reason: str, **what: Any) -> Guess:
        """Return the guess with something changed, and the reason why."""
        return replace(self, reasons=(*self.reasons, reason), **what)


def guess(column: pd.Series[Any]) -> Guess:
    """Return what a column is taken for, its role as far as it can be seen without the labels."""
    name = str(column.name)
    column = plain_values(column)
    known = column[column.notna()]
    found = Guess(name)
    if not len(known):
        return found.because("it is empty", role="constant", change="no")
    if known.nunique() == 1:
        found = found.because(f"it is the same in all records: {known.iloc[0]!r}", role="constant", change="no")
    if pd.api.types.is_datetime64_any_dtype(column):
        return _date(found, column, "its values are dates")
    if pd.api.types.is_bool_dtype(column) or set(map(type, known.unique()[:100])) <= {bool}:
        return _who(found.because("its values are true and false", kind=Kind.BOOLEAN, values=(False, True)))
    if pd.api.types.is_numeric_dtype(column):
        return _number(found, known)
    return _text(found, column, known.astype("str"))


def plain_values(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of categories as one of their values, and of mixed types as texts: what guesses look at."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype == object:
        kinds = {type(v) for v in column.dropna().unique()[:1000].tolist()}
        if len(kinds) > 1:
            return column.where(column.isna(), column.astype("str"))
    return column


def _date(found: Guess, column: pd.Series[Any], why: str) -> Guess:
    days = moments(column)
    return found.because(
        f"{why}, {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}",
        role="time",
        kind=Kind.INTEGER,
        form="days",
        change="no",
        **_range(read_as(column, "days").dropna().to_numpy()),
    )


def _range(numbers: Floats) -> dict[str, Any]:
    return {"lower": float(numbers.min()), "upper": float(numbers.max()), "scale": float(numbers.std()) or 1.0}


def _number(found: Guess, known: pd.Series[Any]) -> Guess:
    numbers = known.to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        finite = numbers[np.isfinite(numbers)]
        found = found.because(f"{len(numbers) - len(finite)} values are infinite: replace them", role="broken")
        return replace(found, kind=Kind.NUMERIC)
    values = np.unique(numbers)
    whole = bool((numbers == np.round(numbers)).all())
    found = replace(found, **_range(numbers))
    if len(values) <= 2 and set(values) <= {0.0, 1.0}:
        listed = tuple(known.dtype.type(v).item() for v in (0, 1)) if hasattr(known.dtype, "type") else (0, 1)
        return _who(found.because("its values are 0 and 1", kind=Kind.BOOLEAN, values=listed))
    if whole and _is_id(found.name, known):
        return found.because(
            "every record has another value, and its name or its order says id",
            role="id",
            kind=Kind.INTEGER,
            change="no",
        )
    if whole and (suggests(found.name, names.POSTAL) or _coded(found.name, values, len(numbers))):
        why = suggests(found.name, names.POSTAL) or suggests(found.name, names.CODED)
        listed = tuple(v.item() for v in np.sort(known.unique()))
        note = f"whole numbers, but {len(listed)} values under a name that says {why!r}: codes, not amounts"
        found = found.because(note, kind=Kind.CATEGORICAL, values=listed if len(listed) <= LISTED else ())
        return _who(found)
    if whole:
        step = _common(values)
        why = "all values are whole numbers" + (f", multiples of {step:g}" if step > 1 else "")
        return _who(found.because(why, kind=Kind.INTEGER, step=step if step > 1 else None))
    step_of = _decimals(values)
    why = "numbers" + (f" with {len(f'{step_of:g}') - 2} decimals" if step_of else ", a continuum")
    return _who(found.because(why, kind=Kind.NUMERIC, step=step_of))


def _is_id(name: str, known: pd.Series[Any]) -> bool:
    if len(known) < 20 or known.nunique() < 0.98 * len(known):
        return False
    named = suggests(name, names.ID) is not None or name.startswith("Unnamed") or name.lower().endswith("id")
    if not pd.api.types.is_numeric_dtype(known):
        return True
    steps = np.diff(known.to_numpy(dtype=np.float64))
    counted = (steps == 1).mean() > 0.95
    sampled = len(known) >= 500 and (steps > 0).all()  # of records that were counted once
    return named or bool(counted or sampled)


def _coded(name: str, values: Floats, n: int) -> bool:
    return suggests(name, names.CODED) is not None and len(values) <= max(FEW, min(LISTED, n // 100))


def _common(values: Floats) -> float:
    """Return the greatest common divisor of whole numbers, where there are enough of them to believe it."""
    if len(values) < 10 or np.abs(values).max() >= 2**53:
        return 1.0
    step = float(np.gcd.reduce(np.abs(values).astype(np.int64)))
    return step if step in (5, 10, 20, 25, 50, 100, 250, 500, 1000, 5000, 10000) else 1.0


def _decimals(values: Floats) -> float | None:
    """Return the grid of decimal fractions, up to four decimals; None for a continuum."""
    for decimals in (1, 2, 3, 4):
        if (np.abs(np.round(values, decimals) - values) <= 1e-12 * np.maximum(1.0, np.abs(values))).all():
            return float(f"1e-{decimals}")
    return None


def _text(found: Guess, column: pd.Series[Any], known: pd.Series[Any]) -> Guess:
    name, values = found.name, sorted(known.unique().tolist())
    form = form_of(column)
    if form == "days":
        return _date(found, column, "its texts are dates")
    if suggests(name, names.POSTAL) or (known.str.fullmatch(r"\d{3,5}x{1,3}").mean() > 0.95):
        listed = tuple(values) if len(values) <= LISTED else ()
        return _who(found.because("postal codes: names of places, not amounts", values=listed))
    if form is not None and len(values) > 2:
        numbers = read_as(column, form)
        odd = sorted(set(known[absent(known)].tolist()))
        said = (
            f"its texts are {'numbers' if form == 'number' else {'percent': 'percentages', 'money': 'amounts'}[form]}"
        )
        gone = f"; {', '.join(map(repr, odd[:3]))} is read as missing" if odd else ""
        return replace(_number(found.because(said + gone), numbers.dropna()), form=form)
    lower = {v.strip().lower() for v in values}
    if len(values) == 2 and (lower in YES_NO or lower == {"0", "1"}):
        ordered = tuple(sorted(values, key=lambda v: v.strip().lower() in _YES))
        return _who(found.because(f"its values are {values[0]!r} and {values[1]!r}", kind=Kind.BOOLEAN, values=ordered))
    if form == "number":
        ordered = tuple(sorted(values, key=float))
        return _who(found.because("its texts are two numbers", kind=Kind.ORDINAL, values=ordered))
    spaces = float(known.str.strip().str.count(r"\s+").mean())
    many = len(values) > 0.5 * len(known) and len(known) >= 20
    if many and spaces >= 2:
        return found.because(
            f"free text: {spaces + 1:.0f} words on average, hardly any twice", role="text", change="no"
        )
    if _is_id(name, known):
        return found.because("every record has another value: names or ids", role="id", change="no")
    ranked = in_order(values)
    if ranked is not None:
        return _who(found.because(ranked[1], kind=Kind.ORDINAL, values=ranked[0]))
    if len(values) > LISTED:
        return found.because(f"{len(values)} different texts: too many to list, so nobody changes them", change="no")
    return _who(found.because(f"{len(values)} different texts", values=tuple(values)))


def _who(found: Guess) -> Guess:
    """Return a feature's guess with who can change it, as far as its name says."""
    if found.change == "no":
        return found
    later = suggests(found.name, names.LATER)
    if later is not None:
        reason = f"its name ({later!r}) may mean what is known only later"
        return found.because(reason, change="no", doubt="is it known when you decide")
    for words, change, why in (
        (names.BORN, "no", "says what nobody changes"),
        (names.POSTAL, "no", "says where somebody lives"),
        (names.PAST, "no", "says what is past, or what a bureau says"),
        (names.DECIDED, "no", "says what you decide yourself"),
        (names.GROWS, "up", "says what only grows"),
    ):
        word = suggests(found.name, words)
        if word is not None and (change == "no" or found.kind in (Kind.INTEGER, Kind.NUMERIC, Kind.ORDINAL)):
            return found.because(f"its name ({word!r}) {why}", change=change)
    if found.kind is Kind.CATEGORICAL and not found.values:
        return found.because("too many values to price", change="no")
    return found.because("nothing says that the person it is about cannot change it", doubt="who can change it")
