"""Test sets that analysts name: records with the outcome that they expect, why, who says so, and how grave it is.

A suite is a CSV or Parquet file, or a toml file that names such files and says what is expected of features::

    name = "canaries"
    cases = ["protected.csv", "known-bad.csv"]

    [expect]
    income_monthly = "safer"
    region = "irrelevant"

A table of cases has the columns of the model's records and ``expected`` (pass, refer or block; several joined by |).
``owner``, ``reason``, ``severity`` (low, medium, high, critical) and ``name`` may be there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vauban.contracts import LABEL, Target
from vauban.errors import BadInput, unknown
from vauban.records import Mask
from vauban.schema import Schema, TableSchema
from vauban.threat import Decision

SEVERITIES = ("low", "medium", "high", "critical")
OUTCOMES = {"pass": Decision.PASS, "refer": Decision.REFER, "block": Decision.BLOCK}
NOTES = ("name", "expected", "owner", "reason", "severity", "origin", "added")
"""Columns of a table of cases that are not the record's; marked by a leading _ where a record has one of that name."""


@dataclass(frozen=True)
class Cases:
    """Records with what is expected of each.

    Attributes:
        source: where they come from.
        frame: (n, d) raw records.
        notes: (n, ...) the columns of `NOTES`, as texts.
    """

    source: str
    frame: pd.DataFrame
    notes: pd.DataFrame

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.frame)


@dataclass(frozen=True)
class Suite:
    """Tables of cases, and what is expected of features."""

    name: str
    cases: tuple[Cases, ...] = ()
    expect: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A case that the model decides otherwise than expected."""

    source: str
    row: int
    name: str
    expected: str
    got: str
    severity: str
    owner: str
    reason: str
    record: Mapping[str, Any]


def read_suite(path: Path, schema: Schema) -> Suite:
    """Return a suite from a toml file or a table of cases; BadInput for whatever cannot be used, naming the place."""
    if path.suffix != ".toml":
        return Suite(path.stem, (read_cases(path, schema),))
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"The suite {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The suite {path} is no toml: {error}.") from error
    for key in said:
        if key not in ("name", "cases", "expect"):
            raise unknown(f"entry of the suite {path}", key, ("name", "cases", "expect"))
    name, cases, expect = said.get("name", path.stem), said.get("cases", []), said.get("expect", {})
    if not isinstance(name, str):
        raise BadInput(f"{path}: the name must be a text. Got {name!r}.")
    if not isinstance(cases, list) or not all(isinstance(c, str) for c in cases):
        raise BadInput(f'{path}: cases must be a list of files, as in cases = ["canaries.csv"]. Got {cases!r}.')
    if not isinstance(expect, dict) or not all(isinstance(v, str) for v in expect.values()):
        raise BadInput(f'{path}: expect must give each feature a word, as in income = "safer". Got {expect!r}.')
    return Suite(name, tuple(read_cases(path.parent / c, schema) for c in cases), expect)


def read_cases(path: Path, schema: Schema) -> Cases:
    """Return the cases of a CSV or Parquet file; BadInput for what cannot be used."""
    try:
        if path.suffix == ".parquet":
            whole = pd.read_parquet(path)
        elif path.suffix == ".csv":
            whole = pd.read_csv(path, **as_written(schema))
        else:
            raise BadInput(f"Cases come as .csv or .parquet. Got {path}.")
    except OSError as error:
        raise BadInput(f"The cases {path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, pd.errors.ParserError) as error:
        raise BadInput(f"The cases {path} cannot be read: {error}.") from error
    return cases_of(str(path), whole, schema)


def as_written(schema: Schema) -> dict[str, Any]:
    """Return how `pandas.read_csv` must read cases: texts as they are written (007, NA), an empty cell as missing."""
    texts = [c for n in NOTES for c in (n, f"_{n}")]
    if isinstance(schema, TableSchema):
        named = [f for f in schema.features if f.listed and all(isinstance(v, str) for v in f.values)]
        texts += [c for f in named for c in f.columns if len(f.columns) == 1]
        empty = [""]
    else:
        texts += schema.columns
        empty = []
    return {"dtype": dict.fromkeys(texts, "str"), "keep_default_na": False, "na_values": empty}


def cases_of(source: str, whole: pd.DataFrame, schema: Schema) -> Cases:
    """Return cases from a frame of records and notes, checked."""
    whole = whole.rename(columns=str).reset_index(drop=True)
    column = {note: f"_{note}" if note in schema.columns else note for note in NOTES}
    if column["expected"] not in whole.columns:
        raise BadInput(
            f"{source}: no column {column['expected']!r} says what is expected: {', '.join(OUTCOMES)}. "
            f"Present: {', '.join(whole.columns[:20])}."
        )
    absent = [c for c in schema.columns if c not in whole.columns]
    if absent:
        raise BadInput(f"{source}: the cases lack the columns {', '.join(absent)} of the model's records.")
    strange = [c for c in whole.columns if c not in schema.columns and c not in column.values()]
    if strange:
        raise BadInput(
            f"{source}: unknown columns {', '.join(strange)}. Allowed besides the record: {', '.join(NOTES)}."
        )
    if not len(whole):
        raise BadInput(f"{source}: there is no case in it.")
    notes = pd.DataFrame(
        {n: (whole[c].astype("object").where(whole[c].notna(), "") if c in whole else "") for n, c in column.items()},
        index=whole.index,
    ).astype(str)
    notes["expected"] = notes["expected"].str.strip().str.lower()
    notes["severity"] = notes["severity"].str.strip().str.lower().replace("", "medium")
    for row, words in enumerate(notes["expected"]):
        wrong = [w for w in words.split("|") if w.strip() not in OUTCOMES]
        if wrong:
            raise BadInput(
                f"{source}, case {row + 1}: expected is {words!r}. Allowed: {', '.join(OUTCOMES)}, joined by |."
            )
    for row, word in enumerate(notes["severity"]):
        if word not in SEVERITIES:
            raise BadInput(f"{source}, case {row + 1}: severity is {word!r}. Allowed: {', '.join(SEVERITIES)}.")
    frame = whole[list(schema.columns)]
    try:
        schema.encode(frame)
    except BadInput as error:
        raise BadInput(f"{source}: {error}") from error
    return Cases(source, frame, notes)


def replay(target: Target, tables: Sequence[Cases]) -> tuple[Mask, list[Failure]]:
    """Return which cases (n,) are decided as expected, asked in one question, and those that are not, gravest first."""
    tables = [t for t in tables if len(t)]
    if not tables:
        return np.empty(0, dtype=bool), []
    records = np.concatenate([target.schema.encode(t.frame) for t in tables])
    told = target.answer(records, LABEL).decisions
    notes = pd.concat([t.notes for t in tables], ignore_index=True)
    allowed = notes["expected"].map({words: _mask_of(words) for words in notes["expected"].unique()}).to_numpy()
    right = (allowed >> told.astype(np.int64)) & 1 == 1
    failures = []
    start = 0
    word = {d: w for w, d in OUTCOMES.items()}
    for table in tables:
        for row in np.flatnonzero(~right[start : start + len(table)]).tolist():
            note = table.notes.iloc[row]
            record = {str(k): _plain(v) for k, v in table.frame.iloc[row].items()}
            got = word[Decision(int(told[start + row]))]
            failures.append(
                Failure(
                    table.source, row + 1, note["name"], note["expected"], got, note["severity"], note["owner"],
                    note["reason"], record,
                )
            )  # fmt: skip
        start += len(table)
    return right, sorted(failures, key=lambda f: -SEVERITIES.index(f.severity))


def _mask_of(words: str) -> int:
    return sum(1 << OUTCOMES[w.strip()].value for w in words.split("|"))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
