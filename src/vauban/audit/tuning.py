"""What the tuning set says: which attack is the strongest, with which settings, and in which order a cascade goes.

Whoever compares attacks on the victims and reports the best flatters it: the best of several is the best by luck as
well. So attacks are compared on records apart, and the figures of the one chosen are those on the victims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vauban.audit.judge import Judged
from vauban.audit.plan import Plan, Planned
from vauban.audit.work import TUNING_QUERIES, Done, Scout
from vauban.metrics.intervals import quantile, wilson
from vauban.results import Trial


@dataclass(frozen=True)
class Compared:
    """What an attack reached on the tuning set."""

    planned: Planned
    judged: Judged
    done: Done

    @property
    def cost(self) -> float:
        """The median cost over all records of the set; those not evaded cost infinity."""
        return quantile(self.judged.cost, 0.5)

    @property
    def asked(self) -> float:
        """The median of the questions asked for a record."""
        return quantile(self.judged.used.astype(np.float64), 0.5)

    @property
    def successes(self) -> int:
        """How many records were evaded."""
        return int(self.judged.success.sum())

    @property
    def weakness(self) -> tuple[float, float, float]:
        """Lower is stronger: more successes, then a lower median cost, then fewer questions."""
        return -self.successes, self.cost, self.asked

    def trial(self) -> Trial:
        """Return it for a report."""
        effort = self.done.effort
        return Trial(
            self.planned.entry.name,
            dict(self.planned.entry.parameters),
            len(self.judged.ids),
            self.successes,
            wilson(self.successes, len(self.judged.ids)),
            self.cost,
            self.asked,
            min(TUNING_QUERIES, self.done.job.front.threat.budget.queries),
            effort["rows_scored"],
            effort["seconds"],
        )


def strongest_first(compared: Sequence[Compared]) -> list[Compared]:
    """Return them by strength; equals stay in the order of the catalogue."""
    return sorted(compared, key=lambda c: c.weakness)


def cheapest_first(compared: Sequence[Compared]) -> list[Compared]:
    """Return them by the questions that they asked, then by strength."""
    return sorted(compared, key=lambda c: (c.asked, c.weakness))


@dataclass(frozen=True)
class Tuning:
    """What was scouted and compared so far."""

    plan: Plan
    done: Sequence[Done]

    def scout(self, planned: Planned) -> Scout | None:
        """Return an attack, with one of its settings, and what it learnt; None if that is missing."""
        return next((Scout(planned, d.value) for d in self._of("scout", planned)), None)

    def compared(self, planned: Planned) -> Compared | None:
        """Return what an attack, with one of its settings, or a cascade reached on the tuning set."""
        return next((Compared(planned, d.value[0], d) for d in self._of("tune", planned)), None)

    def best(self, planned: Planned) -> Compared | None:
        """Return the best of an attack's settings; None if one of them has not been tried."""
        if planned.members:
            return self.compared(planned)
        tried = [self.compared(one) for one in planned.choices()]
        whole = [one for one in tried if one is not None]
        return strongest_first(whole)[0] if len(whole) == len(tried) else None

    def scouts(self, planned: Planned) -> tuple[Scout, ...] | None:
        """Return whose turn it is, in order, when an attack or a cascade is played; None if something is missing.

        Nothing is chosen, so nothing need have been compared, where a front has no tuning set, and for controls and
        baselines that have no alternatives.
        """
        if planned.members:
            best = [self.best(member) for member in planned.members]
            found = [self.scout(c.planned) for c in cheapest_first([b for b in best if b is not None])]
            return None if None in best or None in found else tuple(s for s in found if s is not None)
        if self.plan.compares(planned):
            chosen = self.best(planned)
            one = None if chosen is None else self.scout(chosen.planned)
        else:
            one = self.scout(planned.choices()[0])
        return None if one is None else (one,)

    def _of(self, kind: str, planned: Planned) -> list[Done]:
        return [d for d in self.done if d.job.kind == kind and d.problem is None and d.job.planned == planned]
