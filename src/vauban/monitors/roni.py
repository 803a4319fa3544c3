"""Reject on negative impact: try out what a group of records does before it is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Batch, GateContext, Labelled, Screening, Target
from vauban.monitors.families import families
from vauban.records import Floats, Ints
from vauban.threat import Decision


@dataclass(frozen=True)
class Roni:
    """Train with and without each group of a batch (a source, a family of near-duplicates); hold groups that do damage.

    Nelson et al., "Exploiting machine learning to subvert your spam filter" (LEET 2008), section 4.1, by groups instead
    of single records, and with the damage of each class apart: an attack that blocks good records may well catch more
    harmful ones. What counts as damage is read off random groups of the stored data of the same size. It is blind to
    attacks that do no damage on the trusted records, targeted ones above all.

    Attributes:
        base: stored records that the trials train on.
        groups: most groups of either kind tried a round, the largest first.
        clean: random groups of stored records, to know what chance does.
        least: records of a group that is worth a trial.
    """

    base: int = 600
    groups: int = 6
    clean: int = 5
    least: int = 3

    def screen(self, batch: Batch, context: GateContext) -> Screening:
        """Return which records of a batch may be trained on."""
        rng = np.random.default_rng((*context.seed, batch.round))
        stored = context.stored.take(rng.permutation(len(context.stored))[: self.base])
        before = self._harm(context.trainer.fit(stored), context.trusted)
        train, evidence = np.ones(len(batch.data), dtype=bool), []
        usual: dict[int, list[Floats]] = {}
        for name, group in self._groups(batch):
            size = len(group)
            known = usual.setdefault(size.bit_length(), [])
            while len(known) < self.clean:
                others = context.stored.take(rng.integers(len(context.stored), size=size))
                known.append(self._harm(context.trainer.fit(stored.plus(others)), context.trusted) - before)
            rise = self._harm(context.trainer.fit(stored.plus(batch.data.take(group))), context.trusted) - before
            limit = np.max(known, axis=0) + np.maximum(2 * np.std(known, axis=0), 0.01)
            if (rise > limit).any():
                train[group] = False
                evidence.append(
                    f"{name}: {size} records raise the share of harmful records that pass by {100 * rise[1]:.1f} "
                    f"points, and of good ones that do not by {100 * rise[0]:.1f} points"
                )
        return Screening(train, tuple(evidence))

    def _groups(self, batch: Batch) -> Iterator[tuple[str, Ints]]:
        for kind, key in (("family", families(batch.data.records)), ("source", batch.sources)):
            values, which = np.unique(key, return_inverse=True)
            large = np.flatnonzero(np.bincount(which) >= self.least)
            found = [(f"{kind} {values[i]}", np.flatnonzero(which == i)) for i in large]
            yield from sorted(found, key=lambda item: -len(item[1]))[: self.groups]

    @staticmethod
    def _harm(model: Target, trusted: Labelled) -> Floats:
        """Return the share of good records that do not pass, and of harmful ones that do (2,)."""
        passed = model.answer(trusted.records, LABEL).decisions == Decision.PASS
        good, bad = trusted.labels == 0, trusted.labels == 1
        return np.array([(~passed)[good].mean() if good.any() else 0.0, passed[bad].mean() if bad.any() else 0.0])
