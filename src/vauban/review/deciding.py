"""Verdicts as people give them: one by one, for a family, or in the columns of queue.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vauban.errors import BadInput
from vauban.review.folder import FILLED, Folder
from vauban.review.standing import counted
from vauban.store.repository import ROLES, VERDICTS, Verdict

CHECKED = 4
"""Records of a family that must have been looked at before one verdict may stand for all."""


def of_record(
    folder: Folder, record: str, verdict: str, reviewer: str, role: str, note: str, reason: str = ""
) -> Verdict:
    """Return a verdict on one record; BadInput if there is no such record."""
    _row(folder, record)
    return Verdict(0, "", record, verdict, reviewer, role, note, reason or folder.queued.get(record, ""))


def of_family(
    folder: Folder, record: str, verdict: str, reviewer: str, role: str, note: str, given: Sequence[Verdict]
) -> list[Verdict]:
    """Return a verdict on each record of the family that this one is of, and that has none of this person yet.

    Raises:
        BadInput: the record is by itself, its family does not have one label, or this person has not looked at
            `CHECKED` of it (all of it, where it is smaller) with this verdict.
    """
    at = _row(folder, record)
    kin = np.flatnonzero(folder.signals["kin"].to_numpy() == folder.signals["kin"].to_numpy()[at])
    whole = int(folder.signals["size"].iloc[at])
    if len(kin) < 2:
        raise BadInput(f"Record {record} has no family with its label. Give the verdict on it alone, without --family.")
    if len(kin) < 0.9 * whole:
        raise BadInput(
            f"Of the {whole} records of this family {len(kin)} have the label of record {record}: it is mixed. "
            "Look at its records one by one."
        )
    names = folder.records["record"].to_numpy()[kin].tolist()
    mine = {r for r, by in counted(given).items() if any(v.reviewer == reviewer and v.verdict == verdict for v in by)}
    looked = len(mine & set(names)) + (record not in mine)
    if looked < min(CHECKED, len(kin)):
        raise BadInput(
            f"Look at {min(CHECKED, len(kin))} records of the family first: {looked} have this verdict of {reviewer}, "
            f"with this one. Its records: {', '.join(map(str, names[:8]))}{', ...' if len(names) > 8 else ''}."
        )
    family = f"family {folder.signals['family'].iloc[at]}"
    left = [name for name in names if name not in mine]
    return [Verdict(0, "", name, verdict, reviewer, role, note, folder.queued.get(name, ""), family) for name in left]


def of_table(folder: Folder, path: Path, reviewer: str | None, role: str | None) -> list[Verdict]:
    """Return the verdicts that were filled into a copy of queue.csv.

    The columns that count are ``record``, ``verdict``, ``reviewer``, ``role`` and ``note``; who is named on the command
    line stands where a row names nobody. Rows without a verdict are skipped.

    Raises:
        BadInput: a column is missing, or a row names no record, no allowed verdict or no reviewer: all are listed.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read as CSV: {error}. Edit a copy of queue.csv and keep its columns."
        ) from error
    missing = [name for name in ("record", "verdict") if name not in table.columns]
    if missing:
        raise BadInput(
            f"{path} has no column {' and none '.join(missing)}. Edit a copy of queue.csv and keep its columns."
        )
    for name in FILLED:
        if name not in table.columns:
            table[name] = ""
    known = set(folder.records["record"])
    found, wrong = [], []
    for i, line in enumerate(table.to_dict("records"), start=2):
        verdict = line["verdict"].strip().lower().replace(" ", "-")
        if not verdict:
            continue
        record = line["record"].strip().removeprefix("'") if line["record"] not in known else line["record"]
        who, what = line["reviewer"].strip() or reviewer or "", line["role"].strip() or role or ""
        for bad, said in (
            (record not in known, f"there is no record {line['record']!r}"),
            (verdict not in VERDICTS, f"{line['verdict']!r} is no verdict ({', '.join(VERDICTS)})"),
            (not who, "nobody is named as its reviewer (column reviewer, or --reviewer)"),
            (what not in ROLES, f"{what!r} is no role ({', '.join(ROLES)})"),
        ):
            if bad:
                wrong.append(f"line {i}: {said}")
        note = line["note"].strip().removeprefix("'")
        found.append(Verdict(0, "", record, verdict, who, what, note, folder.queued.get(record, "")))
    if wrong:
        more = f" (and {len(wrong) - 10} more)" if len(wrong) > 10 else ""
        raise BadInput(f"{path}: {'; '.join(wrong[:10])}{more}. Nothing was taken over.")
    return found


def _row(folder: Folder, record: str) -> int:
    at = np.flatnonzero(folder.records["record"].to_numpy() == record)
    if not len(at):
        some = ", ".join(map(repr, folder.records["record"].head(3)))
        raise BadInput(f"There is no record {record!r} in this review. They are called like {some}.")
    return int(at[0])
