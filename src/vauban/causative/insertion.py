"""Insert records that move a model of one's own most: gradient ascent through its training."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.causative.sending import every_round, owned
from vauban.contracts import Ask, Brief, Claim, Effect, Move, Outcome, no_scouting
from vauban.records import Floats, Mask, Modality, Records
from vauban.schema import TableSchema
from vauban.tactics.ascent import Slope, ascended, everywhere
from vauban.tactics.logistic import Columns
from vauban.threat import Grant


@dataclass(frozen=True)
class Points:
    """Records to insert."""

    records: Records
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Insertion:
    """Send records that a model of his own, trained on what he knows, is misled by most.

    They start as known records of the class that is to be decided otherwise, with the other label, and move up the
    gradient of the loss of such records after retraining, within what the schema lets him make of each. Biggio, Nelson
    and Laskov, "Poisoning attacks against support vector machines" (ICML 2012), with the implicit gradient of logistic
    regression; what misleads it often misleads trees and machines as well. Concentrated (``distinct``), few places hold
    all of it, each within the radius at which most records of its label lie from their centre, so that a sanitiser that
    cuts off what is far away lets it through: Koh, Steinhardt and Liang, "Stronger data poisoning attacks break data
    sanitization defenses" (Machine Learning 111, 2022, sections 4 and 5).

    Attributes:
        distinct: places; 0 is as many as he can send in all.
        inside: share of the known records of a label within the radius that he keeps to; 1 keeps to none.
    """

    distinct: int = 0
    inside: float = 1.0

    modalities = frozenset({Modality.TABULAR})
    wants = frozenset({Grant.SEND})

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Points]:
        """Ask nothing: move records uphill on a model of his own."""
        return no_scouting(Points(self._points(brief)))

    def campaign(self, intelligence: Points, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Send them in turn, as many as he can each round."""
        points, sent = intelligence.records, 0

        def next_ones(count: int) -> Records:
            nonlocal sent
            if not len(points):
                return points
            chosen = points[(sent + np.arange(count)) % len(points)]
            sent += count
            return chosen

        why = "his own accounts, or the outcomes that he reports, say so"
        return every_round(brief, next_ones, 1 - int(brief.cell.harmful), why)

    def dress(self, records: Records, intelligence: Points, brief: Brief) -> Records:
        """Return the records as they are: he relies on the model being worse."""
        return records

    def _points(self, brief: Brief) -> Records:
        known, campaign, schema = brief.known, brief.campaign, brief.schema
        base = owned(brief, int(brief.cell.harmful))
        if campaign is None or known.labels is None or not isinstance(schema, TableSchema):
            return known.records[:0]
        total = campaign.sends * campaign.rounds
        if not total or min(np.bincount(known.labels, minlength=2)) < 2:
            return base[:0]
        rng = brief.rng()
        places = min(self.distinct or total, total)
        base = base[rng.integers(len(base), size=places)]
        # His own training set stands for the owner's: as large a share of it is poison.
        share = campaign.sends / max(campaign.sends + campaign.collected, 1)
        weight = max(1, round(share * len(known.records) / ((1 - share) * places)))
        return self._uphill(base, weight, brief, schema)

    def _uphill(self, base: Records, weight: int, brief: Brief, schema: TableSchema) -> Records:
        known = brief.known
        assert known.labels is not None  # noqa: S101 - who knows no label has no base
        columns = Columns.of(schema, known.records)
        x, y = columns.matrix(known.records), known.labels.astype(np.float64)
        label = 1 - int(brief.cell.harmful)
        hurt = known.labels == int(brief.cell.harmful)
        hurt = hurt & known.aimed if (hurt & known.aimed).any() else hurt
        slope = Slope(columns, x, y, x[hurt], y[hurt], float(label), weight)
        return ascended(base, slope, schema, self._sphere(x[known.labels == label]))

    def _sphere(self, x: Floats) -> Callable[[Floats], Mask]:
        """Return which numbers lie within the radius that he keeps to, around the centre of records (n, p)."""
        if self.inside >= 1 or not len(x):
            return everywhere
        centre = x.mean(axis=0)
        radius = float(np.quantile(np.linalg.norm(x - centre, axis=1), self.inside))
        return lambda numbers: np.asarray(np.linalg.norm(numbers - centre, axis=1) <= radius)
