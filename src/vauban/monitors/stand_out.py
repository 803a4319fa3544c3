"""Hold what stands out of a batch: triggers, campaigns, sections and sources that chance would not bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.contracts import Batch, GateContext, Screening
from vauban.monitors.arrivals import Arrivals
from vauban.monitors.copies import Copies
from vauban.monitors.dossier import Detector, Dossier
from vauban.monitors.phrases import Phrases
from vauban.monitors.segments import Combinations, Segments
from vauban.monitors.shape import Shape
from vauban.monitors.triggers import Triggers


@dataclass(frozen=True)
class StandOut:
    """Hold the records that detectors of the review are sure of, with the last approved model as the judge.

    What is looked at is the batch with a part of what is stored, so that a campaign which comes a few records a round
    is seen as one. Probabilities are corrected for all that a detector looked at; near-duplicates are held where they
    are many and contradicted.

    Attributes:
        level: corrected probability up to which a record is held.
        stored: most stored records that are looked at beside the batch, the latest.
    """

    level: float = 0.009
    stored: int = 2000

    def screen(self, batch: Batch, context: GateContext) -> Screening:
        """Return which records of a batch may be trained on."""
        n = len(batch.data)
        held, evidence = np.zeros(n, dtype=bool), []
        if not n:
            return Screening(~held)
        late = context.stored.take(np.arange(max(len(context.stored) - self.stored, 0), len(context.stored)))
        whole = late.plus(batch.data)
        mine = np.arange(len(late), len(whole))
        sources = np.concatenate([np.full(len(late), "stored", dtype=object), batch.sources.astype(object)])
        dossier = Dossier(
            whole.records,
            whole.labels,
            context.schema,
            sources,
            None,
            context.trusted,
            context.approved,
            int(context.seed[0]),
        )
        detectors: tuple[Detector, ...] = (
            Triggers(),
            Phrases(),
            Combinations(),
            Segments(),
            Arrivals(),
            Copies(),
            Shape(),
        )
        for detector in detectors:
            if detector.unfit(dossier) is not None:
                continue
            signal = detector.score(dossier)
            sure = signal.p <= self.level
            if isinstance(detector, Copies):
                sure &= signal.score >= CONTRADICTED
            if isinstance(detector, Shape):
                sure = signal.score >= MONSTROUS
            found = sure[mine]
            if found.any():
                first = int(mine[np.argmax(np.where(found, signal.score[mine], -np.inf))])
                evidence.append(f"{int(found.sum())} records: {signal.why[first]}")
            held |= found
        return Screening(~held, tuple(evidence))


MONSTROUS = 6.0
"""Robust standard deviations of size from which on a record is like no other of its label."""
CONTRADICTED = 2.25
"""Score of `Copies` from which a family is both large and contradicted: eight records, by half of what others say."""
