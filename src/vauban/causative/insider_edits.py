"""Edit stored records under their right labels, so that a model learns the wrong rule from them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vauban.causative.insider import Blocked, altering, asked_share, believed, hurt_by, lesson_of
from vauban.contracts import Ask, Brief, Claim, Move, Outcome, Tamper
from vauban.records import Ints, Modality, Records
from vauban.schema import TableSchema
from vauban.tactics.ascent import Slope, ascended
from vauban.tactics.logistic import Columns
from vauban.tactics.stored import Stored
from vauban.tactics.undermining import Lesson
from vauban.threat import Grant

FAR = 3.0
"""Standard deviations beyond which what a record could still do counts no more."""
SHARPNESS = (0.0, 4.0)
"""Losses that are raised, see `vauban.tactics.logistic.rising`; the edits that are worst for his own model are kept."""


@dataclass(frozen=True)
class InsiderEdits:
    """Change values of stored records, and no label: within bounds, grid and relations, of what such people may change.

    For integrity it is good records that come to look as harmful ones do, for availability harmful ones that look good.
    They are those whose edits move a model of his own most, and they move up its implicit gradient (Mei and Zhu, "Using
    machine teaching to identify optimal training-set attacks on machine learners", AAAI 2015, section 3: training
    records are edited, at a bounded effort). Nobody labels anything: the labels are those that the records came with.
    """

    modalities = frozenset({Modality.TABULAR})
    wants = frozenset({Grant.TAMPER})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Blocked]:
        """Ask of known records whether they are blocked."""
        return asked_share(brief, brief.known.records)

    def campaign(self, intelligence: Blocked, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Edit the same share of what is stored today and of what each round adds."""
        return altering(brief, lambda stored, count: _edits(stored, brief, intelligence.share, count))

    def dress(self, records: Records, intelligence: Blocked, brief: Brief) -> Records:
        """Return the records as they are: he relies on the model being worse."""
        return records


def _edits(stored: Stored, brief: Brief, blocked: float | None, count: int) -> Tamper:
    schema, hurt = brief.schema, hurt_by(brief, stored)
    assert isinstance(schema, TableSchema)  # noqa: S101 - of tables alone, says `modalities`
    label, records = 1 - int(brief.cell.harmful), stored.data.records
    may = np.flatnonzero((stored.truth == label) & (stored.data.labels == label) & ~stored.poison)
    if not hurt.any() or not len(may):
        return Tamper(stored.ids[:0], records=records[:0])
    lesson, columns = lesson_of(brief, stored, hurt, np.ones(len(stored), dtype=bool)), Columns.of(schema, records)
    wrong, best, most = believed(lesson, blocked), (may[:0], records[:0]), -np.inf
    for sharp in SHARPNESS:
        chosen = _promising(records, may, _slope(lesson, columns, may, label, sharp), schema)[:count]
        edited = ascended(records[chosen], _slope(lesson, columns, chosen, label, sharp), schema)
        x = lesson.x.copy()
        x[chosen] = columns.matrix(edited)
        reached = wrong(lesson, replace(lesson, x=x).fitted(lesson.y))
        if reached > most:
            best, most = (chosen, edited), reached
    chosen, edited = best
    changed = ((edited != records[chosen]) & ~(np.isnan(edited) & np.isnan(records[chosen]))).any(axis=1)
    return Tamper(stored.ids[chosen[changed]], records=edited[changed])


def _slope(lesson: Lesson, columns: Columns, moving: Ints, label: int, sharp: float) -> Slope:
    others = np.ones(len(lesson.y), dtype=bool)
    others[moving] = False
    hurt = lesson.hurt
    return Slope(
        columns, lesson.x[others], lesson.y[others], lesson.x[hurt], lesson.truth[hurt], float(label), sharp=sharp
    )


def _promising(records: Records, may: Ints, slope: Slope, schema: TableSchema) -> Ints:
    """Return records that may be edited, those first whose slope, over as far as they can go along it, is highest."""
    features, places = (np.array(c, dtype=np.int64) for c in zip(*slope.columns.feature_of(), strict=True))
    gradient = slope.at(records[may])[0][:, places]
    low, high = schema.span(records[may])
    reach = np.where(gradient > 0, high[:, features], low[:, features]) - records[may][:, features]
    promise = np.nan_to_num(gradient * np.clip(reach / slope.columns.spread[features], -FAR, FAR)).sum(axis=1)
    return np.asarray(may[np.argsort(-promise, kind="stable")])
