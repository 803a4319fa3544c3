"""A review that runs at intervals: what earlier ones came to, and what is new beside it.

The state is the folders of the reviews, one each time, and nothing beside them. A named person approves one
(`approve`); without his word its records wait, and are under review again the next time. It is never rolled forward by
itself: a reference that learns the poison of one night takes it for granted the next.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vauban.contracts import Labelled
from vauban.errors import BadInput
from vauban.monitors.dossier import POISON, RIGHT, Dossier
from vauban.project.tables import read_table
from vauban.records import Mask
from vauban.review.folder import Folder, read
from vauban.review.intake import Columns, Taken, prepared, read_rows, schema_of
from vauban.review.standing import counted, standing
from vauban.store.repository import Verdict, open_store

APPROVAL = "approval.json"
VERIFIED = "verified.parquet"
BESIDE = 20_000
"""Approved records, at most, that new ones are seen beside: the latest."""
LAST, FEW = 10, 2
"""Of so many records that were looked at last so many may be poison: else there is more to come."""
WAITS, APPROVED, HELD, CALLED_RIGHT, CALLED_POISON, CHECKED = range(6)
"""Where a record of an earlier review stands; of two words on the same record, the later in this list counts."""
_ASIDE = ("record", "label", "source", "time")


@dataclass(frozen=True, eq=False)
class State:
    """What earlier reviews came to.

    Attributes:
        records: as in records.parquet, each once, in the order in which they came, with ``night``, the number of the
            review that saw it first, ``stands``, one of `WAITS` to `CHECKED`, and ``turned``: its label is a mistake.
        model: the last model that was approved; None where none was.
        last: the latest review; None where there was none.
        open: (folder, n) of the reviews in which n records are held.
    """

    records: pd.DataFrame | None
    model: Path | None
    last: Folder | None
    open: tuple[tuple[str, int], ...]
    nights: int = 0


def read_state(path: Path) -> State:
    """Return what the reviews in a folder came to; BadInput where one is damaged, or was changed since its approval."""
    parts, waiting, model, last = [], [], None, None
    folders = sorted(p.parent for p in path.glob("*/review.json")) if path.exists() else []
    for night, run in enumerate(folders):
        last = read(run)
        approval = _approval(run)
        if approval is not None and approval["model"] is not None:
            model = run / approval["model"]
        given = _verdicts(last)
        parts.append(_stood(last, given, approved=approval is not None).assign(night=night))
        if (run / VERIFIED).exists():
            known = pd.read_parquet(run / VERIFIED)
            parts.append(known.assign(stands=CHECKED, turned=False, night=night))
        held = sum(s.state == "held" for s in standing(given).values())
        if held:
            waiting.append((run.name, held))
    records = _latest(pd.concat(parts, ignore_index=True)) if parts else None
    return State(records, model, last, tuple(waiting), len(folders))


def _verdicts(folder: Folder) -> list[Verdict]:
    if not folder.verdicts.exists():
        return []
    with open_store(folder.verdicts) as store:
        return store.verdicts()


def _stood(folder: Folder, given: Sequence[Verdict], *, approved: bool) -> pd.DataFrame:
    said, stands = counted(given), standing(given)

    def place(record: str) -> int:
        if record not in stands:
            return APPROVED if approved else WAITS
        if any(v.verdict == "poison" for v in said[record]):
            return CALLED_POISON
        return HELD if stands[record].state == "held" else CALLED_RIGHT

    records = folder.under_review
    turned = [r in stands and stands[r].state == "mistake" for r in records["record"]]
    return records.assign(stands=[place(r) for r in records["record"]], turned=turned)


def _latest(records: pd.DataFrame) -> pd.DataFrame:
    """Return each record once, as it was when it was last seen, with the word that counts."""
    version = _versions(records)
    first, last = (records["night"].groupby(version).transform(f) for f in ("min", "max"))
    strongest = records["stands"].groupby(version).transform("max") == records["stands"]
    records = records.assign(night=first, seen=last)[strongest]
    order = np.lexsort((records["stands"], records["seen"]))
    records = records.iloc[order]
    old = records.duplicated("record", keep="last")
    was = _as_it_was(records[old & (records["stands"] == CALLED_POISON)])
    records = pd.concat([was, records[~old]]).drop(columns="seen")
    return records.sort_values("night", kind="stable").reset_index(drop=True)


def _as_it_was(poison: pd.DataFrame) -> pd.DataFrame:
    """Return records that say something else by now under names of their own: what they were is still known poison."""
    return poison.assign(record=poison["record"] + " (as it was)").drop_duplicates("record", keep="last")


def _versions(records: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return a number for each record as it is (n,): its name, fields, source and label. When it came is not part."""
    fields = [c for c in records.columns if c in ("record", "label", "source") or str(c).startswith("field.")]
    return np.asarray(records.groupby(fields, dropna=False, sort=False).ngroup())


def of_nights(path: Path, columns: Columns, trusted: Path | None, state: State, seed: int) -> Taken[Dossier] | None:
    """Return what of a file is to be reviewed now, beside what earlier reviews came to; None where nothing is new.

    A record is known by its name and by all that it says: one that has the name of an earlier one and says something
    else is new. What was not approved, and what nobody gave a verdict on, is under review again.

    Raises:
        BadInput: as `of_file`; or records have no names, one name is given twice, or the columns are not those of
            before.
    """
    if columns.record is None:
        raise BadInput("--state needs the records' own names, to know them again: name their column, --id COLUMN.")
    rows = read_rows(path, columns)
    now: dict[str, Any] = {"record": rows.record, "label": rows.labels}
    now |= {} if rows.sources is None else {"source": rows.sources}
    now |= {} if rows.times is None else {"time": rows.times}
    frame, _, _ = prepared(rows.features, columns.text)
    fields = frame.rename(columns={c: f"field.{c}" for c in frame.columns}).reset_index(drop=True)
    tonight = pd.concat([pd.DataFrame(now), fields], axis=1)
    twice = tonight["record"][tonight["record"].duplicated()]
    if len(twice):
        raise BadInput(f"{path}: {len(twice)} records have the name of another, the first {twice.iloc[0]!r} (--id).")
    before = tonight.iloc[:0].assign(night=0, stands=WAITS, turned=False) if state.records is None else state.records
    _same_columns(before, tonight)
    fresh = _not_in(tonight, before)
    if not fresh.any():
        return None
    new = tonight[fresh].assign(night=state.nights, stands=WAITS, turned=False)
    altered = before["record"].isin(new["record"])
    changed = before["record"][altered & (before["stands"] > WAITS)]
    was = _as_it_was(before[altered & (before["stands"] == CALLED_POISON)])
    before = pd.concat([was, before[~altered & ~before["record"].isin(was["record"])]], ignore_index=True)
    surplus = np.flatnonzero(before["stands"] == APPROVED)[:-BESIDE]
    before = before.drop(index=before.index[surplus])
    whole = pd.concat([before, new], ignore_index=True) if len(before) else new.reset_index(drop=True)
    checked = _checked(whole, trusted, path) & ~whole["record"].isin(changed).to_numpy()
    if len(whole) - checked.sum() < 2:
        raise BadInput(f"{path}: there is one record to review. Wait for more, or name fewer verified ones.")
    notes = [
        *rows.notes,
        f"{len(new)} records are new, {int((before['stands'] == WAITS).sum())} still wait from before",
    ]
    waiting = [f"{held} records of {run} are held: somebody must decide" for run, held in state.open]
    if len(changed):
        some = ", ".join(changed.head(5))
        waiting.append(f"{len(changed)} records are not what they were when they were approved or decided on: {some}")
    if len(surplus):
        notes.append(f"of the approved records the latest {BESIDE} are looked at")
    taken = _as_taken(whole, checked, columns, seed)
    return replace(taken, name=path.name, notes=(*notes, *taken.notes), waiting=tuple(waiting))


def _same_columns(before: pd.DataFrame, tonight: pd.DataFrame) -> None:
    told = {c for c in before.columns if c not in ("night", "stands", "turned")}
    apart = sorted(told ^ set(tonight.columns))
    if apart:
        names = ", ".join(str(c).removeprefix("field.") for c in apart[:10])
        raise BadInput(
            f"These records do not have the columns of earlier reviews: {names}. Start a state anew: --state."
        )


def _not_in(tonight: pd.DataFrame, before: pd.DataFrame) -> Mask:
    """Return which of tonight's records are not in the state: a mistake is known with either label."""
    corrected = before[before["turned"]]
    corrected = corrected.assign(label=1 - corrected["label"])
    known = pd.concat([before, corrected])[list(tonight.columns)]
    version = _versions(pd.concat([known, tonight], ignore_index=True) if len(known) else tonight)
    return ~np.isin(version[len(known) :], version[: len(known)])


def _checked(whole: pd.DataFrame, trusted: Path | None, path: Path) -> Mask:
    """Return which records are verified (n,)."""
    checked = np.array(whole["stands"] == CHECKED)
    if trusted is None:
        return checked
    listed = read_table(trusted).iloc[:, 0].astype("str")
    strange = sorted(set(listed) - set(whole["record"]))
    if strange:
        raise BadInput(
            f"{trusted} names {len(strange)} records that are neither in {path} nor in earlier reviews, the first "
            f"{strange[0]!r}."
        )
    return np.asarray(checked | whole["record"].isin(listed))


def _as_taken(whole: pd.DataFrame, checked: Mask, columns: Columns, seed: int) -> Taken[Dossier]:
    fields = [c for c in whole.columns if str(c).startswith("field.")]
    frame = whole[fields].rename(columns=lambda c: str(c).removeprefix("field."))
    schema, frame, notes = schema_of(frame, columns.text)
    labels = np.where(whole["turned"], 1 - whole["label"], whole["label"]).astype(np.int8)
    stands, keep = whole["stands"].to_numpy(), np.flatnonzero(~checked)
    records = schema.encode(frame)
    told = np.select([stands == CALLED_POISON, stands == CALLED_RIGHT], [POISON, RIGHT], 0).astype(np.int8)
    dossier = Dossier(
        records[keep],
        labels[keep],
        schema,
        whole["source"].to_numpy(dtype=object)[keep] if "source" in whole else None,
        whole["night"].to_numpy(dtype=np.int64)[keep],
        Labelled(records[checked], labels[checked]) if checked.any() else None,
        None,
        seed,
        (stands == WAITS)[keep],
        told[keep],
    )
    times = whole["time"].to_numpy()[keep] if "time" in whole else None
    verified = whole[checked][[c for c in whole.columns if c in _ASIDE or c in fields]] if checked.any() else None
    name, record = "", whole["record"].to_numpy(dtype=object)[keep]
    return Taken(name, frame.iloc[keep].reset_index(drop=True), record, dossier, tuple(notes), times, (), verified)


def approve(folder: Folder, reviewer: str | None, role: str | None, model: Path | None) -> dict[str, Any]:
    """Roll the state forward: what this review is of, and nobody called poison, is what later records are seen beside.

    Raises:
        BadInput: nobody is named, he is no data scientist, the review waits for a person, what was looked at last was
            poison, it was approved before, or the model's file cannot be read.
    """
    if not reviewer or not reviewer.strip():
        raise BadInput("Say who approves: --reviewer NAME.")
    if role != "data-scientist":
        raise BadInput("A data scientist approves: --role data-scientist.")
    if _approval(folder.path) is not None:
        raise BadInput(f"{folder.path} was approved before, by {_approval(folder.path)['by']}.")  # type: ignore[index]
    given = _verdicts(folder)
    if folder.waits(given):
        raise BadInput(
            f"{folder.path} waits for a person. See: vauban review status {folder.path}. Nothing was approved."
        )
    found = _found_last(given)
    if found > FEW:
        raise BadInput(
            f"Of the last {LAST} records that were looked at {found} are poison: there is more. Read on: vauban review "
            f"next {folder.path}. Nothing was approved."
        )
    kept = None
    if model is not None:
        kept = f"approved{model.suffix}"
        try:
            shutil.copyfile(model, folder.path / kept)
        except OSError as error:
            raise BadInput(f"The model {model} cannot be copied: {error.strerror}. Name its file: --model.") from error
    files = ("records.parquet", VERIFIED, kept)
    said: dict[str, Any] = {
        "by": reviewer.strip(),
        "role": role,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "last_verdict": given[-1].hash if given else "",
        "model": kept,
        "sha256": {n: _sha(folder.path / n) for n in files if n is not None and (folder.path / n).exists()},
    }
    (folder.path / APPROVAL).write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return said


def _found_last(given: Sequence[Verdict]) -> int:
    """Return how many of the `LAST` records that were looked at are called poison."""
    said = counted(given)
    order = list(dict.fromkeys(v.record for v in reversed(given) if v.record in said))
    return sum(any(v.verdict == "poison" for v in said[r]) for r in order[:LAST])


def _approval(run: Path) -> dict[str, Any] | None:
    """Return who approved a review and what; None where nobody did."""
    try:
        said: dict[str, Any] = json.loads((run / APPROVAL).read_text(encoding="utf-8"))
        changed = [name for name, digest in said["sha256"].items() if _sha(run / name) != digest]
    except FileNotFoundError as error:
        if Path(error.filename).name == APPROVAL:
            return None
        raise BadInput(f"{error.filename} was approved and is gone. Restore it.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{run / APPROVAL} cannot be read: {error}. Restore it, or approve the review anew.") from error
    if changed:
        raise BadInput(f"{run / changed[0]} is not what {said['by']} approved. Restore it, or review it anew.")
    return said


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
