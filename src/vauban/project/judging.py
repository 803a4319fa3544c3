"""What is made of the guesses once all columns are seen together: leaks, groups, times, relations, open questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from vauban.errors import BadInput
from vauban.project.guess import Guess
from vauban.project.leaks import leak
from vauban.project.reading import moments, read_as
from vauban.project.relate import Found, mine
from vauban.schema import Kind
from vauban.system import HELD_OUT, SHARES, Labels, split
from vauban.targets import is_booster
from vauban.targets.columns import column_names


def message_column(guesses: Sequence[Guess], fitted: Any) -> str | None:
    """Return the column of messages, if the table is one of messages and the model reads no columns."""
    texts = [g.name for g in guesses if g.role == "text"]
    listed = [g for g in guesses if g.role == "feature" and (g.values or g.kind in (Kind.NUMERIC, Kind.INTEGER))]
    if len(texts) == 1 and not listed and (fitted is None or _names(fitted) is None):
        return texts[0]
    return None


def _names(fitted: Any) -> tuple[str, ...] | None:
    steps = getattr(fitted, "steps", None)
    named = column_names(steps[0][1] if steps else fitted)
    if named is None and is_booster(fitted):
        given: Any = getattr(fitted, "feature_names", None) or getattr(fitted, "feature_name", list)
        named = tuple(given() if callable(given) else given) or None
    return named or None


def judged(guesses: Sequence[Guess], records: pd.DataFrame, labels: Labels, fitted: Any) -> list[Guess]:
    """Return the guesses with leaks marked, what the model does not read left out, and one-hot groups joined."""
    out = [_watched(one, records, labels) if one.role == "feature" else one for one in guesses]
    if fitted is not None:
        out = _read_by(out, fitted)
    else:
        many = "the baseline leaves it out: too many values to learn from"
        out = [g.because(many, role="many", doubt=None) if _unlisted(g) else g for g in out]
    grouped = _groups(out, records)
    inside = {c for g in grouped for c in g.columns}
    return [*(g for g in out if g.name not in inside), *grouped]


def _unlisted(one: Guess) -> bool:
    return one.role == "feature" and one.kind is Kind.CATEGORICAL and not one.values


def _watched(one: Guess, records: pd.DataFrame, labels: Labels) -> Guess:
    """Return the guess of a feature, fixed or left out where it gives the label away."""
    away = leak(records[one.name], labels)
    if away is None:
        return one
    if away[0]:
        return one.because(f"LEAK: {away[1]}", role="leak", change="no", doubt=None)
    return one.because(f"it may give the label away: {away[1]}", change="no", doubt="is it known when you decide")


def _read_by(guesses: Sequence[Guess], fitted: Any) -> list[Guess]:
    names = _names(fitted)
    if names is None:
        return list(guesses)
    plain = {re.sub(r"\s", "_", n) for n in names}
    absent = plain - {re.sub(r"\s", "_", g.name) for g in guesses}
    if absent:
        raise BadInput(
            f"The model reads the columns {', '.join(sorted(absent)[:8])}, which the data lack. "
            f"They hold: {', '.join(g.name for g in guesses[:12])}. Give it the file that it is asked about."
        )
    out = []
    for one in guesses:
        if re.sub(r"\s", "_", one.name) not in plain:
            out.append(one.because("the model does not read it", role="unread", change="no", doubt=None))
        elif one.role != "feature":
            note = "the model reads it, so it stays, and nobody changes it"
            one = one.because(note, role="feature", change="no")
            out.append(one if one.form is None else replace(one, form=None, kind=Kind.CATEGORICAL, values=()))
        else:
            out.append(one if one.form is None else replace(one, form=None, kind=Kind.CATEGORICAL, values=()))
    return out


def _groups(guesses: Sequence[Guess], records: pd.DataFrame) -> list[Guess]:
    """Return a guess for each set of 0 / 1 columns of one prefix of which every record has exactly one."""
    found: dict[str, list[Guess]] = {}
    for one in guesses:
        prefix = re.match(r"^(.+)[_=.:\-| ]", one.name)
        if prefix and one.role == "feature" and one.kind is Kind.BOOLEAN and set(one.values) == {0, 1}:
            found.setdefault(prefix.group(1), []).append(one)
    out = []
    taken = {g.name for g in guesses}
    for name, members in found.items():
        columns = tuple(m.name for m in members)
        sums = records[list(columns)].astype(float).sum(axis=1)
        if (
            len(members) > 2
            and name not in taken
            and bool((sums == 1).all())
            and not records[list(columns)].isna().any().any()
        ):
            change = "no" if all(m.change == "no" for m in members) else "either"
            reason = f"one-hot: exactly one of these {len(columns)} columns is 1 in every record"
            doubt = None if change == "no" else "who can change it"
            out.append(Guess(name, reasons=(reason,), values=columns, columns=columns, change=change, doubt=doubt))
    return out


def time_column(guesses: Sequence[Guess], records: pd.DataFrame, labels: Labels, divides: bool) -> dict[str, Any]:
    """Return the column that says when records arrived, if one does for all, and the data can be divided by it."""
    for one in guesses:
        if one.form == "days" and records[one.name].notna().all():
            try:
                split(
                    records[[one.name]],
                    labels,
                    0,
                    SHARES if divides else HELD_OUT,
                    moments(records[one.name]).to_numpy(),
                )
            except BadInput:
                continue
            return {"time": one.name}
    return {}


def relations_of(guesses: Sequence[Guess], records: pd.DataFrame) -> tuple[Found, ...]:
    """Return the relations between numbers that hold in the data."""
    used = [g for g in guesses if g.role == "feature" and g.kind in (Kind.NUMERIC, Kind.INTEGER) and not g.columns]
    if len(used) < 2:
        return ()
    columns = [read_as(records[g.name], g.form) if g.form else records[g.name] for g in used]
    numbers = np.column_stack([c.to_numpy(dtype=np.float64, na_value=np.nan) for c in columns])
    return mine(numbers, [g.name for g in used])


def must_be_told(guesses: Sequence[Guess], fitted: Any) -> list[str]:
    """Return, in sentences, what cannot be known from the data."""
    out = []
    doubtful = [g.name for g in guesses if g.role == "feature" and g.doubt and g.change != "no"]
    if doubtful:
        out.append(
            f"Who can change these, and at what price? {', '.join(map(repr, doubtful[:20]))}"
            f"{f' and {len(doubtful) - 20} more' if len(doubtful) > 20 else ''} are taken to move freely."
        )
    for one in guesses:
        if one.role == "leak" and fitted is None:
            out.append(f"{one.name!r} is left out as a leak: is it known when you decide?")
        elif one.role == "feature" and one.doubt and one.change == "no":
            out.append(f"{one.name!r}: {one.doubt}? {one.reasons[-1]}.")
    if not any(g.form == "days" for g in guesses):
        out.append("When did the records arrive? No column of times was found, so they are divided at random.")
    out.append("Where does each record come from (account, branch, broker)? No column was taken for that.")
    out.append("What do errors cost, and what is a success worth to the attacker? See [losses].")
    return out
