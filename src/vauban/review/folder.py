"""A review's folder: the records, what detectors say of them, the order of reading, and people's verdicts.

review.json       what was reviewed, what stands out, what was not looked for
queue.csv         what to look at, in order, with columns for verdicts; queue.parquet the same
records.parquet   every record under review, as it is trained on
signals.parquet   every detector's score and probability of every record
near.npz          by what records are alike
verified.parquet  verified records, where reviews follow each other
approval.json     who approved it, where somebody did
verdicts.sqlite   verdicts, once there are any
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, load_npz, save_npz

from vauban.errors import BadInput
from vauban.monitors.disagreement import meaning
from vauban.monitors.dossier import POISON, RIGHT, Dossier
from vauban.results import to_json
from vauban.review.examine import HARM, Examined
from vauban.review.intake import Taken
from vauban.review.ranking import ALIKE, FAMILY, RANDOM, Ranking, told_apart
from vauban.review.standing import counted, in_force, standing
from vauban.store.repository import Verdict

TRAINING, PREDICTIONS = "training data", "predictions"
"""Kinds of review: of what a record is labelled, and of what was decided of it."""
DECIDED_AS = ("passes", "does not pass")
"""What is shown of a decision."""
FILLED = ("verdict", "reviewer", "role", "note")
"""Columns of queue.csv that people fill."""
ASIDE = (
    "place",
    "item",
    "record",
    "family",
    "size",
    "reason",
    "why",
    "score",
    "p",
    "band",
    "given_label",
    "suggested_label",
)
BEFORE = "before"
"""Column of records.parquet with what people said in earlier reviews; where they did, a record is not under review."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, eq=False)
class Folder:
    """A review that was written, read again."""

    path: Path
    about: Mapping[str, Any]
    records: pd.DataFrame
    signals: pd.DataFrame
    near: csr_matrix

    @property
    def verdicts(self) -> Path:
        """Where the verdicts are."""
        return self.path / "verdicts.sqlite"

    def ranking(self, verdicts: list[Verdict]) -> Ranking:
        """Return the order of reading after the verdicts so far."""
        made = ranking_of(self)
        row = {record: i for i, record in enumerate(self.records["record"])}
        told: set[int] = set()
        for verdict in in_force(verdicts):
            at = row.get(verdict.record)
            if at is not None and at not in told:
                told.add(at)
                made.tell(at, verdict.reason or RANDOM, verdict.verdict == "poison")
        return made

    @property
    def before(self) -> NDArray[np.int8]:
        """What was said of each record in earlier reviews (n,): 0 where it is under review."""
        if BEFORE not in self.records.columns:
            return np.zeros(len(self.records), dtype=np.int8)
        return np.asarray(self.records[BEFORE].to_numpy(), dtype=np.int8)

    @property
    def under_review(self) -> pd.DataFrame:
        """The records that this review is of, without those that it remembers from earlier ones."""
        return self.records[self.before == 0].drop(columns=BEFORE, errors="ignore")

    def waits(self, given: Sequence[Verdict]) -> bool:
        """Return whether a person is needed: something is held, or stands out and was not looked at far enough."""
        held = any(s.state == "held" for s in standing(given).values())
        return held or (bool(self.about["alarm"]) and len(counted(given)) < self.budget)

    @property
    def budget(self) -> int:
        """How many records people are to look at."""
        return min(int(self.about["budget"]), int((self.before == 0).sum()))

    @cached_property
    def queued(self) -> Mapping[str, str]:
        """The queue that each record of queue.parquet was first shown from, by the record."""
        queue = self.path / "queue.parquet"
        if not queue.exists():
            return {}
        shown = pd.read_parquet(queue, columns=["record", "reason"])
        return dict(zip(shown["record"].astype(str), shown["reason"].astype(str), strict=True))

    def line(self, row: int, reason: str) -> dict[str, Any]:
        """Return what queue.csv says of a record, without its place."""
        return _line(self.records.iloc[row], self.signals.iloc[row], reason, str(self.about["review"]))


def ranking_of(folder: Folder) -> Ranking:
    """Return the order of reading before any verdict of this review: what was said in earlier ones counts."""
    signals = folder.signals
    names = [c.removeprefix("score.") for c in signals.columns if c.startswith("score.")]
    scores = {n: signals[f"score.{n}"].to_numpy() for n in names}
    chances = {n: signals[f"p.{n}"].to_numpy() for n in names}
    made = Ranking(scores, chances, folder.near, signals["kin"].to_numpy(), int(folder.about["seed"]))
    before = folder.before
    for row in np.flatnonzero(before == RIGHT).tolist():
        made.tell(row, RANDOM, poison=False)
    for row in np.flatnonzero(before == POISON).tolist():
        made.tell(row, RANDOM, poison=True)
    return made


def write(
    out: Path,
    taken: Taken[Dossier],
    examined: Examined,
    budget: int,
    command: str,
    *,
    of: str = TRAINING,
    beside: pd.DataFrame | None = None,
    told: Sequence[str] = (),
) -> Folder:
    """Write a review's folder.

    Args:
        out: an empty folder.
        taken: what was reviewed.
        examined: what detectors say of it.
        budget: records that people can look at.
        command: what it was made by.
        of: what kind of records: `TRAINING` data, or `PREDICTIONS`, whose label is what was decided.
        beside: what else a person should see of each record (n rows).
        told: what else a person should know of the whole.
    """
    dossier, labels = taken.dossier, taken.dossier.labels
    table: dict[str, Any] = {"kin": dossier.family * 2 + labels, "family": dossier.family, "size": dossier.size}
    for name, signal in examined.signals.items():
        table |= {f"score.{name}": signal.score, f"p.{name}": signal.p, f"why.{name}": signal.why}
    shown = np.flatnonzero(dossier.asked | (dossier.heard != 0))  # what was approved and is all right stays out
    signals = pd.DataFrame(table).iloc[shown].reset_index(drop=True)
    near = told_apart(dossier.view.linear[shown], [s.score[shown] for s in examined.signals.values()])
    about = {
        "review": of,
        "data": taken.name,
        "records": int(dossier.asked.sum()),
        "harmful": int(labels[dossier.asked].sum()),
        "beside": int((~dossier.asked).sum()),
        "trusted": 0 if dossier.trusted is None else len(dossier.trusted),
        "approved": None if dossier.approved is None else dossier.approved.name,
        "seed": dossier.seed,
        "budget": budget,
        "alarm": examined.alarm,
        "findings": {name: list(lines) for name, lines in examined.findings.items() if lines},
        "hygiene": list(examined.hygiene),
        "notes": [*taken.notes, *told],
        "looked_for": list(examined.signals),
        "not_looked_for": examined.skipped,
        "command": command,
    }
    extra = {"record": taken.record, "label": labels}
    if dossier.told is not None:
        extra[BEFORE] = dossier.told
    if dossier.sources is not None:
        extra["source"] = dossier.sources
    if taken.times is not None:
        extra["time"] = taken.times
    frame = taken.frame.reset_index(drop=True)
    if beside is not None:
        frame = pd.concat([beside, frame.drop(columns=beside.columns, errors="ignore")], axis=1)
    fields = frame.rename(columns={c: f"field.{c}" for c in frame.columns})
    records = pd.concat([pd.DataFrame(extra), fields], axis=1).iloc[shown].reset_index(drop=True)
    records.to_parquet(out / "records.parquet", index=False)
    if taken.verified is not None:
        taken.verified.to_parquet(out / "verified.parquet", index=False)
    signals.to_parquet(out / "signals.parquet", index=False)
    save_npz(out / "near.npz", near)
    folder = Folder(out, about, records, signals, near)
    queue = first_queue(folder, budget)
    queue.to_parquet(out / "queue.parquet", index=False)
    defused(queue).to_csv(out / "queue.csv", index=False)
    (out / "review.json").write_text(json.dumps(to_json(about), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def first_queue(folder: Folder, most: int) -> pd.DataFrame:
    """Return what to look at first: each queue's head in turn, the ones that promise most more often."""
    ranking = ranking_of(folder)
    lines = []
    for place in range(1, most + 1):
        look = ranking.next()
        if look is None:
            break
        ranking.pass_over(look.row)
        lines.append({"place": place, **folder.line(look.row, look.reason), **dict.fromkeys(FILLED, "")})
    return pd.DataFrame(lines)


def _line(record: Any, signal: Any, reason: str, of: str) -> dict[str, Any]:
    names = [c.removeprefix("score.") for c in signal.index if c.startswith("score.")]
    best = reason if reason in names else min(names, key=lambda n: float(signal[f"p.{n}"]), default="")
    p = float(signal[f"p.{best}"]) if best else 1.0
    said = [str(signal[f"why.{n}"]) for n in ([best] if reason in names else _strongest(signal, names)) if n]
    why = {RANDOM: "drawn by lot", FAMILY: "of the family of one that was found", ALIKE: "like those that were found"}
    text = why.get(reason, "; ".join(x for x in said if x) or f"stands out by its {best}")
    if reason != HARM and signal.get(f"why.{HARM}"):
        text = f"{text}; {signal[f'why.{HARM}']}"
    label = int(record["label"])
    words = (meaning(0), meaning(1)) if of == TRAINING else DECIDED_AS
    fields = {k.removeprefix("field."): v for k, v in record.items() if str(k).startswith("field.")}
    family = int(signal["size"]) > 1
    return {
        "item": f"family {signal['family']}" if family else f"record {record['record']}",
        "record": record["record"],
        "family": f"family {signal['family']}" if family else "",
        "size": int(signal["size"]),
        "reason": reason,
        "why": text,
        "score": float(signal[f"score.{best}"]) if best else 0.0,
        "p": p,
        "band": RANDOM if reason == RANDOM else _band(p),
        "given_label": words[label],
        "suggested_label": words[1 - label],
        "source": record.get("source", ""),
        "time": record.get("time", ""),
        **fields,
    }


def _strongest(signal: Any, names: list[str]) -> list[str]:
    return sorted((n for n in names if n != HARM), key=lambda n: float(signal[f"p.{n}"]))[:2]


def _band(p: float) -> str:
    return "very likely" if p <= 0.001 else "likely" if p <= 0.01 else "possible"


def defused(queue: pd.DataFrame) -> pd.DataFrame:
    """Return a table for CSV in which no text is a formula to a spreadsheet."""
    out = queue.copy()
    for name in out.columns:
        if out[name].dtype in (object, "str"):
            out[name] = [f"'{v}" if isinstance(v, str) and v.startswith(_FORMULA) else v for v in out[name]]
    return out.rename(columns=lambda c: f"'{c}" if str(c).startswith(_FORMULA) else c)


def read(path: Path) -> Folder:
    """Return a review's folder; BadInput if it is none, or damaged."""
    try:
        about = json.loads((path / "review.json").read_text(encoding="utf-8"))
        records = pd.read_parquet(path / "records.parquet")
        signals = pd.read_parquet(path / "signals.parquet")
        near = load_npz(path / "near.npz").tocsr()
        int(about["seed"])
    except FileNotFoundError as error:
        raise BadInput(
            f"{path} is no review's folder: {error.filename} is missing. Make one: vauban review train."
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path} cannot be read: {error}. Review the data anew.") from error
    return Folder(path, about, records, signals, near)
