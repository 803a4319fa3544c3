"""Failures that are kept: a readable table of cases in version control, replayed first the next time.

One CSV file a system, ``NAME.csv`` in the corpus folder, with the columns of the model's records and those of
`vauban.assurance.suites`. Texts that a spreadsheet would run as formulas are refused by nobody but defused: a leading
apostrophe is written before them and taken off again when they are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from vauban.assurance.suites import NOTES, Cases, as_written, cases_of
from vauban.errors import BadInput
from vauban.records import fingerprints, with_columns
from vauban.schema import Schema

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def system_name(scenario: str, data: str) -> str:
    """Return the name under which failures of a system are kept: of letters, digits, dots and dashes."""
    return re.sub(r"[^\w.]+", "-", f"{scenario}-{data}").strip("-")


def file_of(folder: Path, system: str) -> Path:
    """Return the file that holds what is kept of a system."""
    return folder / f"{system}.csv"


def read_corpus(folder: Path, system: str, schema: Schema) -> Cases | None:
    """Return what is kept of a system, None if nothing is; BadInput for a damaged file."""
    path = file_of(folder, system)
    if not path.exists():
        return None
    try:
        whole = pd.read_csv(path, **as_written(schema))
    except (OSError, ValueError) as error:
        raise BadInput(f"The corpus {path} cannot be read: {error}.") from error
    if not len(whole):
        return None
    return cases_of(str(path), whole.map(_restored), schema)


def keep(folder: Path, system: str, schema: Schema, frame: pd.DataFrame, notes: Mapping[str, str], origin: str) -> int:
    """Add records to the corpus, those that are not in it yet; return how many.

    Args:
        folder: of the corpus; made if it is not there.
        system: of which they are failures.
        schema: of the records.
        frame: raw records (n, d).
        notes: ``expected`` and, optionally, ``owner``, ``reason``, ``severity`` and ``name``, the same for all of them.
        origin: what found them.
    """
    if not len(frame):
        return 0
    added = datetime.now(UTC).strftime("%Y-%m-%d")
    said = {**dict.fromkeys(NOTES, ""), **notes, "origin": origin, "added": added}
    columns = {f"_{n}" if n in schema.columns else n: v for n, v in said.items()}
    new = with_columns(frame[list(schema.columns)].reset_index(drop=True), columns)
    cases_of(origin, new, schema)
    old = read_corpus(folder, system, schema)
    keys = fingerprints(schema.encode(new))
    fresh = np.zeros(len(new), dtype=bool)
    fresh[np.unique(keys, return_index=True)[1]] = True
    if old is not None:
        fresh &= ~np.isin(keys, fingerprints(schema.encode(old.frame)))
    if fresh.any():
        path = file_of(folder, system)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = new[fresh].map(_defused).to_csv(index=False, header=not path.exists())
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError as error:
            raise BadInput(f"The corpus {path} cannot be written: {error.strerror}. Name another folder.") from error
    return int(fresh.sum())


def _defused(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _restored(value: object) -> object:
    return value[1:] if isinstance(value, str) and value.startswith("'") else value
