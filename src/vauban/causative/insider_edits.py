"""Edit stored records under their right labels, so that a model learns the wrong rule from them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.insider import altering, hurt_by
from vauban.contracts import Ask, Brief, Claim, Move, NothingLearnt, Outcome, Tamper, no_scouting
from vauban.records import Modality, Records
from vauban.schema import TableSchema
from vauban.tactics.ascent import Slope, ascended
from vauban.tactics.logistic import Columns
from vauban.tactics.stored import Stored
from vauban.threat import Grant


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

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        """Ask nothing: he sees the training data itself."""
        return no_scouting(NothingLearnt())

    def campaign(self, intelligence: NothingLearnt, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Edit the same share of what is stored today and of what each round adds."""
        return altering(brief, lambda stored, count: _edits(stored, brief, count))

    def dress(self, records: Records, intelligence: NothingLearnt, brief: Brief) -> Records:
        """Return the records as they are: he relies on the model being worse."""
        return records


def _edits(stored: Stored, brief: Brief, count: int) -> Tamper:
    schema, hurt = brief.schema, hurt_by(brief, stored)
    assert isinstance(schema, TableSchema)  # noqa: S101 - of tables alone, says `modalities`
    label = 1 - int(brief.cell.harmful)
    may = np.flatnonzero((stored.truth == label) & (stored.data.labels == label) & ~stored.poison)
    if not hurt.any() or not len(may):
        return Tamper(stored.ids[:0], records=stored.data.records[:0])
    columns = Columns.of(schema, stored.data.records)
    x, y = columns.matrix(stored.data.records), stored.data.labels.astype(np.float64)
    truth = stored.truth.astype(np.float64)

    def slope(chosen: np.ndarray[Any, np.dtype[np.int64]]) -> Slope:
        others = np.ones(len(stored), dtype=bool)
        others[chosen] = False
        return Slope(columns, x[others], y[others], x[hurt], truth[hurt], float(label))

    # What each could do: its slope, over as far as it can go in the direction that it says.
    features, places = (np.array(c, dtype=np.int64) for c in zip(*columns.feature_of(), strict=True))
    records = stored.data.records
    gradient = slope(may).at(records[may])[0][:, places]
    low, high = schema.span(records[may])
    reach = np.where(gradient > 0, high[:, features], low[:, features]) - records[may][:, features]
    promise = np.nan_to_num(gradient * np.clip(reach / columns.spread[features], -FAR, FAR)).sum(axis=1)
    chosen = np.sort(may[np.argsort(-promise, kind="stable")[:count]])
    edited = ascended(records[chosen], slope(chosen), schema)
    changed = ((edited != records[chosen]) & ~(np.isnan(edited) & np.isnan(records[chosen]))).any(axis=1)
    return Tamper(stored.ids[chosen[changed]], records=edited[changed])


FAR = 3.0
"""Standard deviations beyond which what a record could still do counts no more."""
